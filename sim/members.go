package sim

import (
	"math"
	"strings"
	"unicode/utf8"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/strict"
)

// till reads SESSION action k=v….
func (p *parser) till() {
	body := message.Till{Session: p.next("a session").text, Action: p.next("an action").text}
	keys := []string{"sku", "epc", "line", "of", "receipt", "qty", "price", "amount", "grams", "cashier"}
	for len(p.rest) > 0 {
		t := p.next("")
		key, value, ok := pair(t)
		if !ok {
			p.fail(t, "%q cannot stand here: write what belongs to the action as k=v; keys are %s", t.text, strings.Join(keys, ", "))
			continue
		}
		number := func() *float64 { x := p.number(value, key); return &x }
		switch key {
		case "sku":
			body.SKU = value.text
		case "epc":
			body.EPC = p.epc(value)
		case "line":
			body.Line = value.text
		case "of":
			body.Of = value.text
		case "receipt":
			body.Receipt = value.text
		case "qty":
			body.Qty = number()
		case "price":
			body.Price = number()
		case "amount":
			body.Amount = number()
		case "grams":
			body.Grams = number()
		case "cashier":
			body.Cashier = value.text
		default:
			p.fail(t, "%q is no member of a till message; %s", key, strict.Suggest(key, keys))
		}
	}
	p.st.message = func(h message.Head, _ int, _ *fusion.Product) any {
		m := body
		m.Head = h
		return m
	}
}

func (p *parser) epc(t token) string {
	for _, c := range t.text {
		if !strings.ContainsRune("0123456789abcdefABCDEF", c) {
			p.fail(t, "%q is not an EPC: hex digits only", t.text)
			break
		}
	}
	return t.text
}

// rfid reads EPC antenna=N rssi=DB[..DB..DB] xN.
func (p *parser) rfid() {
	epc := p.next("an EPC")
	if !p.short {
		p.epc(epc)
	}
	read := message.Read{EPC: epc.text}
	p.st.n = 1
	var course []float64
	for len(p.rest) > 0 {
		t := p.rest[0]
		if strings.HasPrefix(t.text, "x") {
			p.st.n = p.repeats()
			continue
		}
		p.rest = p.rest[1:]
		key, value, ok := pair(t)
		switch {
		case ok && key == "antenna":
			p.st.antenna = value
			n := p.number(value, "antenna")
			if read.Antenna = int(n); n != math.Trunc(n) || n < 0 || n > 1e6 {
				p.fail(value, "%q is not the number of an antenna", value.text)
			}
		case ok && key == "rssi":
			course = p.course(value)
		default:
			p.fail(t, "%q cannot stand here: %s", t.text, p.usage)
		}
	}
	if !p.short && p.good() && (p.st.antenna.text == "" || course == nil) {
		p.fail(p.st.verb, "antenna=N and rssi=DB are both needed: %s", p.usage)
	}
	n := p.st.n
	p.st.message = func(h message.Head, i int, _ *fusion.Product) any {
		r := read
		r.RSSI = along(course, i, n)
		return message.RFID{Head: h, Read: &r}
	}
}

// course reads DB, DB..DB or DB..DB..DB.
func (p *parser) course(t token) []float64 {
	var all []float64
	col := t.col
	for _, piece := range strings.Split(t.text, "..") {
		db := p.number(token{piece, col}, "rssi")
		if math.Abs(db) > 200 {
			p.fail(token{piece, col}, "%s dBm is no strength that a reader reports", piece)
		}
		all = append(all, db)
		col += utf8.RuneCountInString(piece) + 2
	}
	if len(all) > 3 {
		p.fail(t, "rssi takes one strength, from..to, or from..peak..to")
	}
	return all
}

// along is the i-th of n values spread evenly over a course of straight pieces, to a tenth.
func along(course []float64, i, n int) float64 {
	if n == 1 || len(course) == 1 {
		return course[0]
	}
	at := float64(i) / float64(n-1) * float64(len(course)-1)
	k := min(int(at), len(course)-2)
	x := course[k] + float64((course[k+1]-course[k])*(at-float64(k)))
	return math.Round(x*10) / 10
}
