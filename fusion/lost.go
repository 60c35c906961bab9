package fusion

// mostLost is how many units of a product whose scans were lost a sum may stand for.
const mostLost = 3

// tendered takes a payment. Where it comes to more than the lines that arrived, by just what goods that the visit is thought to hold unpaid
// cost, their scan was lost on its way, and they are paid for.
func (w *World) tendered(s *session, v *Visit, f Fact, sum int64) {
	s.paid += sum
	rest := s.paid
	for i := range s.lines {
		l := &s.lines[i]
		if l.price <= 0 {
			return
		}
		rest -= int64(float64(l.price)*(l.n-l.void) + 0.5)
	}
	if rest <= 0 || len(s.lines) == 0 {
		return
	}
	for _, u := range w.costs(v, rest) {
		f.Kind, f.Product, f.N = FactScanned, u.product, u.n
		w.scanned(v, f, "")
	}
}

// costs is what of the goods that a visit may hold unpaid costs just so much, in hundredths: some of one product, or one each of two; of
// several answers the one whose goods are the likeliest there.
func (w *World) costs(v *Visit, sum int64) (best []units) {
	surest := minShare
	take := func(p float64, of ...units) {
		if p > surest {
			best, surest = of, p
		}
	}
	price := func(it *Item) int64 {
		if it.Product < 0 {
			return 0
		}
		return w.Store.Products[it.Product].Price
	}
	for i := range v.Basket {
		a := &v.Basket[i]
		one := price(a)
		if one <= 0 || a.Unpaid() <= tiny {
			continue
		}
		if n := sum / one; n*one == sum && n <= mostLost {
			take(a.Unpaid()/float64(n), units{a.Product, float64(n)})
		}
		for k := range v.Basket[:i] {
			if b := &v.Basket[k]; b.Product != a.Product && price(b) > 0 && price(b)+one == sum {
				take(min(a.Unpaid(), b.Unpaid()), units{b.Product, 1}, units{a.Product, 1})
			}
		}
	}
	return best
}
