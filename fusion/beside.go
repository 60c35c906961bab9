package fusion

import "slices"

// besideFor is how long before the first scan of a sale somebody may have come to the till and still be there with its
// customer, ns.
const besideFor = 120 * second

// paidBeside settles goods that a visit shows and has not paid for with those of the same product that were sold to somebody
// who pays for it: they are the same piece. So is the one whose tag a till rang up, whoever stood there. One of two who came together pays for
// both, and cameras take one of two people for the other, and one for two, more often than two have a piece of the same goods and one of them
// steals his.
func (w *World) paidBeside(v *Visit, product int, epc string) {
	if product < 0 {
		return
	}
	if it := v.line(product, epc); it != nil {
		it.Paid, it.lent = it.Paid-it.lent, 0
	}
	payer, rung := w.rangUp(epc)
	for _, o := range w.visits {
		it := v.line(product, epc)
		if it == nil || it.Unpaid() <= tiny {
			return
		}
		if o == v {
			continue
		}
		from := o.line(product, "")
		if same := o.line(product, epc); epc != "" && same != nil { // that piece is paid for, whoever has it
			paid := same.Paid
			if from != nil {
				paid += from.Paid // for such, and of none that he is known to have
			}
			if n := min(1, paid) - it.named - it.lent; n > 0 {
				it.lent, it.Paid = it.lent+n, it.Paid+n
			}
		}
		if from == nil || from.Paid <= tiny || o != payer && !w.paysFor(o, v, epc) {
			continue
		}
		n, had := min(it.Unpaid(), from.Paid), it.N
		from.Paid, from.At = from.Paid-n, w.now // so that the piece may be drawn
		piece := n
		if epc != "" {
			piece = min(n, max(0, 1-it.known)) // that it has none
		}
		w.find(v, product, epc, piece, func(of *Visit) float64 {
			if of == o {
				return 1
			}
			return 0
		})
		if it = v.line(product, epc); it == nil {
			return
		}
		it.N, it.Paid, it.At = max(it.known, had), it.Paid+n, w.now // the piece was counted already
	}
	if it := v.line(product, epc); rung && payer != v && it != nil { // who paid is known no more, or has it in no basket
		n := min(it.Unpaid(), max(0, 1-it.named-it.lent))
		it.lent, it.Paid = it.lent+n, it.Paid+n
	}
}

// rungTag is a piece that a till rang up by its tag, or whose sale it took back.
type rungTag struct {
	epc  string
	by   sessionKey
	back bool
}

// maxRung bounds the tags that tills rang up of which is known.
const maxRung = 1 << 13

// ring notes what a till says of a piece with a tag. It outlives the visit of who paid, whom cameras may lose on the way out.
func (w *World) ring(epc string, by sessionKey, back bool) {
	if epc == "" {
		return
	}
	if len(w.rungTags) == maxRung {
		w.rungTags = slices.Clone(w.rungTags[maxRung/2:])
	}
	w.rungTags = append(w.rungTags, rungTag{epc, by, back})
}

// rangUp reports whether a till rang up the piece with a tag and neither voided nor took it back since, and whose sale that was: nil for one
// who is known no more.
func (w *World) rangUp(epc string) (payer *Visit, rung bool) {
	for i := len(w.rungTags) - 1; i >= 0 && epc != ""; i-- {
		if r := &w.rungTags[i]; r.epc == epc {
			if s := w.sessions[r.by]; s != nil && !r.back {
				payer = s.visit
			}
			return payer, !r.back
		}
	}
	return nil, false
}

// paysFor reports whether what a visit has paid for may be what another shows, with a tag or without: who may be the same, stood at that till
// with it, or is lost or near as the tag goes out.
func (w *World) paysFor(payer, v *Visit, epc string) bool {
	return w.maybeOne(v, payer) || payer.Session != "" && w.stoodBeside(v, payer) || w.boughtBy(v, payer, epc)
}

// brief is how long somebody was seen who cannot have been at a shelf and a till: he is a piece of another's way, ns (assumption).
const brief = 15 * second

// maybeOne reports whether two visits may be one person's, or of two who were at a till together: by where they were seen, or since
// the one was only seen in passing.
func (w *World) maybeOne(v, o *Visit) bool {
	return v.mayBe(o) || o.mayBe(v) || v.PosAt-v.First < brief && o.begunBefore(v)
}

// stoodBeside reports whether a visit was at the till of another's sale while that went on, or may have been, where no camera looks.
func (w *World) stoodBeside(v, o *Visit) bool {
	for k, s := range w.sessions {
		if s.visit != o || len(s.lines) == 0 {
			continue
		}
		if slices.ContainsFunc(s.fits, func(f fit) bool { return f.visit == v.number }) {
			return true
		}
		t := w.Store.till[k.source]
		if t < 0 {
			continue
		}
		if z := w.Store.Tills[t].Zone; z >= 0 {
			if v.Facts.Has(func(f Fact) bool {
				return f.Kind == FactEntered && f.Zone == z && f.At <= s.at && f.At >= s.lines[0].at-besideFor
			}) {
				return true
			}
		}
	}
	return false
}

// outBeside is how near to each other two go out who are one, or came together, metres (assumption).
const outBeside = 3.0

// boughtBy reports whether a tag that goes out with a visit, which nobody saw take such goods, may be of what another has paid for: one
// whom cameras have lost since, or who goes out there as well. That a till scanned the very goods a moment before is no chance.
func (w *World) boughtBy(v, payer *Visit, epc string) bool {
	if epc == "" || slices.ContainsFunc(v.tags, func(t carriedTag) bool { return t.epc == epc && t.took() }) {
		return false
	}
	left := w.gone(payer) && w.now-payer.PosAt > passTime
	return w.mislaid(payer) == 1 || !left && payer.Pos.distance(v.Pos) <= outBeside
}
