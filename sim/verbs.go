package sim

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/strict"
)

// statement reads what follows the verb.
func (p *parser) statement() {
	st := &p.st
	switch st.verb.text {
	case "walk":
		st.person = p.next("a person")
		p.walk()
	case "pick", "put":
		st.person, st.goods, st.n = p.next("a person"), p.next("the goods"), p.repeats()
	case "give":
		st.person, st.other, st.goods = p.next("who gives"), p.next("who takes"), p.next("the goods")
		if !p.short && st.person.text == st.other.text {
			p.fail(st.other, "%s cannot give to %[1]s: name two people", st.person.text)
		}
	case "scan":
		st.kind, st.source = fusion.TillKind, p.next("a till")
		session := p.next("a session").text
		st.goods = p.next("a SKU")
		st.message = func(h message.Head, _ int, goods *fusion.Product) any {
			price := float64(goods.Price) / 100
			return message.Till{Head: h, Session: session, Action: "scan", SKU: goods.Written, Price: &price}
		}
	case "till":
		st.kind, st.source = fusion.TillKind, p.next("a till")
		p.till()
	case "rfid":
		st.kind, st.source = fusion.RFID, p.next("a reader")
		p.rfid()
	case "weight":
		st.kind, st.source = fusion.Weight, p.next("a scale")
		p.weight()
	case "gate":
		st.kind, st.source = fusion.Gate, p.next("a gate")
		alarm := p.word("alarm or clear", "alarm", "clear") == "alarm"
		direction := p.word("the direction", "in", "out")
		st.message = func(h message.Head, _ int, _ *fusion.Product) any {
			return message.Gate{Head: h, Alarm: alarm, Direction: direction}
		}
	case "count":
		st.kind, st.source = fusion.Count, p.next("a counter")
		in, out := p.people("in"), p.people("out")
		st.message = func(h message.Head, _ int, _ *fusion.Product) any {
			return message.Count{Head: h, In: &in, Out: &out}
		}
	case "region":
		st.kind, st.source = fusion.Region, p.next("a source")
		object, class := p.next("an object").text, p.next("a class").text
		action := p.word("the action", "enter", "exit", "cross")
		st.zone = p.next("a zone")
		zone := st.zone.text
		st.message = func(h message.Head, _ int, _ *fusion.Product) any {
			return message.Region{Head: h, Object: object, Class: class, Action: action, Zone: zone}
		}
	case "signal":
		st.kind, st.source = fusion.Signal, p.next("a source")
		name, on := p.next("a name").text, p.word("on or off", "on", "off") == "on"
		st.message = func(h message.Head, _ int, _ *fusion.Product) any {
			return message.Signal{Head: h, Name: name, State: &on}
		}
	case "stock":
		st.kind, st.source, st.goods = fusion.Stock, p.next("a source"), p.next("a SKU")
		units := p.number(p.next("the units"), "units")
		st.message = func(h message.Head, _ int, goods *fusion.Product) any {
			return message.Stock{Head: h, SKU: goods.Written, Units: units}
		}
	case "send":
		p.send()
	case "off", "on":
		st.source = p.next("a source")
	}
}

// walk reads x,y > x,y > …, with or without blanks.
func (p *parser) walk() {
	wantPoint := true
	for first := true; first || len(p.rest) > 0; first = false {
		word := p.next("a point x,y")
		col := word.col
		for i, piece := range strings.Split(word.text, ">") {
			if i > 0 {
				if wantPoint {
					p.fail(token{col: col}, "a point x,y is missing before >")
					return
				}
				wantPoint = true
				col++
			}
			if piece != "" {
				if !wantPoint {
					p.fail(token{col: col}, "write > between two points: %s", p.usage)
					return
				}
				p.st.points = append(p.st.points, p.point(token{piece, col}))
				wantPoint = false
			}
			col += utf8.RuneCountInString(piece)
		}
	}
	if wantPoint {
		p.next("a point x,y after >")
	}
	if len(p.st.points) > 1 && p.st.to == p.st.from && p.good() {
		p.fail(p.st.verb, "a walk takes time: give it a span, as %s..%s", p.st.from, p.st.from+5e9)
	}
}

func (p *parser) point(t token) fusion.Point {
	xs, ys, ok := strings.Cut(t.text, ",")
	x, errX := strconv.ParseFloat(xs, 64)
	y, errY := strconv.ParseFloat(ys, 64)
	if !ok || errX != nil || errY != nil || !(math.Abs(x) <= 1e4) || !(math.Abs(y) <= 1e4) {
		p.fail(t, "%q is not a point: write metres on the floor plan as 2.1,4.2", t.text)
	}
	return fusion.Point{X: x, Y: y}
}

// repeats reads xN, 1 where it is left out.
func (p *parser) repeats() int {
	if len(p.rest) == 0 {
		return 1
	}
	t := p.rest[0]
	digits, ok := strings.CutPrefix(t.text, "x")
	if !ok {
		return 1
	}
	p.rest = p.rest[1:]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 10000 {
		p.fail(t, "%q is not a number of times: write x1 to x10000", t.text)
		return 1
	}
	return n
}

// word takes one of a few words.
func (p *parser) word(what string, options ...string) string {
	t := p.next(what)
	for _, o := range options {
		if t.text == o {
			return o
		}
	}
	if !p.short {
		p.fail(t, "%q cannot stand here; %s", t.text, strict.Suggest(t.text, options))
	}
	return ""
}

func (p *parser) number(t token, what string) float64 {
	x, err := strconv.ParseFloat(t.text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		if !p.short {
			p.fail(t, "%q is no number for %s", t.text, what)
		}
		return 0
	}
	return x
}

// pair takes key=value apart; the value's column comes with it.
func pair(t token) (string, token, bool) {
	key, value, ok := strings.Cut(t.text, "=")
	return key, token{value, t.col + utf8.RuneCountInString(key) + 1}, ok && key != "" && value != ""
}

func (p *parser) people(key string) int64 {
	t := p.next(key + "=N")
	k, value, ok := pair(t)
	n, err := strconv.ParseInt(value.text, 10, 64)
	if !p.short && (!ok || k != key || err != nil || n < 0) {
		p.fail(t, "%q cannot stand here: write %s=N, N people", t.text, key)
	}
	return n
}

func (p *parser) weight() {
	t := p.next("the grams")
	if p.short {
		return
	}
	digits, ok := strings.CutSuffix(t.text, "g")
	if !ok {
		p.fail(t, "%q is not a weight: write grams, as -621g for a step or 4399.8g for one sample", t.text)
		return
	}
	p.st.grams = p.number(token{digits, t.col}, "grams")
	p.st.signed = digits[:min(1, len(digits))] == "-" || digits[:min(1, len(digits))] == "+"
	if math.Abs(p.st.grams) > 1e6 {
		p.fail(t, "%s is more than a plate can carry: 1000000g at most", t.text)
	}
}

// send reads a kind, a source and a JSON payload, which may hold blanks and #.
func (p *parser) send() {
	kind := p.next("a kind")
	p.st.source = p.next("a source")
	known := false
	for i, k := range fusion.Kinds {
		if k == kind.text {
			p.st.kind, known = fusion.Kind(i), true
		}
	}
	if !known && !p.short {
		p.fail(kind, "%q is not a kind; %s", kind.text, strict.Suggest(kind.text, fusion.Kinds[:]))
	}
	at := p.next("the payload")
	if p.short {
		return
	}
	text := string([]rune(p.source)[at.col-1:])
	decoder := json.NewDecoder(strings.NewReader(text))
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		p.rest = nil
		p.fail(at, "the payload is not JSON (%v): %s", err, p.usage)
		return
	}
	done := int(decoder.InputOffset())
	p.st.payload = bytes.Clone(raw)
	p.rest = words(text[done:])
	for i := range p.rest {
		p.rest[i].col += at.col - 1 + utf8.RuneCountInString(text[:done])
	}
	p.late()
}
