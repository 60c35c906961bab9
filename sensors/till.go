package sensors

import (
	"slices"

	"magpie/fusion"
)

func (d *Decoder) till(m *draft) *Rejection {
	c := &d.c
	var action, sku []byte
	var session, epc, line, of, receipt, cashier word
	var price, amount, grams number
	qty := number{v: 1}
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "session":
			return c.word(&session, wantText)
		case "action":
			return c.term(&action, wantText)
		case "sku":
			return c.term(&sku, wantText)
		case "epc":
			return c.epc(&epc)
		case "line":
			return c.word(&line, wantText)
		case "of":
			return c.word(&of, wantText)
		case "receipt":
			return c.word(&receipt, wantText)
		case "cashier":
			return c.word(&cashier, wantText)
		case "qty":
			return c.within(&qty, 0, 1e6, "a quantity from 0 to 1000000 (a void or refund says so by its action)")
		case "price":
			return c.within(&price, -1e7, 1e7, wantMoney)
		case "amount":
			return c.within(&amount, -1e7, 1e7, wantMoney)
		case "grams":
			return c.within(&grams, -1e6, 1e6, wantGrams)
		}
		return d.head(m, name)
	})
	if r != nil {
		return r
	}
	e := fusion.Event{Zone: -1, Action: fusion.Other, ID: session.v, Name: d.cashier(cashier.v), EPC: epc.v, Line: line.v, Of: of.v,
		Grams: grams.v, Qty: qty.v, Price: hundredths(price.v), SKU: c.gtin14(sku)}
	if i := slices.Index(fusion.Actions[fusion.Open:fusion.Close+1], string(action)); i >= 0 {
		e.Action = fusion.Open + fusion.Action(i)
	}
	if cashier.v == "" {
		e.Name = ""
	}
	switch {
	case !session.set:
		return c.missing("session", "give the sale's id, the same from open to close")
	case action == nil:
		return c.missing("action", "give what the till did, such as scan")
	case sku == nil && !epc.set && (e.Action == fusion.Scan || e.Action == fusion.Refund):
		return c.missing("sku", "a "+string(action)+" needs sku or epc")
	}
	switch e.Action {
	case fusion.Refund:
		e.Of = receipt.v
	case fusion.Tender:
		e.Price = hundredths(amount.v)
	}
	return d.one(m, &e)
}
