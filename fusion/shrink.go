package fusion

import (
	"slices"
	"time"
)

// Bounds of the shrink ledger.
const (
	shrinkDays = 8    // store-local days kept, today with them; older ones go
	shrinkRows = 8192 // products × zones of a day; what is beyond is dropped and counted
	bookSize   = 64   // products of a page of stock books
)

// Causes of goods that are no longer there, as outputs name them; unpaid is a visit's.
const (
	CauseUnknown = "unknown"
	CauseDamaged = "damaged"
	CauseAdmin   = "admin"
)

// ShrinkRow is what became of one product in one zone on one day, in expected units. Picks and put-backs count in the zone
// of their plate; what a till, an exit or a stock message says counts in the zone in which the product lies, and in none
// (-1) where it lies in several or in none.
type ShrinkRow struct {
	Day     int // of the store's calendar, as 20261122
	Product int // index into Store.Products; -1: goods that no product explains
	Zone    int // index into Store.Zones; -1: none

	Picked, PutBack float64 // off and on the plates
	Sold            float64 // scanned less voided and refunded
	Unpaid          float64 // gone out with visits, not those of staff, unseen by a till
	Delivered       float64 // deliveries and transfers, by what the stock message says more than was thought to be there
	Unknown         float64 // missing at a count and not explained by Unpaid; below 0: more than was thought
	Damaged, Admin  float64 // written off
}

// Open is what was taken and neither paid for nor seen leaving: still in the shop with somebody, put down where no plate
// is, or gone unseen. Picked − put back − sold − unpaid.
func (r *ShrinkRow) Open() float64 { return r.Picked - r.PutBack - r.Sold - r.Unpaid }

// shrinkDay is the ledger of one day, sorted by product and zone.
type shrinkDay struct {
	day  int
	rows []ShrinkRow
}

// stockBook is what is thought to be on hand of a product since its last stock message.
type stockBook struct {
	known  bool
	units  float64 // on hand, by that message
	sold   float64 // since
	unpaid float64 // gone out since
}

// shrink is the ledger of a store. Days and pages are copied when they are first written after a clone.
type shrink struct {
	days     []*shrinkDay // oldest first
	books    [][]stockBook
	mine     []bool // days that may be written in place
	minePage []bool
	home     []int // by product: the zone in which it lies, -1: none or several; never changes
}

func newShrink(s *Store) shrink {
	pages := (len(s.Products) + bookSize - 1) / bookSize
	sh := shrink{books: make([][]stockBook, pages), minePage: make([]bool, pages), home: make([]int, len(s.Products))}
	const nowhere, several = -1, -2
	for i := range sh.home {
		sh.home[i] = nowhere
	}
	for i := range s.Scales {
		for _, p := range s.Scales[i].Products {
			switch sh.home[p] {
			case nowhere:
				sh.home[p] = s.Scales[i].Zone
			case s.Scales[i].Zone:
			default:
				sh.home[p] = several
			}
		}
	}
	for i := range sh.home {
		sh.home[i] = max(sh.home[i], nowhere)
	}
	return sh
}

func (sh *shrink) clone() shrink {
	clear(sh.mine) // from here on neither may write what both hold
	clear(sh.minePage)
	c := *sh
	c.days, c.books = slices.Clone(sh.days), slices.Clone(sh.books)
	c.mine, c.minePage = make([]bool, len(sh.mine)), make([]bool, len(sh.minePage))
	return c
}

// book returns the stock book of a product for writing.
func (sh *shrink) book(product int) *stockBook {
	page := product / bookSize
	if !sh.minePage[page] {
		n := make([]stockBook, bookSize)
		copy(n, sh.books[page])
		sh.books[page], sh.minePage[page] = n, true
	}
	return &sh.books[page][product%bookSize]
}

// row returns the row of a product in a zone today for writing, nil when the day is full.
func (w *World) row(product, zone int) *ShrinkRow {
	sh := &w.shrink
	at := time.Unix(0, w.now).UTC()
	if l := w.Store.Location; l != nil {
		at = at.In(l)
	}
	y, m, d := at.Date()
	day := y*10000 + int(m)*100 + d
	if n := len(sh.days); n == 0 || sh.days[n-1].day < day {
		sh.days, sh.mine = append(sh.days, &shrinkDay{day: day}), append(sh.mine, true)
		if n == shrinkDays {
			sh.days, sh.mine = slices.Delete(sh.days, 0, 1), slices.Delete(sh.mine, 0, 1)
		}
	}
	last := len(sh.days) - 1
	if !sh.mine[last] {
		sh.days[last], sh.mine[last] = &shrinkDay{sh.days[last].day, slices.Clone(sh.days[last].rows)}, true
	}
	rows := &sh.days[last].rows
	i, found := slices.BinarySearchFunc(*rows, ShrinkRow{Product: product, Zone: zone}, func(a, b ShrinkRow) int {
		if a.Product != b.Product {
			return a.Product - b.Product
		}
		return a.Zone - b.Zone
	})
	if !found {
		if len(*rows) == shrinkRows {
			w.evicted++
			return nil
		}
		*rows = slices.Insert(*rows, i, ShrinkRow{Day: sh.days[last].day, Product: product, Zone: zone})
	}
	return &(*rows)[i]
}

// lies is the zone in which what a till or a visit says of a product counts.
func (sh *shrink) lies(product int) int {
	if product < 0 {
		return -1
	}
	return sh.home[product]
}

// reckonShrink enters a fact of the store.
func (w *World) reckonShrink(f *Fact) {
	sold := 0.0
	switch f.Kind {
	case FactPicked:
		if r := w.row(f.Product, f.Zone); r != nil {
			r.Picked += f.N
		}
	case FactPutBack:
		if r := w.row(f.Product, f.Zone); r != nil {
			r.PutBack += f.N
		}
	case FactScanned:
		sold = f.N
	case FactVoided, FactRefunded:
		sold = -f.N
	}
	if sold == 0 {
		return
	}
	if r := w.row(f.Product, w.shrink.lies(f.Product)); r != nil {
		r.Sold += sold
	}
	if f.Product >= 0 {
		w.shrink.book(f.Product).sold += sold
	}
}

// wentOut enters what a visit that has ended is thought to have taken out past the tills.
func (w *World) wentOut(v *Visit) {
	if v.Staff >= 0.5 || !w.gone(v) {
		return
	}
	for i := range v.Basket {
		it := &v.Basket[i]
		n := it.Unpaid()
		if n <= 0 {
			continue
		}
		if r := w.row(it.Product, w.shrink.lies(it.Product)); r != nil {
			r.Unpaid += n
		}
		if it.Product >= 0 {
			w.shrink.book(it.Product).unpaid += n
		}
	}
}

// foldStock compares the units on hand with what is thought to be there: those of the message before less what was sold
// since. The first message of a product says only where it begins. A delivery or transfer explains itself, and so does what
// is written off; what a count misses is explained by visits that left unpaid as far as they go, the rest is unknown.
func (w *World) foldStock(e *Event) {
	product := w.Store.ProductIndex(e.SKU)
	if product < 0 {
		return
	}
	b := w.shrink.book(product)
	was := *b
	*b = stockBook{known: true, units: e.Qty, unpaid: was.unpaid}
	gap := was.units - was.sold - e.Qty
	cause := e.Name
	switch cause {
	case "delivery", "transfer", CauseDamaged, CauseAdmin:
	default:
		cause = CauseUnknown
		b.unpaid = 0 // a count has seen what is gone
		gap -= max(0, min(gap, was.unpaid))
	}
	if !was.known || gap == 0 {
		return
	}
	zone := w.shrink.lies(product)
	r := w.row(product, zone)
	if r == nil {
		return
	}
	switch cause {
	case CauseUnknown:
		r.Unknown += gap
	case CauseDamaged:
		r.Damaged += gap
	case CauseAdmin:
		r.Admin += gap
	default:
		r.Delivered -= gap
		return
	}
	w.note(Fact{At: e.TS, Kind: FactShrunk, Source: e.Source, Zone: zone, Product: product, N: gap, P: 1, Name: cause})
}

// Shrink lists the ledger by day, product and zone.
func (w *World) Shrink() []ShrinkRow {
	var all []ShrinkRow
	for _, d := range w.shrink.days {
		all = append(all, d.rows...)
	}
	return all
}
