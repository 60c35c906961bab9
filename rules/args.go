package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"magpie/fusion"
	"magpie/strict"
)

// longest bounds every window, so that what a policy needs to remember is bounded; shortest is the least time that a policy
// can wait for.
const (
	longest  = 24 * time.Hour
	shortest = time.Millisecond
)

// literal checks a text argument.
func (s *source) literal(n *ast.StringNode, want param) (arg, bool) {
	a, at := arg{text: `"` + n.Value + `"`}, n.Location().From
	switch want {
	case aModality:
		for m, word := range fusion.Modalities {
			if word == n.Value {
				a.modality = fusion.Modality(m)
				return a, true
			}
		}
		s.fail(at, "unknown modality %s; %s", quote(n.Value), strict.Suggest(n.Value, fusion.Modalities[:]))
	case aPlace:
		var ok bool
		a.place, ok = s.place1(n.Value, at)
		return a, ok
	case aGoods:
		return s.goods(n, a)
	case aWindow:
		d, err := time.ParseDuration(n.Value)
		if err == nil && d >= shortest && d <= longest {
			a.ns, a.text = int64(d), `"`+d.String()+`"`
			return a, true
		}
		hint := `write "30s", "10m" or "1h"`
		switch {
		case err == nil && d > longest:
			hint = "a window is at most 24h"
		case err == nil && d > 0:
			hint = "a window is at least 1ms"
		}
		s.fail(at, "%s is no window; %s", quote(n.Value), hint)
	case aWay:
		if n.Value == "in" || n.Value == "out" {
			return a, true
		}
		s.fail(at, `unknown direction %s; possible are in, out`, quote(n.Value))
	case aBasis:
		if n.Value == "self" || n.Value == "peers" {
			return a, true
		}
		s.fail(at, `unknown basis %s; possible are "peers", "self"`, quote(n.Value))
	case aTier:
		if slices.Contains(Tiers[:], n.Value) {
			return a, true
		}
		s.fail(at, "unknown tier %s; %s", quote(n.Value), strict.Suggest(n.Value, Tiers[:]))
	case anAction:
		if slices.Contains(tillActions, n.Value) {
			return a, true
		}
		s.fail(at, "unknown action %s; %s; others have functions of their own, such as voided", quote(n.Value), strict.Suggest(n.Value, tillActions))
	case aPolicy:
		if isID(n.Value) && n.Value != "" {
			return a, true
		}
		s.fail(at, "%s is no policy's id", quote(n.Value))
	case aPath:
		parts := strings.Split(n.Value, ">")
		if len(parts) < 2 || len(parts) > 8 {
			s.fail(at, `a path names two to eight places, as in "entrance > aisle > exit"`)
			return a, false
		}
		for _, p := range parts {
			place, ok := s.place1(strings.TrimSpace(p), at)
			if !ok {
				return a, false
			}
			a.route = append(a.route, place)
		}
		return a, true
	case aClock:
		t, err := time.Parse("15:04", n.Value)
		if err == nil {
			a.minutes = t.Hour()*60 + t.Minute()
			return a, true
		}
		s.fail(at, `%s is no time of day; write "21:00"`, quote(n.Value))
	default: // aClass, aName
		if strings.TrimSpace(n.Value) != "" && n.Value == strings.TrimSpace(n.Value) {
			return a, true
		}
		s.fail(at, "the %s is empty or begins or ends with a space", paramNames[want])
	}
	return a, false
}

func quote(s string) string { return `"` + strict.Clip(s) + `"` }

// place1 reads one zone kind, or id:zone.
func (s *source) place1(word string, at int) (fusion.Place, bool) {
	zones := s.store.Zones
	if id, one := strings.CutPrefix(word, "id:"); one {
		var ids []string
		for i := range zones {
			if zones[i].ID == id {
				place := make(fusion.Place, len(zones))
				place[i] = true
				s.warn(at, "%s names one zone of one store; a kind, such as %q, works in every store", quote(word), zones[i].Kind)
				return place, true
			}
			ids = append(ids, "id:"+zones[i].ID)
		}
		s.fail(at, "no zone of the site has the id %s; %s", quote(id), strict.Suggest(word, sorted(ids)))
		return nil, false
	}
	for k, name := range fusion.ZoneKinds {
		if name != word {
			continue
		}
		place := s.store.Kind(fusion.ZoneKind(k))
		if !slices.Contains(place, true) && !s.unmet {
			s.warn(at, "the site has %s", noZone(word))
		}
		return place, true
	}
	for i := range zones {
		if zones[i].ID == word {
			s.fail(at, "%s is the id of one zone; write %q for every %s, or %q", quote(word), zones[i].Kind, zones[i].Kind, "id:"+word)
			return nil, false
		}
	}
	s.fail(at, "unknown zone kind %s; %s", quote(word), strict.Suggest(word, fusion.ZoneKinds[:]))
	return nil, false
}

// noZone says that a site has no place of a kind.
func noZone(kind string) string {
	if kind == fusion.Exit.String() {
		return "no zone of the kind exit, nor an entrance with out"
	}
	return "no zone of the kind " + kind
}

func (s *source) goods(n *ast.StringNode, a arg) (arg, bool) {
	if n.Value == "any" {
		return a, true
	}
	if g, ok := s.lists[n.Value]; ok {
		a.goods = g
		return a, true
	}
	if isSKU(n.Value) {
		sku := fusion.GTIN14(n.Value)
		a.text = `"` + sku + `"`
		i := s.store.ProductIndex(sku)
		if i < 0 {
			s.warn(n.Location().From, "no product of the site has the SKU %s", n.Value)
		}
		if a.goods = s.single[i]; a.goods == nil {
			a.goods = make(fusion.Goods, len(s.store.Products))
			if i >= 0 {
				a.goods[i] = true
			}
			s.single[i] = a.goods
		}
		return a, true
	}
	names := []string{"any"}
	for name := range s.lists {
		names = append(names, name)
	}
	s.fail(n.Location().From, `unknown goods %s: neither a list of common.yaml nor "any" nor a SKU; %s`, quote(n.Value), strict.Suggest(n.Value, sorted(names)))
	return a, false
}

func isSKU(s string) bool {
	if s == "" || len(s) > 14 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (s *source) warn(offset int, format string, args ...any) {
	line, col := s.f.place(s.node, offset)
	s.f.Warn(line, col, format, args...)
}
