package sensors

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"magpie/fusion"
	"magpie/sensors/message"
)

// Member is something that an event says: in the contract's words, with its unit and what the site file knows of it.
type Member struct {
	Name  string
	Value any
	Unit  string
	Note  string
}

// Members lists what an event says. Numbers are in the contract's units.
func Members(s *fusion.Store, e *fusion.Event) (all []Member) {
	add := func(name string, value any, unit, note string) { all = append(all, Member{name, value, unit, note}) }
	text := func(name, value, note string) {
		if value != "" {
			add(name, value, "", note)
		}
	}
	number := func(name string, value float64, unit string) {
		if value != 0 {
			add(name, rounded(value), unit, "")
		}
	}
	if e.Action != fusion.NoAction && e.Kind != fusion.Count {
		name := "action"
		switch e.Kind {
		case fusion.Status:
			name = "state"
		case fusion.Gate:
			name = "direction"
		}
		text(name, e.Action.String(), "")
	}
	switch e.Kind {
	case fusion.RFID:
		epc(s, e.ID, add)
		add("antenna", e.Antenna, "", antennaZone(s, e))
		add("rssi", rounded(e.RSSI), "dBm", "")
		number("phase", e.Phase, "rad")
		number("channel", e.Channel, "MHz")
	case fusion.Weight:
		add("grams", rounded(e.Grams), "g", "")
		if e.Change {
			text("mode", "change", "")
		}
		text("boot", e.Name, "")
	case fusion.Tracks:
		text("track", e.ID, "")
		if e.Action == fusion.Lost {
			return all
		}
		text("class", e.Name, "")
		add("conf", rounded(e.Conf), "", "")
		if e.HasFloor {
			add("floor", []float64{rounded(e.Floor.X), rounded(e.Floor.Y)}, "m", "")
		}
		if e.SD != (fusion.Point{}) {
			add("sd", []float64{rounded(e.SD.X), rounded(e.SD.Y)}, "m", "")
		}
		if len(e.Hands) > 0 {
			add("hands", e.Hands, "m", "")
		}
		number("holding", e.Holding, "")
	case fusion.TillKind:
		text("session", e.ID, "")
		text("sku", e.SKU, product(s, e.SKU))
		if e.EPC != "" {
			epc(s, e.EPC, add)
		}
		text("line", e.Line, "")
		text("of", e.Of, "")
		if e.Qty != 1 {
			add("qty", e.Qty, "", "")
		}
		number("price", float64(e.Price)/100, s.Currency)
		number("grams", e.Grams, "g")
		text("cashier", e.Name, "")
	case fusion.Region:
		text("class", e.Name, "")
		text("object", e.ID, "")
		if e.Zone >= 0 {
			text("zone", s.Zones[e.Zone].ID, "")
		}
		add("conf", rounded(e.Conf), "", "")
		number("count", e.Qty, "")
	case fusion.Gate:
		add("alarm", e.On, "", "")
	case fusion.Count:
		in, out := "in", "out"
		if e.Action == fusion.Other {
			in, out = "total_in", "total_out"
		}
		add(in, e.Qty, "", "")
		add(out, e.QtyOut, "", "")
	case fusion.Signal:
		text("name", e.Name, "")
		add("state", e.On, "", "")
		text("object", e.ID, "")
	case fusion.Stock:
		text("sku", e.SKU, product(s, e.SKU))
		add("units", e.Qty, "", "")
		text("reason", e.Name, "")
	case fusion.Status:
		number("every", time.Duration(e.Every).Seconds(), "s")
		text("model", e.Name, "")
	}
	return all
}

// epc adds an EPC, the GTIN that is in it, and what the site knows of it.
func epc(s *fusion.Store, hex string, add func(name string, value any, unit, note string)) {
	gtin, _, scheme, ok := fusion.DecodeEPC(hex)
	what := "not in products"
	if i := tagged(s, hex, gtin); i >= 0 {
		what = s.Products[i].Name
	}
	switch {
	case gtin != "":
		add("epc", hex, "", "")
		add("gtin", gtin, "", what)
	case ok:
		add("epc", hex, "", scheme)
	case what == "not in products":
		add("epc", hex, "", "no GS1 EPC, and "+what)
	default:
		add("epc", hex, "", what)
	}
}

// tagged is the product that an EPC is a unit of, by the longest prefix of the catalogue or the GTIN in it; -1: none.
func tagged(s *fusion.Store, hex, gtin string) int {
	best, length := -1, 0
	for i := range s.Products {
		if p := s.Products[i].EPCPrefix; len(p) > length && len(hex) >= len(p) && strings.EqualFold(hex[:len(p)], p) {
			best, length = i, len(p)
		}
	}
	if best < 0 && gtin != "" {
		best = s.ProductIndex(gtin)
	}
	return best
}

// Hidden reports whether an event is of a tag that is none of the products, which the site wants to see in no output.
func Hidden(s *fusion.Store, e *fusion.Event) bool {
	if e.Kind != fusion.RFID && (e.Kind != fusion.Region || e.Name != "tag") || !s.HideForeign {
		return false
	}
	gtin, _, _, _ := fusion.DecodeEPC(e.ID)
	return tagged(s, e.ID, gtin) < 0
}

func product(s *fusion.Store, gtin string) string {
	if i := s.ProductIndex(gtin); i >= 0 {
		return s.Products[i].Name
	}
	return "not in products"
}

func antennaZone(s *fusion.Store, e *fusion.Event) string {
	for _, r := range s.Readers {
		if zone, ok := r.Antennas[e.Antenna]; ok && r.ID == s.Sources[e.Source].ID {
			return s.Zones[zone].ID
		}
	}
	return ""
}

// rounded drops what arithmetic adds behind the digits that a sensor has.
func rounded(v float64) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 7, 64), 64)
	if err != nil {
		return v // no number of a decoder
	}
	return f
}

// Words says an event in one line, without its time and source.
func Words(s *fusion.Store, e *fusion.Event) string {
	var b strings.Builder
	for _, m := range Members(s, e) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		switch m.Name {
		case "action", "direction", "class", "grams": // these speak for themselves
		case "state":
			if e.Kind == fusion.Signal {
				b.WriteString("state ")
			}
		default:
			b.WriteString(m.Name + " ")
		}
		switch v := m.Value.(type) {
		case string:
			b.WriteString(Printable(v))
		case float64:
			b.WriteString(strconv.FormatFloat(v, 'f', -1, 64))
		default:
			fmt.Fprint(&b, v)
		}
		if m.Unit != "" {
			b.WriteString(" " + m.Unit)
		}
		if m.Note != "" {
			b.WriteString(" (" + Printable(m.Note) + ")")
		}
	}
	return b.String()
}

// Printable keeps what a sender wrote from moving the cursor of a terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' { // those turn the line around
			return '\ufffd'
		}
		return r
	}, text)
}

// EventJSON is an event as an object in the contract's words, with its ts, kind and source.
func EventJSON(s *fusion.Store, e *fusion.Event) []byte {
	all := schemaMembers{{"ts", message.At(e.TS).String()}, {"kind", e.Kind.String()}, {"source", s.Sources[e.Source].ID}}
	for _, m := range Members(s, e) {
		all = append(all, schemaMember{m.Name, m.Value})
	}
	b, err := message.Encode(all)
	if err != nil {
		return []byte("{}") // a decoder lets no number through that JSON has not
	}
	return b
}
