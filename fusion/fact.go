package fusion

// FactKind says what a fact is about.
type FactKind uint8

// What conditioning and association make of events.
const (
	FactSeen     FactKind = iota // a track of the visit began, or the person is seen inside again after going out
	FactEntered                  // the visit is inside Zone
	FactLeft                     // the visit is no longer inside Zone
	FactExited                   // gone out over the out edge of Zone, or lost in it (an entrance or exit only)
	FactLost                     // a track of the visit ended in Zone
	FactPicked                   // N units of Product off the plate Source
	FactPutBack                  // N units of Product back on the plate Source
	FactRead                     // a run of reads of tag Name began in Zone
	FactMoved                    // the run's likelihood of having been moved through Zone is now P
	FactReadEnd                  // the run ended: no read for its gap
	FactOpened                   // till session Name opened
	FactScanned                  // N units of Product scanned
	FactVoided                   // N units of Product voided
	FactRefunded                 // N units of Product refunded
	FactTill                     // any other till action, in Name
	FactPaid                     // the session was tendered or closed
	FactGate                     // a gate in Zone rang; P 1 outwards, 0.5 unknown, 0 inwards
	FactSignal                   // a signal named Name is on (P 1) or off (P 0)
	FactWith                     // an object of class Name is with the visit, with P
	FactStaff                    // P that the visit is staff has changed
	FactGroup                    // the visit's group has changed or paid
	FactEnded                    // the visit ended
	FactSettled                  // N units of Product more, or below 0 fewer, are with the visit, as what became of a pick has shown
	FactShrunk                   // N units of Product are gone by what a stock message says; Name is the cause: unknown, damaged, admin
	FactShown                    // N units of Product more, or below 0 fewer, are shown at a till by its cameras, readers and bagging scales; Name is the tag
	FactMerged                   // two visits turned out to be one person's, who goes on as the visit Name: told to both
	FactAlerted                  // told to the store: an alert of another subject has crossed a tier first; Name says which, as Alerted writes it
	FactSale                     // the till session Name turned out to be this visit's (P 1), or another's (P 0): told to both
)

// FactKinds gives a plain word for each FactKind.
var FactKinds = [...]string{"seen", "entered", "left", "exited", "lost", "picked", "put back", "read", "moved", "read ended",
	"opened", "scanned", "voided", "refunded", "till", "paid", "gate", "signal", "with", "staff", "group", "ended", "settled", "shrunk", "shown", "merged", "alerted", "sale"}

func (k FactKind) String() string { return FactKinds[k] }

// Fact is what conditioning makes of events, as one subject keeps it. The same fact may stand with several visits, each
// with its own share in N.
type Fact struct {
	TS      int64   // event time at which it was known, ns: facts are folded in this order
	At      int64   // event time at which it happened, ns, at most TS
	Source  int     // index into Store.Sources; -1: none (derived from several)
	Zone    int     // index into Store.Zones; -1: none
	Product int     // index into Store.Products; -1: none or unknown
	N       float64 // expected count: units times the share of this subject
	P       float64 // probability or quality 0–1, as the kind says
	Name    string  // EPC, session, class, signal, till action
	Grams   float32 // picked, put back: the whole step of the plate in grams, below 0 off it; else 0
	Kind    FactKind
}

// ID names the fact as evidence does: source@ts-ms.
func (f *Fact) ID(s *Store) string {
	id := "fusion"
	if f.Source >= 0 {
		id = s.Sources[f.Source].ID
	}
	return id + "@" + itoa(f.At/1e6)
}

func itoa(n int64) string {
	if n == 0 {
		return "0"
	}
	var b [20]byte
	i, neg := len(b), n < 0
	if neg {
		n = -n
	}
	for ; n > 0; n /= 10 {
		i--
		b[i] = byte('0' + n%10)
	}
	if neg {
		i--
		b[i] = '-'
	}
	return string(b[i:])
}
