package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a visit was.
const (
	Honest     = "honest"
	Mistake    = "mistake" // something was not paid for, and nobody meant it
	Theft      = "theft"
	Accomplice = "accomplice" // of a theft, and another has the goods
	Work       = "work"       // of staff
)

// Visit is one person's stay, apart from the recording. It shares no id with it but those of tags and tracks (which camera's
// track was this person, from when to when), without which nobody could tell whom an alert is about. Times are ns since
// 1970, zero where it did not happen.
type Visit struct {
	Person    string
	Kind      string // Honest, Mistake, Theft, Accomplice or Work
	Type      string // the name of what was done
	Theft     int    // its number in the catalogue, 0 for none or one that the catalogue lacks
	With      string // the person with whom they came, or for whom they work
	From, To  int64
	Took      int64
	Concealed int64
	Exit      int64 // the way out was crossed
	Unpaid    []Unpaid
	Tracks    []Span

	unpaid []*unit
}

// Aside reports whether a visit is neither a theft nor honest: to speak of it is neither right nor wrong.
func (v *Visit) Aside() bool { return v.Kind == Mistake || v.Kind == Accomplice }

// Unpaid is a piece of goods that was not paid for.
type Unpaid struct {
	SKU   string `json:"sku"`
	EPC   string `json:"epc,omitempty"`
	Price int64  `json:"price"` // in hundredths
}

// Span says that a track was a person.
type Span struct {
	Track    string // camera/track
	From, To int64
}

// writtenVisit is a visit as files have it: times in RFC 3339, "" where it did not happen.
type writtenVisit struct {
	Person    string        `json:"person"`
	Kind      string        `json:"kind"`
	Type      string        `json:"type"`
	Theft     int           `json:"theft,omitempty"`
	With      string        `json:"with,omitempty"`
	From      string        `json:"from"`
	To        string        `json:"to"`
	Took      string        `json:"took,omitempty"`
	Concealed string        `json:"concealed,omitempty"`
	Exit      string        `json:"exit,omitempty"`
	Unpaid    []Unpaid      `json:"unpaid,omitempty"`
	Tracks    []writtenSpan `json:"tracks"`
}

type writtenSpan struct {
	Track string `json:"track"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// MarshalJSON writes a visit as one object.
func (v *Visit) MarshalJSON() ([]byte, error) {
	spans := []writtenSpan{}
	for _, s := range v.Tracks {
		spans = append(spans, writtenSpan{s.Track, written(s.From), written(s.To)})
	}
	return json.Marshal(writtenVisit{v.Person, v.Kind, v.Type, v.Theft, v.With, written(v.From), written(v.To), written(v.Took),
		written(v.Concealed), written(v.Exit), v.Unpaid, spans})
}

// UnmarshalJSON reads what MarshalJSON writes, or somebody else wrote in the same form, strictly: the error says which member is
// wrong, and what to do.
func (v *Visit) UnmarshalJSON(b []byte) error {
	var w writtenVisit
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if err := in.Decode(&w); err != nil {
		return err
	}
	var wrong error
	read := func(member, text string) int64 {
		if text == "" {
			return 0
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			wrong = cmp.Or(wrong, fmt.Errorf("%s: %q is no time; write it as 2026-01-05T10:00:14.500Z", member, text))
		}
		return t.UnixNano()
	}
	*v = Visit{Person: w.Person, Kind: w.Kind, Type: w.Type, Theft: w.Theft, With: w.With, From: read("from", w.From), To: read("to", w.To),
		Took: read("took", w.Took), Concealed: read("concealed", w.Concealed), Exit: read("exit", w.Exit), Unpaid: w.Unpaid}
	for _, s := range w.Tracks {
		v.Tracks = append(v.Tracks, Span{s.Track, read("tracks: from", s.From), read("tracks: to", s.To)})
	}
	return cmp.Or(wrong, v.check())
}

// check reports what keeps a visit from being judged.
func (v *Visit) check() error {
	switch v.Kind {
	case Honest, Mistake, Theft, Accomplice, Work:
	default:
		return fmt.Errorf("kind %q is not one of %s, %s, %s, %s, %s", v.Kind, Honest, Mistake, Theft, Accomplice, Work)
	}
	switch {
	case v.Person == "" || v.Type == "":
		return errors.New("person and type are missing, or one of them; name who it was, and in words what was done")
	case v.Theft < 0:
		return fmt.Errorf("theft %d is no number of the catalogue; leave it out for one that the catalogue lacks", v.Theft)
	case v.From == 0 || v.To < v.From:
		return errors.New("give from and to, the times of the first and the last moment of the visit, in this order")
	case v.Kind == Theft && (v.Took == 0 || len(v.Unpaid) == 0):
		return errors.New("a theft has took, the time when the first of the goods was taken, and unpaid, the goods; one that came to nothing is honest")
	case v.Kind == Mistake && len(v.Unpaid) == 0:
		return errors.New("a mistake has unpaid, the goods; without them the visit is honest")
	}
	for _, s := range v.Tracks {
		if !strings.Contains(s.Track, "/") || s.From == 0 || s.To < s.From {
			return fmt.Errorf("track %q: write camera/track as published, and from when to when it was this person", s.Track)
		}
	}
	return nil
}

func written(ns int64) string {
	if ns == 0 {
		return ""
	}
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z")
}

// spans gather who a track was: by track, in the order of time.
type spans map[string][]seenAs

type seenAs struct {
	person   string
	from, to int64
}

func (s spans) see(track, person string, at int64) {
	all := s[track]
	if n := len(all); n > 0 && all[n-1].person == person {
		all[n-1].to = at
		return
	}
	s[track] = append(all, seenAs{person, at, at})
}

// told is the truth when all is over. Visits of a theft that came to nothing are honest; who has no goods of a theft that came to
// something is an accomplice.
func (w *world) told() (all []*Visit) {
	byName := map[string]*Visit{}
	for _, v := range w.visits {
		byName[v.Person] = v
	}
	for track, whom := range w.spans {
		for _, s := range whom {
			v := byName[s.person]
			v.Tracks = append(v.Tracks, Span{track, s.from, s.to})
		}
	}
	for _, v := range w.visits {
		slices.SortFunc(v.Tracks, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Track, b.Track)) })
		for _, u := range v.unpaid {
			g := &w.store.Products[u.product]
			v.Unpaid = append(v.Unpaid, Unpaid{g.Written, u.epc, g.Price})
		}
		if v.Kind == Honest && len(v.Unpaid) > 0 {
			v.Kind = Mistake
		}
	}
	for _, v := range w.visits {
		if principal := byName[v.With]; v.Kind == Theft && principal != nil && principal.Kind == Theft {
			switch {
			case len(principal.Unpaid) == 0 && len(v.Unpaid) > 0:
				principal.Kind = Accomplice
			case len(v.Unpaid) == 0 && len(principal.Unpaid) > 0:
				v.Kind = Accomplice
			}
		}
	}
	for _, v := range w.visits {
		if len(v.Unpaid) == 0 && (v.Kind == Theft || v.Kind == Mistake) {
			v.Kind = Honest
		}
	}
	for _, v := range w.visits {
		if v.From != 0 {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b *Visit) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Person, b.Person)) })
	return all
}
