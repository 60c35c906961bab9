package alerts

// dueAt is a subject's timer.
type dueAt struct {
	at  int64
	key string
}

// dueHeap is a [container/heap] of timers by time, then subject.
type dueHeap []dueAt

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].key < h[j].key
}

func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *dueHeap) Push(d any) { *h = append(*h, d.(dueAt)) }

func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	*h = (*h)[:last]
	return d
}
