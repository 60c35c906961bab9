package rules

import (
	"fmt"
	"sort"
	"strings"
)

// Error is one thing wrong with a policy file: where it is, what it is and what to do.
type Error struct {
	File string // as it was read: relative to the folder of policies
	Line int    // from 1
	Col  int    // from 1, in characters
	Text string // what is wrong, and a suggestion
	Code string // the line of the file, "" when there is none
}

// widest is how much of a line an error shows.
const widest = 160

// Error gives the place, the text and the line with a caret under the place.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s", e.File, e.Line, e.Col, e.Text)
	if e.Code == "" {
		return b.String()
	}
	row, col := []rune(strings.ReplaceAll(e.Code, "\t", " ")), e.Col-1
	if from := col - widest/2; len(row) > widest && from > 0 { // a long line is cut around the place
		row, col = row[min(from, len(row)):], col-from
	}
	row = row[:min(len(row), widest)]
	b.WriteString("\n  | " + string(row) + "\n  | " + strings.Repeat(" ", col) + "^")
	return b.String()
}

// Errors is everything wrong with a folder of policies at once, ordered by file and place.
type Errors []*Error

func (e Errors) Error() string {
	all := make([]string, len(e))
	for i := range e {
		all[i] = e[i].Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap gives each error on its own to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

// sorted orders by place and drops repeats; nil when there are none.
func (e Errors) sorted() error {
	if len(e) == 0 {
		return nil
	}
	sort.SliceStable(e, func(i, j int) bool {
		a, b := e[i], e[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	kept := e[:0]
	for i, x := range e {
		if i == 0 || *x != *kept[len(kept)-1] {
			kept = append(kept, x)
		}
	}
	return kept
}

// suggest says which words are possible: the near one if there is one, else all of a few, or the first of many.
func suggest(word string, options []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, o := range options {
		if d := distance(strings.ToLower(word), strings.ToLower(o)); d < least {
			best, least = o, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %s?", best)
	case len(options) == 0:
		return "there are none"
	case len(options) > 12:
		return fmt.Sprintf("possible are %s and %d more", strings.Join(options[:12], ", "), len(options)-12)
	}
	return "possible are " + strings.Join(options, ", ")
}

// distance is the number of letters to insert, drop, change or swap with a neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
