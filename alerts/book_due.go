package alerts

// dueAt is a subject's timer; the heap is ordered by time, then subject.
type dueAt struct {
	at  int64
	key string
}

type dueHeap []dueAt

func (d dueAt) before(o dueAt) bool { return d.at < o.at || d.at == o.at && d.key < o.key }

func (h *dueHeap) push(d dueAt) {
	a := append(*h, d)
	*h = a
	for i := len(a) - 1; i > 0; {
		p := (i - 1) / 2
		if !a[i].before(a[p]) {
			return
		}
		a[i], a[p] = a[p], a[i]
		i = p
	}
}

func (h *dueHeap) pop() dueAt {
	a := *h
	top, n := a[0], len(a)-1
	a[0] = a[n]
	a = a[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && a[c+1].before(a[c]) {
			c++
		}
		if !a[c].before(a[i]) {
			break
		}
		a[i], a[c] = a[c], a[i]
		i = c
	}
	*h = a
	return top
}
