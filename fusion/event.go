package fusion

// Kind is the kind of a message, as in its topic.
type Kind uint8

// The kinds of the contract, §1.
const (
	RFID Kind = iota
	Weight
	Tracks
	TillKind
	Region
	Gate
	Count
	Signal
	Stock
	Status
)

// Kinds gives the word of each Kind as topics write it.
var Kinds = [...]string{"rfid", "weight", "track", "till", "region", "gate", "count", "signal", "stock", "status"}

func (k Kind) String() string { return Kinds[k] }

// Action says what a till, region, gate, status or track event did.
type Action uint8

// Actions of till, region, gate, status and track events.
const (
	NoAction Action = iota
	Open
	Scan
	Void
	Refund
	Override
	Discount
	NoSale
	Suspend
	Resume
	Assist
	Tender
	Close
	Other
	Enter
	Leave // region "exit"
	Cross
	In
	Out
	Online
	Offline
	Degraded
	Lost // a track that ended
)

// Actions gives the word of each Action as payloads write it.
var Actions = [...]string{"", "open", "scan", "void", "refund", "override", "discount", "no_sale", "suspend", "resume",
	"assist", "tender", "close", "other", "enter", "exit", "cross", "in", "out", "online", "offline", "degraded", "lost"}

func (a Action) String() string { return Actions[a] }

// Event is one normalised reading: flat, so that a fold over many needs no indirection. Which members are set follows
// from Kind; the rest are zero.
type Event struct {
	TS     int64  // event time, ns since 1970
	Hash   uint64 // of the message's bytes and the reading's place in it: orders what is otherwise equal, never by arrival
	Source int    // index into Store.Sources
	Kind   Kind
	Action Action // till, region, gate (In, Out), status, track (Lost)
	On     bool   // gate: alarm; signal: state

	// ID is the EPC (hex, upper case) of a read, the track of a camera, the session of a till, the object of a region or
	// signal event.
	ID string
	// Name is the class of a track or region object, a signal's name, the cashier of a till event, the hash
	// of the model that a camera's status names, the reason of a stock message, the boot of a weight message.
	Name string
	// SKU (GTIN-14) of a till or stock event; EPC of a till event, when it scanned a tag.
	SKU, EPC string
	// Line and Of are the id of a till line, and of the line voided or the receipt refunded.
	Line, Of string

	Zone int // region events: index into Store.Zones; else -1

	Antenna              int
	RSSI, Phase, Channel float64 // dBm, radians, MHz
	Conf                 float64 // 0–1
	Floor                Point   // of a track, metres; only with HasFloor
	SD                   Point   // its standard deviation, metres
	Hands                [][3]float64
	Holding              float64 // 0–1
	Grams                float64 // weight: absolute untared load; till: what its scale saw
	Qty                  float64 // till; stock: units on hand; count: people in; region: how many of the object, 0: one
	QtyOut               float64 // count: people out
	Price                int64   // hundredths per unit
	Every                int64   // status: ns between signs of life
	HasFloor             bool
	Change               bool    // weight in "mode":"change"
	Shift                int32   // ms that were added to TS to set its clock right; Add does it
	Retained             bool    // of a retained delivery: no sign of life; Add sets it
	Tall                 float32 // of a track, metres from foot to head as its box has them; 0: not known
}

// Message is what one accepted line of the journal holds, decoded.
type Message struct {
	Received int64 // arrival, ns; the line's own
	TS       int64 // its oldest reading, ns; Received where it sends none
	Clocked  bool  // it sent a ts of its own
	Source   int   // index into Store.Sources
	Kind     Kind
	Ident    uint64 // equal for duplicates (contract §1); 0: never a duplicate
	Seq      uint64 // its number plus one; 0: it has none
	Retained bool   // a retained delivery: no sign of life
	Events   []Event
}

// Compare orders events by (ts, kind, source, content), never by arrival. Source indexes follow the sorted ids, so they
// are the same on every machine.
func (e *Event) Compare(o *Event) int {
	switch {
	case e.TS != o.TS:
		return cmp(e.TS, o.TS)
	case e.Kind != o.Kind:
		return cmp(int64(e.Kind), int64(o.Kind))
	case e.Source != o.Source:
		return cmp(int64(e.Source), int64(o.Source))
	case e.Hash < o.Hash:
		return -1
	case e.Hash > o.Hash:
		return 1
	}
	return 0
}

func cmp(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
