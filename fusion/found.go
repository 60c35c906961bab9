package fusion

// Goods that turn up with somebody who took none came to him from one who did, with this probability (assumption), of the
// newest maxFound lots: handed over unseen, or put down where no plate is and found. Else their pick was not felt.
const (
	found    = 0.8
	maxFound = 1024
)

// find gives a visit, which has shown goods that nothing explains, up to n units of what others have taken of the product: each
// of theirs is as likely the one, times the weight of who has it.
func (w *World) find(v *Visit, product int, epc string, n float64, weight func(*Visit) float64) {
	from := max(0, len(w.lots)-maxFound)
	free := func(l *lot) float64 {
		if l.product != product || !l.room(v.number, epc) {
			return 0
		}
		sum := 0.0
		for i := range l.parts {
			if p := &l.parts[i]; p.visit != v.number && p.n > tiny {
				if o := w.visit(p.visit); o != nil {
					sum += float64(weight(o) * w.claimed(l, p))
				}
			}
		}
		return sum
	}
	all := 0.0
	for _, l := range w.lots[from:] {
		all += free(l)
	}
	if all <= tiny {
		return
	}
	n = min(n, all)
	for i := from; i < len(w.lots); i++ {
		if x := float64(n * free(w.lots[i]) / all); x > tiny {
			w.drawFrom(i, v, epc, x)
		}
	}
}
