package fusion

// RefundedTaken is the probability that money was paid back for goods of which the visit took some before, and which no till
// has sold: of its refunds the one for which that is the likeliest. In an exchange the new one is sold, before the refund or
// after it. Goods that a tag alone shows count as taken before.
func (v View) RefundedTaken() float64 {
	p := 0.0
	for f := range v.Visit.Facts.All() {
		if f.Kind != FactRefunded || f.Product < 0 {
			continue
		}
		for i := range v.Visit.Basket {
			it := &v.Visit.Basket[i]
			if it.Product != f.Product {
				continue
			}
			unsold := it.PUnpaid()
			if it.EPC == "" {
				unsold = min(unsold, v.takenBefore(f.Product, f.At))
			}
			p = max(p, float64(f.P*unsold))
		}
	}
	return round9(p)
}

// takenBefore is the probability that the visit took any of the product off a shelf before a time: noisy-or over the picks
// that are still known.
func (v View) takenBefore(product int, at int64) float64 {
	none := 1.0
	for f := range v.Visit.Facts.All() {
		if f.Kind == FactPicked && f.Product == product && f.At < at {
			none = float64(none * (1 - min(1, float64(f.N*f.P))))
		}
	}
	return 1 - none
}
