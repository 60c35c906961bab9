// Package dashboard serves Magpie's HTTP API (contract, §5) and the page that people look at. It holds no state of its
// own but the open streams: what it shows comes through the functions of Options.
package dashboard

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Options are the seams of the dashboard. Every function may be nil, which leaves that part empty, and is called from
// many goroutines at once.
type Options struct {
	Site Site // what the page says of the store
	Hub  *Hub // live alerts; needed

	// Alerts gives the newest line of each alert, newest first, as bytes of the contract's §5.
	Alerts func(Query) []json.RawMessage
	// Revisions gives every line of one alert, in order of rev; nil when there is no such alert.
	Revisions func(id string) []json.RawMessage
	// Marks gives what people said of alerts, by the alert's id.
	Marks func() map[string]Mark

	Sources  func() []Source
	Policies func() PolicySet
	Visits   func() []Visit
	Shrink   func() []Shrink

	// Receive takes the body of POST /api/alerts, checks its signature by the header and returns the status and the JSON
	// to answer: 202 and {"status":"queued"}, or 401 and what is wrong.
	Receive func(header http.Header, body []byte) (status int, answer any)
	// Ack and Verdict record what a person did; ErrUnknownAlert becomes 404.
	Ack     func(id, who string) error
	Verdict func(id string, v Verdict) error

	// Outbox says what waits and what was given up; Resend queues the dead deliveries of one revision again and says how
	// many, or why none can be.
	Outbox func() (Outbox, error)
	Resend func(id string, rev int) (int, error)

	// Goods gives the name of a product by its SKU, "" when it is not known.
	Goods func(sku string) string

	Metrics http.Handler // GET /metrics
	Health  func() error // an error makes /healthz answer 503 with its text

	// Token, when set, must come with every request but /healthz and the signed POST /api/alerts: as a bearer token, or
	// as the cookie that the page's login sets. Without one only this machine is served: a Host header that is not a
	// loopback name is refused, so that no web page can reach the API by a name of its own.
	Token string

	Log *slog.Logger // default: none
}

// Query narrows a list of alerts.
type Query struct {
	Since time.Time // only alerts whose line is of this time or later; zero: all
	Limit int       // at most so many, 1 to 1000
}

// ErrUnknownAlert is what Ack and Verdict return for an id that is not known.
var ErrUnknownAlert = errors.New("no such alert")

// Source is the health of one source.
type Source struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"`
	State    string     `json:"state"` // up, degraded, idle, or never: no sign of life yet
	Detail   string     `json:"detail,omitempty"`
	Last     *time.Time `json:"last"` // last sign of life
	Messages int64      `json:"messages"`
	Late     int64      `json:"late"`
	Rejected int64      `json:"rejected"`
	Reason   string     `json:"reason,omitempty"` // code and reason of the last rejection
}

// PolicySet is the set of policies that judges now.
type PolicySet struct {
	Hash     string     `json:"hash"`
	Signer   string     `json:"signer,omitempty"` // the id of the key by which it is signed
	Loaded   *time.Time `json:"loaded"`
	Policies []Policy   `json:"policies"`
	Error    string     `json:"error,omitempty"` // of the last reload, when it was refused: file:line:column and caret
	ErrorAt  *time.Time `json:"error_at,omitempty"`
}

// Policy is one policy of the set.
type Policy struct {
	Policy string `json:"policy"`
	Title  string `json:"title"`
	Mode   string `json:"mode"`          // live, shadow, off
	Why    string `json:"why,omitempty"` // why it runs in another mode than its file says
}

// Visit is one open visit.
type Visit struct {
	ID     string      `json:"id"`
	Tracks []string    `json:"tracks"`
	First  time.Time   `json:"first"`
	Last   time.Time   `json:"last"`
	Zone   string      `json:"zone,omitempty"` // in or near which it was seen last; "" when it was near none yet
	Zones  []VisitZone `json:"zones"`          // where it stayed, in order of entering
	Items  []VisitItem `json:"items"`          // expected in the basket
	Till   []VisitRow  `json:"till"`           // what it carries against what tills have scanned for it, what matters most first
	Unpaid float64     `json:"unpaid"`         // expected value of goods that no till has seen
	Score  float64     `json:"score"`
	Policy string      `json:"policy,omitempty"` // the one that gives the score
	Staff  float64     `json:"staff"`            // probability of being staff
}

// Shrink is what became of one product in one zone on one day of the store's calendar, in expected units.
type Shrink struct {
	Day       string  `json:"day"`  // 2026-11-22
	SKU       string  `json:"sku"`  // "" for goods that no product explains
	Zone      string  `json:"zone"` // "" where the product lies in several zones, or in none
	Picked    float64 `json:"picked"`
	PutBack   float64 `json:"put_back"`
	Sold      float64 `json:"sold"` // scanned less voided and refunded
	Open      float64 `json:"open"` // taken and neither put back, sold nor seen leaving
	Delivered float64 `json:"delivered"`
	Unpaid    float64 `json:"unpaid"` // gone out with visits, unseen by a till
	Unknown   float64 `json:"unknown"`
	Damaged   float64 `json:"damaged"`
	Admin     float64 `json:"admin"`
}

// VisitZone is a zone that the visit was in.
type VisitZone struct {
	Zone  string  `json:"zone"`
	Dwell float64 `json:"dwell"` // seconds
}

// VisitItem is one line of the basket.
type VisitItem struct {
	SKU    string  `json:"sku"`
	Name   string  `json:"name"`
	Count  float64 `json:"count"`  // expected units
	Unpaid float64 `json:"unpaid"` // of these, expected units that no till has seen
}

// VisitRow is one line of what a visit carries against what was scanned for it.
type VisitRow struct {
	Class string  `json:"class"`        // not scanned, substituted, voided, not carried, confirmed
	SKU   string  `json:"sku"`          // carried, else scanned; "" for goods that the catalogue does not know
	Name  string  `json:"name"`         // of the product, or of the tag or what a device calls it
	As    string  `json:"as,omitempty"` // substituted: the SKU that was scanned in its place
	Units float64 `json:"units"`        // expected
	P     float64 `json:"p"`            // probability of the class
	Value float64 `json:"value"`        // expected, in the site's currency; substituted: of the difference in price
}

// Verdict is what a person found out about an alert.
type Verdict struct {
	Verdict   string  `json:"verdict"`   // loss, recovered, honest_error, no_loss, fault, unclear
	Recovered float64 `json:"recovered"` // value, in the site's currency
	Minutes   float64 `json:"minutes"`   // of work
	Why       string  `json:"why"`
	Who       string  `json:"who"`
}

// Mark is what people said of one alert so far.
type Mark struct {
	Acked   string `json:"acked,omitempty"` // who saw to it
	Verdict string `json:"verdict,omitempty"`
	Who     string `json:"who,omitempty"` // who gave the verdict
	Why     string `json:"why,omitempty"`
}

type server struct {
	Options
	session string // value of the cookie that stands for the token
}

// New returns the handler of all paths.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hub == nil {
		o.Hub = NewHub(1)
	}
	s := &server{Options: o, session: sessionOf(o.Token)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/alerts", s.alerts)
	mux.HandleFunc("GET /api/alerts/stream", s.stream)
	mux.HandleFunc("GET /api/alerts/{id}", s.revisions)
	mux.HandleFunc("POST /api/alerts", s.receive)
	mux.HandleFunc("POST /api/alerts/{id}/ack", s.ack)
	mux.HandleFunc("POST /api/alerts/{id}/verdict", s.verdict)
	mux.HandleFunc("GET /api/outbox", s.outbox)
	mux.HandleFunc("POST /api/outbox/{id}/{rev}/resend", s.resend)
	mux.HandleFunc("GET /api/site", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.Site) })
	mux.HandleFunc("GET /api/sources", list(o.Sources))
	mux.HandleFunc("GET /api/visits", list(o.Visits))
	mux.HandleFunc("GET /api/shrink", list(o.Shrink))
	mux.HandleFunc("GET /api/policies", s.policies)
	mux.HandleFunc("GET /api/marks", s.marks)
	mux.HandleFunc("GET /api/goods", s.goods)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "no such path: "+r.URL.Path+"; see /dashboard")
	})
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /healthz", s.healthz)
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	mux.HandleFunc("GET /dashboard", pageFile("index.html"))
	mux.Handle("GET /dashboard/", assets())
	mux.Handle("GET /{$}", http.RedirectHandler("/dashboard", http.StatusFound))
	return s.guard(mux)
}
