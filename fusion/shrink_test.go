package fusion

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// stocked is the corner shop with a source of stock messages.
func stocked(t *testing.T) *story {
	s := newStory(t)
	s.store.Sources = append(s.store.Sources, Source{ID: "erp-1", Kind: Stock, Lateness: 3 * second})
	s.store.Devices = append(s.store.Devices, Device{ID: "erp-1", Kind: Stock, Zone: -1})
	s.store.Index()
	return s
}

func (s *story) stock(sec float64, sku, reason string, units float64) {
	s.event("erp-1", sec, Event{SKU: GTIN14(sku), Name: reason, Qty: units, Zone: -1})
}

// ledger writes the rows of a world down: what is 0 to one digit is left out.
func ledger(w *World) string {
	var all []string
	for _, r := range w.Shrink() {
		zone := "-"
		if r.Zone >= 0 {
			zone = w.Store.Zones[r.Zone].ID
		}
		line := fmt.Sprintf("%d %d %s", r.Day, r.Product, zone)
		for _, c := range []struct {
			name string
			n    float64
		}{{"picked", r.Picked}, {"put back", r.PutBack}, {"sold", r.Sold}, {"unpaid", r.Unpaid}, {"delivered", r.Delivered},
			{"unknown", r.Unknown}, {"damaged", r.Damaged}, {"admin", r.Admin}, {"open", r.Open()}} {
			if text := fmt.Sprintf("%.1f", c.n); text != "0.0" && text != "-0.0" {
				line += ", " + c.name + " " + text
			}
		}
		all = append(all, line)
	}
	return strings.Join(all, "; ")
}

// TestShrinkOfAVisit: what is taken, put back, sold and carried out stands in the row of its shelf's zone; a count later
// finds what is missing explained by it.
func TestShrinkOfAVisit(t *testing.T) {
	s := stocked(t)
	s.stock(0.5, "71142008582", "inventory", 20)
	s.walk("cam-1", "A", 0, 40, Point{1, 1}, Point{2.1, 4.2}, Point{2.1, 4.2}, Point{2.1, 4.2}, Point{4, 1.5})
	s.weigh(40, 20, -621, 24, -621, 28, -621, 32, 621)
	s.till(39, "t1", Open, "")
	s.till(39.2, "t1", Scan, "71142008582")
	s.till(39.4, "t1", Scan, "71142008582")
	s.till(39.6, "t1", Void, "71142008582")
	s.till(39.8, "t1", Tender, "")
	s.till(40, "t2", Refund, "17")
	w := s.tell(41)
	if got, want := ledger(w), "20260105 0 aisle-1, picked 3.0, put back 1.0, sold 1.0, open 1.0; 20260105 1 aisle-1, sold -1.0, open 1.0"; got != want {
		t.Errorf("ledger %s\nwant   %s", got, want)
	}
	s.walk("cam-1", "A", 40.2, 50, Point{4, 1.5}, Point{4, 0.5}, Point{4, -0.5})
	w = s.tell(200)
	rows := w.Shrink()
	if len(rows) != 2 || !near(rows[0].Unpaid, takenAfterVoid, 0.1) || !near(rows[0].Open(), 1-takenAfterVoid, 0.1) {
		t.Fatalf("ledger %s; want the voided unit gone by its chance, else open", ledger(w))
	}
	s.stock(210, "71142008582", "inventory", 17) // 20 − 1 sold − 17: two are missing
	w = s.tell(220)
	if r := w.Shrink()[0]; !near(r.Unknown, 2-r.Unpaid, 1e-9) {
		t.Errorf("ledger %s; want the rest of two missing units unknown", ledger(w))
	}
}

// TestShrinkByReason: each reason of a stock message explains its own gap, once; the first message of a product is where it
// begins, and goods that the catalogue does not know are nobody's.
func TestShrinkByReason(t *testing.T) {
	s := stocked(t)
	s.stock(1, "17", "inventory", 100)
	s.stock(2, "17", "delivery", 140)
	s.stock(3, "17", "damaged", 137)
	s.stock(4, "17", "admin", 136)
	s.stock(5, "17", "transfer", 126)
	s.stock(6, "17", "inventory", 120)
	s.stock(7, "17", "some word", 121) // a surplus
	s.stock(8, "17", "", 121)
	s.stock(9, "24", "damaged", 3)
	s.stock(10, "99", "inventory", 3)
	w := s.tell(20)
	if got, want := ledger(w), "20260105 1 aisle-1, delivered 30.0, unknown 5.0, damaged 3.0, admin 1.0"; got != want {
		t.Errorf("ledger %s\nwant   %s", got, want)
	}
	var told []string
	for _, c := range s.told {
		if f := c.Fact; f.Kind == FactShrunk && c.Visit.Subject == SubjectStore {
			told = append(told, fmt.Sprintf("%s %g", f.Name, f.N))
		}
	}
	if want := []string{"damaged 3", "admin 1", "unknown 6", "unknown -1"}; !slices.Equal(told, want) {
		t.Errorf("told %q; want %q", told, want)
	}
}

// TestShrinkOfAClone: what is folded into a world after it was cloned is not in the clone, and the other way round.
func TestShrinkOfAClone(t *testing.T) {
	s := stocked(t)
	s.stock(1, "17", "inventory", 100)
	s.stock(2, "17", "damaged", 99)
	w := s.tell(3)
	before := ledger(w)
	c := w.Clone()
	fold := func(w *World, units float64) {
		w.Fold(&Event{TS: at(5), Kind: Stock, Source: s.store.SourceIndex("erp-1"), SKU: GTIN14("17"), Name: "damaged", Qty: units, Zone: -1})
	}
	fold(w, 90)
	if got := ledger(c); got != before {
		t.Errorf("the clone says %s after the original went on; want %s", got, before)
	}
	fold(c, 98)
	if a, b := ledger(w), ledger(c); !strings.HasSuffix(a, "damaged 10.0") || !strings.HasSuffix(b, "damaged 2.0") {
		t.Errorf("the original says %s, the clone %s; want 10 and 2 damaged", a, b)
	}
}

// TestShrinkIsBounded: days are those of the store's calendar, and no more than eight are kept; a day is bounded too.
func TestShrinkIsBounded(t *testing.T) {
	s := stocked(t)
	s.store.Location = time.FixedZone("", 14*3600) // 10:00 UTC is the next day there
	w := NewWorld(s.store)
	erp := s.store.SourceIndex("erp-1")
	for i := range 12 {
		w.Fold(&Event{TS: monday + int64(i)*24*3600*second, Kind: Stock, Source: erp, SKU: GTIN14("17"), Qty: float64(100 - i), Zone: -1})
	}
	rows := w.Shrink()
	if len(rows) != shrinkDays || rows[0].Day != 20260110 || rows[7].Day != 20260117 {
		t.Errorf("%d days: %s; want the last eight, from 2026-01-10 to 2026-01-17", len(rows), ledger(w))
	}
	n := w.Evictions()
	for i := range 2 * shrinkRows {
		if r := w.row(sauce, i); r != nil {
			r.Picked++
		}
	}
	if got := len(w.shrink.days[len(w.shrink.days)-1].rows); got != shrinkRows || w.Evictions()-n != shrinkRows+1 {
		t.Errorf("%d rows and %d dropped; want %d and %d", got, w.Evictions()-n, shrinkRows, shrinkRows+1)
	}
}
