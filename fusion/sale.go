package fusion

import "slices"

// strange is the chance that a thing that is scanned was never seen with who has it: no scale felt it taken, or another was
// thought to take it. It is assumed.
const strange = 0.1

// handsOver is how likely somebody else must be the customer of a session for it to be handed over. It is assumed.
const handsOver = 0.6

// fit is how likely what a session has scanned so far is what a visit, or who came with it, has, and how near it stood meanwhile.
type fit struct {
	visit int // its number; 0: somebody of whom nothing is known
	l     float64
	stood float64 // the sum of its shares in the session's events, by where it stood
	wait  float64 // how long it had been there when the session began, s, and one more; 0: it was not
}

// whoseSale looks whether a session is another's who stands at its till: as it begins nobody can tell a customer from who walks past,
// waits or serves. Over its events the customer stands nearest, and what is scanned is what he carries. It hands the sale over once
// that is likely enough. Call it before a scan is folded, which takes the goods from whoever seemed to have them. zone is the till's.
func (w *World) whoseSale(s *session, key sessionKey, zone int, e *Event) {
	if s.visit.Unowned || zone < 0 {
		return
	}
	line := tillLine{epc: e.EPC, product: w.product(e), n: max(1, e.Qty)}
	if e.Action != Scan || line.product < 0 && line.epc == "" {
		line.n = 0
	}
	w.weighLine(s, key, w.inside(zone, e.TS), &line, e.TS)
	var best *Visit
	sum, most, his := 0.0, 0.0, 0.0
	for _, f := range s.fits {
		v := w.visit(f.visit)
		near := f.stood / float64(s.events)
		l := float64(float64(f.l*max(1, f.wait)) * float64(near*near))
		switch {
		case f.visit == 0:
			l = float64(unseen * f.l)
		case v == nil || v.Unowned:
			continue
		case v == s.visit:
			his = float64(float64(l*(1-v.Staff)) * s.turn)
			l = his
		default:
			if l = float64(float64(l*(1-v.Staff)) * w.takesTurn(v, key.source, zone)); l > most {
				best, most = v, l
			}
		}
		sum += l
	}
	switch {
	case best != nil && most >= float64(handsOver*sum):
		s.turn = w.takesTurn(best, key.source, zone)
		w.handSale(s, key, best)
		s.share = most / sum
	case sum > 0:
		s.share = his / sum
	}
}

// weighLine weighs all at a till by whether they have what is scanned, and those who were not there before by what was scanned so
// far.
func (w *World) weighLine(s *session, key sessionKey, near []claim, line *tillLine, ts int64) {
	s.events++
	all := []fit{{visit: 0, l: s.fitOf(0).l}}
	if line.n > 0 {
		all[0].l = float64(all[0].l * strange)
	}
	weigh := func(v *Visit, share float64) {
		if v.Unowned || slices.ContainsFunc(all, func(f fit) bool { return f.visit == v.number }) {
			return
		}
		f := s.fitOf(v.number)
		if f.visit != v.number {
			f.visit, f.wait = v.number, s.waits[v.number]
			for i := range s.lines {
				f.l = float64(f.l * w.has(v, &s.lines[i]))
			}
		}
		if line.n > 0 {
			f.l = float64(f.l * w.has(v, line))
		}
		f.stood += share
		all = append(all, f)
	}
	for _, c := range near {
		weigh(c.visit, float64(c.share*w.atSpot(c.visit, key.source, ts)))
	}
	weigh(s.visit, 0)
	for _, f := range s.fits { // who has gone away may come back
		if v := w.visit(f.visit); v != nil && len(all) < maxOwners {
			weigh(v, 0)
		}
	}
	s.fits = all
}

// fitOf is what is known of a visit; of none when nothing is.
func (s *session) fitOf(visit int) fit {
	for _, f := range s.fits {
		if f.visit == visit {
			return f
		}
	}
	return fit{visit: -1, l: 1}
}

// has is how likely a line is scanned by a visit: it, or who came with it, has that, or nobody saw it taken.
func (w *World) has(v *Visit, line *tillLine) float64 {
	n := v.unsold(line)
	for _, o := range w.visits {
		if o != v && n < line.n && v.goesWith(o) > 0 {
			n += o.unsold(line)
		}
	}
	return strange + float64((1-strange)*min(1, n/line.n))
}

// unsold is how many units of what a line is of a visit has and has not paid for.
func (v *Visit) unsold(line *tillLine) float64 {
	n := 0.0
	for i := range v.Basket {
		it := &v.Basket[i]
		if line.epc != "" && it.EPC == line.epc || it.Product == line.product && line.product >= 0 && (line.epc == "" || it.EPC == "") {
			n += it.N - it.Paid
		}
	}
	return max(0, n)
}

// takesTurn weighs somebody at a till as the customer of a session by the sessions that they had and, where staff serve, those that they stood by.
func (w *World) takesTurn(v *Visit, till, zone int) float64 {
	serves := 1.0
	if w.staffedTill(till) {
		serves = v.serves()
	}
	return float64(serves * w.hadTurn(v, zone))
}

// hadTurn is takesTurn by the sessions alone that they had.
func (w *World) hadTurn(v *Visit, zone int) float64 {
	switch {
	case v.Session == "":
		return 1
	case v.Paid && w.saleAt(v) != zone:
		return 0.5 // it has paid elsewhere, or was given its money back, and comes again
	case v.Paid:
		return 0.02 // it has paid, and is packing
	}
	return 0.2 // it is another session's customer already
}

// handSale makes another the customer of a session: what it sold was his, and what was said of it is said of him.
func (w *World) handSale(s *session, key sessionKey, v *Visit) {
	was := s.visit
	for i := range s.lines {
		was.unpay(&s.lines[i])
	}
	was.Basket = slices.DeleteFunc(was.Basket, func(it Item) bool { return it.N == 0 && it.Shown == 0 && it.Paid == 0 })
	var his, rest Facts
	for f := range was.Facts.All() {
		if s.told(key, &f) {
			his.Append(f)
		} else {
			rest.Append(f)
		}
	}
	was.Facts, was.Session = rest, ""
	was.Paid = rest.Has(func(f Fact) bool { return f.Kind == FactPaid })
	s.visit, v.Session, v.Paid = v, w.Store.Sources[key.source].ID+"/"+key.id, false
	v.Facts = w.mergeFacts(v, &Visit{Facts: his})
	for i := range s.lines {
		l := &s.lines[i]
		f := Fact{At: l.at, Source: key.source, Product: l.product, N: l.n}
		w.scanned(v, f, l.epc)
		if f.N = l.void; l.void > 0 {
			w.voided(v, f, l.epc)
		}
	}
	w.reckon(was)
	w.reckon(v)
	for _, x := range []*Visit{was, v} {
		f := Fact{At: s.at, Kind: FactSale, Source: key.source, Zone: x.Zone, Product: -1, N: 1, Name: key.id}
		if x == v {
			f.P = 1
		}
		w.add(x, f, 1)
	}
}

// told reports whether a fact is what a session said.
func (s *session) told(key sessionKey, f *Fact) bool {
	if f.Source != key.source {
		return false
	}
	switch f.Kind {
	case FactOpened, FactScanned, FactVoided, FactRefunded, FactPaid:
		return f.Name == key.id
	case FactTill:
		return f.At >= s.began
	}
	return false
}

// unpay takes back what a line of a session paid for.
func (v *Visit) unpay(l *tillLine) {
	left, there := l.sold(), float64((1-takenAfterVoid)*l.void)
	for _, tagged := range []bool{l.epc != "", l.epc == ""} {
		for i := range v.Basket {
			it := &v.Basket[i]
			if it.Product != l.product || (it.EPC != "") != tagged || l.epc != "" && it.EPC != "" && it.EPC != l.epc {
				continue
			}
			left -= it.unpay(left)
			n := min(there, it.left)
			it.left, there = it.left-n, there-n
		}
	}
	for i := range v.Basket { // it was booked before the tag was known to be here, and is another piece's since (see allot)
		if it := &v.Basket[i]; l.epc != "" && it.Product == l.product && it.EPC != "" && it.EPC != l.epc {
			left -= it.unpay(min(left, it.Paid-it.named-it.lent))
		}
	}
}
