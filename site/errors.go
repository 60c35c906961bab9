package site

import (
	"fmt"
	"sort"
	"strings"
)

// Pos is a place in a file; lines and columns count from 1.
type Pos struct {
	File string
	Line int
	Col  int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Error is one thing wrong with a site file or a table that it names: where it is and what to do.
type Error struct {
	Pos
	Text string
}

func (e Error) Error() string { return e.Pos.String() + ": " + e.Text }

// Errors is everything wrong at once, in order of file, line and column; one line each.
type Errors []Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each error on its own to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

// tidy orders the errors and drops repeats, such as those of a node that is read twice.
func (e Errors) tidy() Errors {
	sort.SliceStable(e, func(i, j int) bool {
		a, b := e[i], e[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Col != b.Col:
			return a.Col < b.Col
		}
		return false
	})
	kept := e[:0]
	for i, x := range e {
		if i == 0 || x != kept[len(kept)-1] {
			kept = append(kept, x)
		}
	}
	return kept
}

// nearest returns the option that word most likely means, "" when none is near.
func nearest(word string, options []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, o := range options {
		if d := distance(strings.ToLower(word), strings.ToLower(o)); d < least {
			best, least = o, d
		}
	}
	return best
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

// choice says which words are possible: the near one if there is one, else all of them, or the first of many.
func choice(word string, options []string) string {
	if n := nearest(word, options); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	switch len(options) {
	case 0:
		return "there are none"
	case 1:
		return "only " + options[0] + " is possible"
	}
	if len(options) > 12 {
		return fmt.Sprintf("possible are %s and %d more", strings.Join(options[:12], ", "), len(options)-12)
	}
	return "possible are " + strings.Join(options, ", ")
}
