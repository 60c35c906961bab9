package fusion

import (
	"math"
	"sort"
	"strings"
)

// sessionKey names a till session.
type sessionKey struct {
	source int
	id     string
}

// session is one transaction at a till, matched to the visit that is likely its customer.
type session struct {
	visit  *Visit
	share  float64
	turn   float64 // how far it was its customer's turn when it became his
	scans  int
	events int             // at which it was looked who stood there
	lines  []tillLine      // the newest maxLines
	began  int64           // its first event, ns
	at     int64           // its newest
	over   bool            // it was tendered, or closed
	fits   []fit           // of those who may be its customer
	waits  map[int]float64 // visits that were there when its customer was looked for: for how many seconds, and one more; nil once it is over
	known  bool            // the tags with its customer have been asked for
	putBy  bool            // it is suspended,
	bag    bag             // with this on the bagging scale,
	since  int64           // when the last sale before it had ended, ns
}

// tillLine is a line that was scanned, as a void names it.
type tillLine struct {
	id, epc string
	product int
	n, void float64 // units scanned, and of them voided
	lifted  float64 // units of those that were taken off the bagging scale
	bagged  float64 // units that the bagging scale has agreed to
	filmed  float64 // units of which a camera confirmed the scan
	grams   float64 // of all of them, by the till's own scale; 0: it has none
	at      int64   // ns
}

// sold is how many units of a line were scanned and not voided.
func (l *tillLine) sold() float64 { return l.n - l.void }

// maxLines bounds the lines remembered of one session.
const maxLines = 256

// seldom is how likely the likeliest of those at a till must be its customer to be taken for him: else it is somebody whom no camera
// shows. It is assumed.
const seldom = 0.2

// customerFor bounds the presence that counts for being the customer of a session, ns.
const customerFor = 20 * second

func (w *World) foldTill(e *Event) {
	t := w.Store.till[e.Source]
	if t < 0 {
		return
	}
	key := sessionKey{e.Source, e.ID}
	s := w.sessions[key]
	if s == nil {
		if len(w.sessions) == maxSessions {
			w.forgetSession()
		}
		s = &session{began: e.TS}
		w.sessions[key] = s
		if w.staffedTill(e.Source) {
			w.opens(s, key, w.Store.Tills[t].Zone)
		}
	}
	s.at = e.TS
	zone, lane := w.Store.Tills[t].Zone, -1
	if zone >= 0 && w.laneOf[zone] >= 0 {
		lane = w.laneOf[zone]
		w.begin(lane, key, e)
	}
	if s.visit == nil || s.visit.Unowned {
		w.customer(s, key, zone, e, w.pending(lane))
	}
	w.whoseSale(s, key, zone, e)
	at := lane >= 0 && w.lanes[lane].session == key
	if at {
		w.served(lane, s, e.Source)
	}
	f := Fact{At: e.TS, Source: e.Source, Zone: zone, Product: w.product(e), N: 1, P: s.share, Name: e.ID}
	epc := e.EPC
	switch e.Action {
	case Open:
		f.Kind = FactOpened
	case Scan:
		f.Kind, f.N = FactScanned, max(1, e.Qty)
		w.ring(e.EPC, key, false)
		s.scan(tillLine{id: e.Line, epc: e.EPC, product: f.Product, n: f.N, grams: e.Grams, at: e.TS})
	case Void:
		f.Kind, f.N = FactVoided, max(1, e.Qty)
		if l := s.line(e.Of); l != nil {
			epc = l.epc
			if e.SKU == "" && e.EPC == "" { // the whole line
				f.Product, f.N = l.product, l.sold()
			}
		}
		w.ring(epc, key, true)
		s.void(e.Of, f)
	case Refund:
		f.Kind, f.N = FactRefunded, max(1, e.Qty)
		w.ring(e.EPC, key, true)
	case Tender, Close:
		f.Kind = FactPaid
	default:
		f.Kind, f.Name = FactTill, e.Action.String()
	}
	if f.Kind == FactPaid && !s.over && w.staffedTill(e.Source) {
		s.over = true
		w.closes(s, key, zone)
	}
	w.note(f)
	if e.Name != "" {
		w.add(w.cashier(e.Name), f, 1)
	}
	v := s.visit
	w.touch(v)
	switch e.Action {
	case Scan:
		w.tellsWho(v, f.Product, s.share)
		w.scanned(v, f, epc)
	case Void:
		w.voided(v, f, epc)
	case Tender:
		v.Paid = true
	case Close:
		v.Paid = v.Paid || s.scans > 0
	}
	w.add(v, f, 1)
	if at {
		w.rung(lane, s, e, f)
	}
	if f.Kind == FactPaid && v.Paid {
		w.groupPaid(v, f)
	}
}

// maxSessions bounds the sessions of a store that are known at once. One that is forgotten and goes on begins anew.
const maxSessions = 1 << 12

// forgetSession forgets the session of which nothing was heard for the longest time.
func (w *World) forgetSession() {
	var oldest sessionKey
	at := int64(math.MaxInt64)
	for k, s := range w.sessions {
		if s.at < at || s.at == at && (k.source < oldest.source || k.source == oldest.source && k.id < oldest.id) {
			oldest, at = k, s.at
		}
	}
	delete(w.sessions, oldest)
	w.evicted++
}

func (s *session) scan(l tillLine) {
	s.scans++
	if len(s.lines) == maxLines {
		s.lines = s.lines[1:]
	}
	s.lines = append(s.lines, l)
}

// void takes units from the line that is voided, else from the newest of the product.
func (s *session) void(of string, f Fact) {
	left := f.N
	for i := len(s.lines) - 1; i >= 0 && left > 0; i-- {
		l := &s.lines[i]
		if of != "" && l.id != of || of == "" && l.product != f.Product {
			continue
		}
		n := min(left, l.sold())
		l.void, left = l.void+n, left-n
	}
}

// rung lets the devices of a lane know what its till has just done.
func (w *World) rung(k int, s *session, e *Event, f Fact) {
	l := &w.lanes[k]
	switch e.Action {
	case Scan:
		w.sighted(l, f.Product, e.TS)
		if e.Grams > 0 {
			l.plate.used = true
			w.onTillScale(l, f.Product, f.N, e.Grams)
		}
		if g, sd := w.mass(f.Product, f.N); g > 0 {
			l.plate.putBack(g, float64(oddSigmas*sd)+bagNoise)
		}
	case Void: // nobody knows where it is now
		l.plate.unring(f.Product, f.N)
	case Tender:
		l.plate.closed = true
	case Close:
		w.endSale(k, e.TS)
		return
	case Suspend:
		w.putBy(l, s)
		return
	}
	w.weighBag(k)
	w.show(k, e.Source, e.TS)
}

// sighted lets cameras of a lane confirm the scans of a product: what they saw within alignNS of them, each unit once.
func (w *World) sighted(l *lane, product int, ts int64) {
	s := l.sale(w)
	if s == nil || product < 0 {
		return
	}
	free := 0.0
	for i := range l.goods {
		if g := &l.goods[i]; g.epc == "" && g.product == product {
			n := 0.0
			for j := range l.goods {
				if o := &l.goods[j]; o.epc == "" && o.product == product && o.source == g.source && o.zone == g.zone && abs(o.at-ts) <= alignNS {
					n += o.came
				}
			}
			free = max(free, n)
		}
	}
	for i := range s.lines {
		if s.lines[i].product == product {
			free -= s.lines[i].filmed
		}
	}
	filmed := 0.0
	for i := len(s.lines) - 1; i >= 0; i-- {
		line := &s.lines[i]
		if line.product != product {
			continue
		}
		if n := min(line.n-line.filmed, free); n > 0 && abs(line.at-ts) <= alignNS {
			line.filmed, free = line.filmed+n, free-n
		}
		filmed += line.filmed
	}
	if v := w.visit(l.visit); v != nil && filmed > 0 {
		w.item(v, product, "").filmed = filmed
	}
}

// line finds the newest line with an id, nil if there is none.
func (s *session) line(id string) *tillLine {
	for i := len(s.lines) - 1; i >= 0 && id != ""; i-- {
		if s.lines[i].id == id {
			return &s.lines[i]
		}
	}
	return nil
}

// product is what a till event is about: its SKU, or its tag's.
func (w *World) product(e *Event) int {
	if e.SKU != "" {
		return find(w.Store.sku, e.SKU)
	}
	if e.EPC != "" {
		return w.tags.names.product(e.EPC)
	}
	return -1
}

// customer matches a session to a visit by presence at the till; without anybody there it opens a visit of its own, and
// hands over what that one had when somebody turns up.
func (w *World) customer(s *session, key sessionKey, zone int, e *Event, shown *Visit) {
	type candidate struct {
		claim
		first int64
	}
	var c []candidate
	sum := unseen
	for _, x := range w.inside(zone, e.TS) {
		if x.visit.Unowned {
			continue
		}
		there := x.visit.stays[zone]
		time := second
		switch {
		case there.in:
			time += min(customerFor, e.TS-there.entered)
		case w.isAtUnseen(x.visit, zone, e.TS) > 0 && Distance(w.Store.Zones[zone].Polygon, x.visit.Pos) <= gateReach:
			time += min(customerFor, e.TS-x.visit.PosAt) // lost beside the till, and not seen since
		}
		if s.waits == nil {
			s.waits = map[int]float64{}
		}
		s.waits[x.visit.number] = float64(time) / 1e9
		l := float64(x.share * w.atSpot(x.visit, key.source, e.TS))
		l = float64(l * float64(float64(time)/1e9*(1-x.visit.Staff)))
		l = float64(l * w.takesTurn(x.visit, key.source, zone))
		c = append(c, candidate{claim{x.visit, l}, x.visit.First})
		sum += l
	}
	sort.SliceStable(c, func(i, j int) bool { return c[i].share > c[j].share })
	if len(c) == 0 || c[0].share < float64(seldom*sum) {
		if s.visit == nil {
			s.visit = shown
			if shown == nil || !shown.Unowned {
				s.visit = w.open(e.Source, key.id, e.TS)
			}
			s.visit.Unowned, s.share = true, 1
			w.appears(s.visit, zone, e.TS)
			s.visit.Session = w.Store.Sources[key.source].ID + "/" + key.id
		}
		return
	}
	before := s.visit
	if before == nil && shown != nil && shown.Unowned {
		before = shown
	}
	s.visit, s.share = c[0].visit, c[0].share/sum
	s.turn = w.takesTurn(s.visit, key.source, zone)
	switch { // nobody was there when the session began: its scans are this customer's, and if that is sure all else that was said of nobody
	case before == nil:
	case s.share >= sureSame:
		s.visit = w.merge(s.visit, before)
	default:
		w.mergeSale(s.visit, before)
	}
	s.visit.Session = w.Store.Sources[key.source].ID + "/" + key.id
}

// saleAt is the zone of the till of a visit's last session, -1 where that has none.
func (w *World) saleAt(v *Visit) int {
	id, _, _ := strings.Cut(v.Session, "/")
	if i := w.Store.SourceIndex(id); i >= 0 && w.Store.till[i] >= 0 {
		return w.Store.Tills[w.Store.till[i]].Zone
	}
	return -1
}

// scanned pays for goods: the unit whose tag was scanned, else units of the product, those with a tag first. What is not
// in the basket yet counts for later: cameras and scales may tell of a pick after the till has told of the scan.
func (w *World) scanned(v *Visit, f Fact, epc string) {
	left := f.N
	pay := func(it *Item) {
		it.scannedAgain(left)
		n := min(left, it.Unpaid())
		it.Paid, left = it.Paid+n, left-n
		it.At = w.now
	}
	for i := range v.Basket {
		if it := &v.Basket[i]; epc != "" && it.EPC == epc {
			others := max(0, it.Paid-it.named-it.lent) // which is another piece's
			it.Paid, it.named, it.lent, it.At = 1+others, 1, 0, w.now
			w.reckon(v)
			return
		}
	}
	if f.Product < 0 {
		return
	}
	for i := range v.Basket {
		if it := &v.Basket[i]; it.Product == f.Product && it.EPC != "" && epc == "" {
			pay(it)
		}
	}
	if left > 0 {
		it := w.item(v, f.Product, "")
		it.scannedAgain(left)
		it.Paid, it.At = it.Paid+left, w.now
		w.collapse(v)
	}
	w.reckon(v)
}

// scannedAgain notes that n units are scanned: as far as he has not so many beside those that were left at the till, it is
// these that are scanned again.
func (i *Item) scannedAgain(n float64) {
	i.left = max(0, i.left-max(0, n-i.Unpaid()))
}

// takenAfterVoid is the chance that goods whose scan was voided go along with the customer: most were scanned twice, cost more
// than was thought or are not wanted, and stay at the till. It is assumed; where a bagging scale, a camera or a gate shows
// the goods, that decides.
const takenAfterVoid = 0.3

// voided takes back payment: of the unit with the tag, else of units of the product, those without a tag first. What is then
// not paid for is more likely at the till than with the customer.
func (w *World) voided(v *Visit, f Fact, epc string) {
	left := f.N
	back := func(it *Item) {
		was := it.Unpaid()
		left -= it.unpay(left)
		it.At = w.now
		it.left += float64((1 - takenAfterVoid) * (it.Unpaid() - was))
	}
	for i := range v.Basket {
		if it := &v.Basket[i]; epc != "" && it.EPC == epc {
			back(it)
		}
	}
	for _, tagged := range []bool{false, true} {
		for i := range v.Basket {
			if it := &v.Basket[i]; left > 0 && f.Product >= 0 && it.Product == f.Product && (it.EPC != "") == tagged {
				back(it)
			}
		}
	}
}

func (w *World) foldSignal(e *Event) {
	zone := -1
	if d := w.Store.device[e.Source]; d >= 0 {
		zone = w.Store.Devices[d].Zone
	}
	f := Fact{At: e.TS, Kind: FactSignal, Source: e.Source, Zone: zone, Product: -1, N: 1, Name: e.Name}
	if e.On {
		f.P = 1
	}
	w.note(f)
	if zone < 0 {
		return
	}
	for _, c := range w.inside(zone, e.TS) {
		w.add(c.visit, f, c.share)
	}
}
