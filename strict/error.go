// Package strict reads YAML that people write by hand, strictly, and tells everything that is wrong with a text at once,
// each error with its place, the line it is in and what to do. Policies, site files and scripts share it, so that a
// mistake reads the same wherever it was made.
package strict

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Error is one thing wrong with a file: where it is, what it is and what to do.
type Error struct {
	File string // as it was named to the reader; "" for a text that stands alone
	Line int    // from 1
	Col  int    // from 1, in characters
	Text string // what is wrong, and what to do
	Code string // the line of the file, "" when there is none to show
}

// widest is how much of a line an error shows, in characters.
const widest = 160

// Error gives the place and the text, and below them the line with a caret under the place.
func (e Error) Error() string {
	place := fmt.Sprintf("%d:%d", e.Line, e.Col)
	if e.File != "" {
		place = e.File + ":" + place
	}
	if e.Code == "" {
		return place + ": " + e.Text
	}
	row, col := []rune(strings.Map(plain, e.Code)), max(0, e.Col-1)
	if from := col - widest/2; len(row) > widest && from > 0 { // a long line is cut around the place
		row, col = row[min(from, len(row)):], col-from
	}
	row = row[:min(len(row), widest)]
	return place + ": " + e.Text + "\n  | " + string(row) + "\n  | " + strings.Repeat(" ", col) + "^"
}

// plain puts a space in the place of a tab, which would move the caret, and of what would steer a terminal.
func plain(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// Errors is everything wrong at once.
type Errors []Error

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

// Err is the errors in order of file, line and column, each once: a node that is read twice is wrong once. It is nil when
// there are none, so that a caller can return it as an error.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	seen, all := map[Error]bool{}, Errors{}
	for _, x := range e {
		if !seen[x] {
			seen[x] = true
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b Error) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
	return all
}

// many is how many possible words an error lists.
const many = 12

// Suggest says which words are possible: the near one if there is one, else all of a few, or the first of many.
func Suggest(word string, options []string) string {
	// A third of the letters may be wrong, but not all of them.
	best, least := "", min(len(word), 1+max(1, len(word)/3))
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
	case len(options) == 1:
		return "possible is " + options[0]
	case len(options) > many:
		return fmt.Sprintf("possible are %s and %d more", strings.Join(options[:many], ", "), len(options)-many)
	}
	return "possible are " + strings.Join(options, ", ")
}

// distance is the number of letters to insert, drop, change or swap with a neighbour to make b of a (optimal string
// alignment, a form of Damerau and Levenshtein's).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
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

// Clip shortens a word of the file to what an error can show.
func Clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
