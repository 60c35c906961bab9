package fusion

// SubjectKind says whose events a policy sees.
type SubjectKind uint8

// The subjects that policies judge.
const (
	SubjectVisit SubjectKind = iota
	SubjectTill
	SubjectCashier
	SubjectZone
	SubjectStore
)

// SubjectKinds gives the word of each SubjectKind as policies write it.
var SubjectKinds = [...]string{"visit", "till", "cashier", "zone", "store"}

func (k SubjectKind) String() string { return SubjectKinds[k] }

// Bounds of what one visit keeps; what is beyond is dropped oldest first and counted in Counters.
const (
	maxFacts  = 128
	maxBasket = 32
)

// Item is one line of a basket: goods that the visit may hold.
type Item struct {
	Product int     // index into Store.Products; -1: goods unknown to the catalogue
	EPC     string  // bound tag, if any
	N       float64 // expected units held
	Paid    float64 // expected units of those that a till has seen
	Owner   float64 // probability that the visit holds them at all: the largest share of any pick behind it
	At      int64   // newest fact behind it, ns
}

// Unpaid is the expected number of units that no till has seen.
func (i *Item) Unpaid() float64 { return max(0, i.N-i.Paid) }

// PUnpaid is the probability that at least one unit is held and was not seen by a till, 0–1.
func (i *Item) PUnpaid() float64 { return min(1, i.Unpaid()) }

// Visit is one person's stay in the store, or the ledger of another subject (a till, a zone, the store), of which only
// Subject, ID, Facts, First and Last are used.
type Visit struct {
	Subject SubjectKind
	ID      string
	First   int64 // ts of the first and last observation, ns
	Last    int64
	Ended   int64    // event time at which it ended, 0 while open
	Tracks  []string // "source/track", in order of their first observation
	Pos     Point    // last floor position
	PosAt   int64    // its ts; 0: never seen by a camera
	Zone    int      // last zone it was in, -1: none yet
	ZoneAt  int64
	In      []bool // by zone: inside now
	Facts   []Fact // the newest maxFacts, oldest first
	Basket  []Item
	Staff   float64 // P(staff)
	Group   string  // id of the first visit of its group, "" when alone
	Session string  // till session it is matched with, "" when none
	Unowned bool    // opened by a gate, exit or till fact that nobody could own
}
