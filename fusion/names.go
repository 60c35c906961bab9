package fusion

import (
	"slices"
	"strings"
)

// names gives each EPC that was heard a number, small and dense, so that a read costs one look-up and no string. Numbers
// follow the order of arrival: none ever reaches an output or an order. All copies of a world share them.
type names struct {
	store    *Store
	prefixes map[string]int // product by EPC prefix
	lengths  []int          // of the prefixes, longest first

	numbers map[string]int32
	all     []named // by number
	free    []int32 // numbers of tags that nothing knows any more
}

// named is what follows from an EPC alone.
type named struct {
	epc     string
	product int   // index into Store.Products, -1
	badge   bool  // of staff
	hot     int64 // ts of its newest read at a gate or till, ns
}

func newNames(s *Store) *names {
	n := &names{store: s, prefixes: map[string]int{}, numbers: map[string]int32{}}
	for i := range s.Products {
		if p := strings.ToUpper(s.Products[i].EPCPrefix); p != "" {
			if _, ok := n.prefixes[p]; !ok {
				n.prefixes[p] = i
			}
			if !slices.Contains(n.lengths, len(p)) {
				n.lengths = append(n.lengths, len(p))
			}
		}
	}
	slices.Sort(n.lengths)
	slices.Reverse(n.lengths)
	return n
}

// of is the number of an EPC.
func (n *names) of(epc string) int32 {
	if i, ok := n.numbers[epc]; ok {
		return i
	}
	x := named{epc: epc, product: n.product(epc), badge: n.badge(epc)}
	i := int32(len(n.all))
	if k := len(n.free); k > 0 {
		i, n.free = n.free[k-1], n.free[:k-1]
		n.all[i] = x
	} else {
		n.all = append(n.all, x)
	}
	n.numbers[epc] = i
	return i
}

// product returns the index of the product that an EPC (hex) is a unit of: the longest EPC prefix of the catalogue that
// it begins with, else the GTIN in it; -1 if the catalogue has neither.
func (n *names) product(epc string) int {
	epc = strings.ToUpper(epc)
	for _, k := range n.lengths {
		if len(epc) >= k {
			if i, ok := n.prefixes[epc[:k]]; ok {
				return i
			}
		}
	}
	if gtin, _, _, ok := DecodeEPC(epc); ok && gtin != "" {
		return n.store.ProductIndex(gtin)
	}
	return -1
}

// badge reports whether an EPC is a staff badge's.
func (n *names) badge(epc string) bool {
	if len(n.store.Staff.Badges) == 0 {
		return false
	}
	uri := EPCURI(epc)
	for _, b := range n.store.Staff.Badges {
		if uri == b || strings.HasSuffix(b, "*") && strings.HasPrefix(uri, b[:len(b)-1]) {
			return true
		}
	}
	return false
}

// forget frees the numbers that are not in use.
func (n *names) forget(used []bool) {
	for i := range n.all {
		if !used[i] && n.all[i].epc != "" {
			delete(n.numbers, n.all[i].epc)
			n.all[i] = named{}
			n.free = append(n.free, int32(i))
		}
	}
}
