// Package sim makes recordings: from the test notation of contract section 4, by which policies and the core are tested
// in the words of the shop floor, and at random, for tests that hold whatever happens.
//
// Nothing here reads a clock: the same script, or the same seed, gives the same bytes on every machine.
package sim

import (
	"fmt"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/strict"
)

// Script is a test's events, read but not yet bound to a site.
type Script struct {
	statements []statement
	text       string // for errors
}

// statement is one line of a script. Which members are set follows from its verb.
type statement struct {
	line           int
	from, to, late time.Duration
	verb           token

	source  token
	person  token
	other   token          // give: who gets it
	goods   token          // a SKU, a list or any; empty: no goods
	zone    token          // region
	antenna token          // rfid
	points  []fusion.Point // walk
	n       int            // pick, put, rfid: how many
	grams   float64        // weight
	signed  bool           // weight: a step
	kind    fusion.Kind    // of source
	payload []byte         // send
	// message makes the i-th message of the line (contract section 1) with the product that goods name, nil if none.
	message func(h message.Head, i int, goods *fusion.Product) any
}

// token is a word of a script with its column, from 1.
type token struct {
	text string
	col  int
}

// Windows and rates in which sensors of a script speak.
const (
	frameEvery  = 200 * time.Millisecond // five observations a second
	sampleEvery = 100 * time.Millisecond // 10 Hz
	settle      = 2 * time.Second        // samples before and after a step
	aliveEvery  = 10 * time.Second
	longest     = 24 * time.Hour
)

// DefaultStart is when a script begins that does not say when, local time.
const DefaultStart = "2026-01-05T10:00:00"

// Start reads a test's start, local time at the store such as 2026-11-20T22:30:00; "" is DefaultStart.
func Start(text string, at *time.Location) (time.Time, error) {
	if text == "" {
		text = DefaultStart
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, at); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("start %q is not a local time such as %s", text, DefaultStart)
}

// End is the time since the start at which the last reading of the script was made and has arrived: what a plate still
// says after a step, the frame that reports a lost track, and what is late count.
func (s *Script) End() time.Duration {
	end := time.Duration(0)
	for i := range s.statements {
		st := &s.statements[i]
		last := st.to
		switch st.verb.text {
		case "walk":
			last += frameEvery - last%frameEvery
		case "pick", "put":
			last += settle
		case "weight":
			if st.signed {
				last += settle
			}
		}
		end = max(end, last+st.late)
	}
	return end
}

// People are those who walk in the script, in order of their first walk.
func (s *Script) People() []string {
	var people []string
	seen := map[string]bool{}
	for i := range s.statements {
		if st := &s.statements[i]; st.verb.text == "walk" && !seen[st.person.text] {
			seen[st.person.text] = true
			people = append(people, st.person.text)
		}
	}
	return people
}

// Placed moves the errors of a script to the file that it is part of: its first line is that file's line, indented by col-1
// characters.
func Placed(errs strict.Errors, file string, line, col int) strict.Errors {
	moved := make(strict.Errors, len(errs))
	for i, e := range errs {
		e.File = file
		e.Line += line - 1
		e.Col += col - 1
		e.Code = strings.Repeat(" ", col-1) + e.Code
		moved[i] = e
	}
	return moved
}
