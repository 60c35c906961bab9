// Package alerts keeps what was said of whom: the life cycle of alerts, the outbox that delivers them and the sinks that
// carry them out.
package alerts

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
)

// State is where an alert is in its life: provisional, confirmed, updated, closed, retracted.
type State string

// The states of contract §5.
const (
	Provisional State = "provisional"
	Confirmed   State = "confirmed"
	Updated     State = "updated"
	Closed      State = "closed"
	Retracted   State = "retracted"
)

// Alert is one line of the contract's §5. Times are ns since 1970; a zero time is null. Nil slices are written as [].
type Alert struct {
	ID          string
	Rev         int // counts every line of the id
	Final       int // counts the lines that the watermark alone decides; 0: left out
	State       State
	MergedInto  string
	Store       string
	SubjectKind string
	SubjectID   string
	Tracks      []string
	Person      Person
	Policies    []PolicyScore
	Signer      string // the key's id by which their set is signed; "" is left out
	Score       float64
	Tier        string
	CappedBy    string // require, person, budget; "" is null
	EventTime   int64
	At          int64
	RaisedAt    int64 // left out of lines for replay --final
	Zone        string
	Position    *[2]float64
	SeenLast    *Place
	Transaction string // till session, "" is null
	Items       []Item
	Value       float64
	Objects     []string
	Evidence    []Evidence
	Missing     []string
	Message     string
	Action      string
	Why         string
	Still       string
	Clip        string
	SiteHash    string
	ModelHash   string
}

// by reports whether a policy is one of the alert's.
func (a *Alert) by(policy string) bool {
	return slices.ContainsFunc(a.Policies, func(p PolicyScore) bool { return p.Policy == policy })
}

// Person says how sure it is that the subject is the one.
type Person struct {
	P       float64
	Others  []string
	IsStaff float64
}

// PolicyScore is one policy of an alert.
type PolicyScore struct {
	Policy string
	Hash   string
	Score  float64
}

// Place is where and when the subject was last seen.
type Place struct {
	Zone string
	At   int64
}

// Item is one line of goods.
type Item struct {
	SKU     string // "" is null
	EPC     string // "" is null
	Count   int
	PUnpaid float64
	Value   float64
}

// Evidence is what one piece of evidence added.
type Evidence struct {
	Name    string
	Group   string // "" is left out
	LogOdds float64
	Quality float64
	At      int64
	Events  []string
}

// Lifetime is how long after its event time an alert may still be pushed to the floor.
const Lifetime = 3 * time.Minute

// AppendJSON appends the alert's line, without a line break, in the contract's member order: numbers without trailing
// zeros, times UTC with milliseconds, score and p with 4 decimals, logodds 3, position and value 2, round half to even.
// With bare set, rev and raised_at are left out, as in replay --final.
func (a *Alert) AppendJSON(b []byte, bare bool) []byte {
	w := writer{b: append(b, '{')}
	w.str("id", a.ID)
	w.str("event_id", a.ID)
	if !bare {
		w.key("rev")
		w.b = strconv.AppendInt(w.b, int64(a.Rev), 10)
	}
	if a.Final > 0 {
		w.key("final")
		w.b = strconv.AppendInt(w.b, int64(a.Final), 10)
	}
	w.str("state", string(a.State))
	if a.MergedInto != "" {
		w.str("merged_into", a.MergedInto)
	}
	w.str("type", "potential_theft")
	w.str("store", a.Store)
	w.key("subject")
	w.open('{')
	w.str("kind", a.SubjectKind)
	w.str("id", a.SubjectID)
	w.close('}')
	w.strs("tracks", a.Tracks)
	w.key("person")
	w.open('{')
	w.num("p", a.Person.P, 4)
	w.strs("others", a.Person.Others)
	w.num("is_staff", a.Person.IsStaff, 4)
	w.close('}')
	w.key("policies")
	w.open('[')
	for _, p := range a.Policies {
		w.elem()
		w.open('{')
		w.str("policy", p.Policy)
		w.str("hash", p.Hash)
		w.num("score", p.Score, 4)
		w.close('}')
	}
	w.close(']')
	if a.Signer != "" {
		w.str("signer", a.Signer)
	}
	w.num("score", a.Score, 4)
	w.str("tier", a.Tier)
	w.orNull("capped_by", a.CappedBy)
	w.time("event_time", a.EventTime)
	w.time("at", a.At)
	if !bare {
		w.time("raised_at", a.RaisedAt)
	}
	expires := int64(0)
	if a.EventTime != 0 {
		expires = a.EventTime + int64(Lifetime)
	}
	w.time("expires_at", expires)
	w.orNull("zone", a.Zone)
	w.key("position")
	if a.Position == nil {
		w.raw("null")
	} else {
		w.open('[')
		w.elem()
		w.b = appendRounded(w.b, a.Position[0], 2)
		w.elem()
		w.b = appendRounded(w.b, a.Position[1], 2)
		w.close(']')
	}
	w.key("seen_last")
	if a.SeenLast == nil {
		w.raw("null")
	} else {
		w.open('{')
		w.orNull("zone", a.SeenLast.Zone)
		w.time("at", a.SeenLast.At)
		w.close('}')
	}
	w.orNull("transaction", a.Transaction)
	w.items(a.Items)
	w.num("value", a.Value, 2)
	w.strs("objects", a.Objects)
	w.key("evidence")
	w.open('[')
	for _, e := range a.Evidence {
		w.elem()
		w.open('{')
		w.str("name", e.Name)
		if e.Group != "" {
			w.str("group", e.Group)
		}
		w.num("logodds", e.LogOdds, 3)
		w.num("quality", e.Quality, 4)
		w.time("at", e.At)
		w.strs("events", e.Events)
		w.close('}')
	}
	w.close(']')
	w.strs("missing", a.Missing)
	w.str("message", a.Message)
	w.str("action", a.Action)
	w.str("why", a.Why)
	if a.Still != "" {
		w.str("still", a.Still)
	}
	if a.Clip != "" {
		w.str("clip", a.Clip)
	}
	w.orNull("site_hash", a.SiteHash)
	w.orNull("model_hash", a.ModelHash)
	return append(w.b, '}')
}

// MarshalJSON writes the line that every output carries.
func (a *Alert) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil, false), nil }

// writer appends JSON members in the order of the calls.
type writer struct {
	b    []byte
	next bool // a comma is due
}

func (w *writer) elem() {
	if w.next {
		w.b = append(w.b, ',')
	}
	w.next = true
}

func (w *writer) key(k string) {
	w.elem()
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) open(c byte)  { w.b, w.next = append(w.b, c), false }
func (w *writer) close(c byte) { w.b, w.next = append(w.b, c), true }
func (w *writer) raw(s string) { w.b = append(w.b, s...) }

func (w *writer) str(k, v string) {
	w.key(k)
	w.b = appendString(w.b, v)
}

func (w *writer) orNull(k, v string) {
	if v == "" {
		w.key(k)
		w.raw("null")
		return
	}
	w.str(k, v)
}

func (w *writer) items(items []Item) {
	w.key("items")
	w.open('[')
	for _, it := range items {
		w.elem()
		w.open('{')
		w.orNull("sku", it.SKU)
		w.orNull("epc", it.EPC)
		w.key("count")
		w.b = strconv.AppendInt(w.b, int64(it.Count), 10)
		w.num("p_unpaid", it.PUnpaid, 4)
		w.num("value", it.Value, 2)
		w.close('}')
	}
	w.close(']')
}

func (w *writer) strs(k string, v []string) {
	w.key(k)
	w.open('[')
	for _, s := range v {
		w.elem()
		w.b = appendString(w.b, s)
	}
	w.close(']')
}

func (w *writer) num(k string, v float64, decimals int) {
	w.key(k)
	w.b = appendRounded(w.b, v, decimals)
}

func (w *writer) time(k string, ns int64) {
	w.key(k)
	if ns == 0 {
		w.raw("null")
		return
	}
	w.b = append(w.b, '"')
	w.b = time.Unix(0, ns).UTC().AppendFormat(w.b, "2006-01-02T15:04:05.000Z")
	w.b = append(w.b, '"')
}

// appendString writes s as JSON does, without HTML escapes: alerts are data, and every reader escapes for itself.
func appendString(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...) // a string always marshals
	}
	for i := 0; i < len(q); i++ {
		if q[i] == '\\' && i+5 < len(q) && q[i+1] == 'u' && q[i+2] == '0' && q[i+3] == '0' {
			switch string(q[i+4 : i+6]) {
			case "3c":
				b, i = append(b, '<'), i+5
				continue
			case "3e":
				b, i = append(b, '>'), i+5
				continue
			case "26":
				b, i = append(b, '&'), i+5
				continue
			}
		}
		b = append(b, q[i])
		if q[i] == '\\' && i+1 < len(q) {
			i++
			b = append(b, q[i])
		}
	}
	return b
}

// Round rounds to so many decimals, half to even, on the exact value of the float; NaN and infinities become 0.
func Round(v float64, decimals int) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', decimals, 64), 64) // FormatFloat writes what ParseFloat reads
	return r
}

// appendRounded writes v with at most so many decimals and no trailing zeros; never -0, NaN or Inf.
func appendRounded(b []byte, v float64, decimals int) []byte {
	v = Round(v, decimals)
	if v == 0 {
		return append(b, '0')
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}
