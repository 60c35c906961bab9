package fusion

import (
	"slices"
	"strings"
)

// maxCashiers bounds the ledgers of cashiers; beyond it the one of whom nothing was heard for the longest time is dropped.
const maxCashiers = 256

// cashier is the ledger of a cashier, by the id that the site lets be known.
func (w *World) cashier(id string) *Visit {
	i, found := slices.BinarySearchFunc(w.cashiers, id, func(v *Visit, id string) int { return strings.Compare(v.ID, id) })
	if !found {
		if len(w.cashiers) == maxCashiers {
			longest := 0
			for k, v := range w.cashiers {
				if v.Last < w.cashiers[longest].Last {
					longest = k
				}
			}
			w.cashiers = slices.Delete(w.cashiers, longest, longest+1)
			w.evicted++
			return w.cashier(id)
		}
		w.cashiers = slices.Insert(w.cashiers, i, &Visit{Subject: SubjectCashier, ID: id, Zone: -1, First: w.now})
	}
	w.cashiers[i].Last = w.now
	return w.cashiers[i]
}

// Alerted is the name of a FactAlerted: what policy crossed which tier first, about whom, and the products in question, as
// indexes into Store.Products.
type Alerted struct {
	Policy, Tier, Subject string
	Products              []int
}

// String puts it in one word, of which ParseAlerted reads it again.
func (a Alerted) String() string {
	s := a.Policy + "\x00" + a.Tier + "\x00" + a.Subject
	for _, p := range a.Products {
		s += "\x00" + itoa(int64(p))
	}
	return s
}

// ParseAlerted reads what String wrote.
func ParseAlerted(s string) Alerted {
	parts := strings.Split(s, "\x00")
	if len(parts) < 3 {
		return Alerted{}
	}
	a := Alerted{Policy: parts[0], Tier: parts[1], Subject: parts[2]}
	for _, p := range parts[3:] {
		n := 0
		for _, c := range []byte(p) {
			n = 10*n + int(c-'0')
		}
		a.Products = append(a.Products, n)
	}
	return a
}

// Tell gives the store's ledger a fact that judging made, at the newest event time or, with At, of an earlier one, and returns
// the ledger and the fact.
func (w *World) Tell(f Fact) (*Visit, Fact) {
	if f.TS = w.now; f.At == 0 {
		f.At = w.now
	}
	if w.store.Facts.push(f, w.store.most()) {
		w.evicted++
	}
	return w.store, f
}

// TakeBack unsays what the store's ledger was told of the alerts of a subject, and returns the ledger and these facts. What is
// left of them there has no name and is about nobody.
func (w *World) TakeBack(subject string) (*Visit, []Fact) {
	var gone []Fact
	list := w.store.Facts.List()
	for i := range list {
		f := &list[i]
		if f.Kind != FactAlerted || ParseAlerted(f.Name).Subject != subject {
			continue
		}
		gone = append(gone, *f)
		f.Name, f.N, f.P = "", 0, 0
	}
	if gone != nil { // copies of the world share what the list was
		w.store.Facts = FactsOf(list...)
	}
	return w.store, gone
}

// WorldBegan is the event time of the first event, ns.
func (v View) WorldBegan() int64 { return v.World.began }

// Began is when the visit began, ns; a ledger begins with the world.
func (v View) Began() int64 {
	if v.Visit.Subject == SubjectVisit {
		return v.Visit.First
	}
	return max(v.Visit.First, v.World.began)
}

// Peers calls f for every other open subject of the same kind, in the order of the world. A store has none.
func (v View) Peers(f func(*Visit)) {
	list := v.World.visits
	switch v.Visit.Subject {
	case SubjectTill:
		list = v.World.tills
	case SubjectCashier:
		list = v.World.cashiers
	case SubjectZone:
		list = v.World.zones
	case SubjectStore:
		return
	}
	for _, p := range list {
		if p.ID != v.Visit.ID {
			f(p)
		}
	}
}
