package sim

import (
	"fmt"
	"sort"
	"strings"
)

// Error is one thing wrong with a script: where it is, the line it is in, and what to do.
type Error struct {
	File      string // "" when the script stands alone
	Line, Col int    // from 1; columns count characters
	Text      string
	Source    string // the script's line
}

// Error gives the place and the reason, and below it the line with a caret under the place.
func (e Error) Error() string {
	var pad strings.Builder
	n := 1
	for _, r := range e.Source {
		if n++; n > e.Col {
			break
		}
		if r != '\t' {
			r = ' '
		}
		pad.WriteRune(r)
	}
	place := fmt.Sprintf("%d:%d", e.Line, e.Col)
	if e.File != "" {
		place = e.File + ":" + place
	}
	return fmt.Sprintf("%s: %s\n  %s\n  %s^", place, e.Text, e.Source, pad.String())
}

// Errors is everything wrong at once, in order of line and column.
type Errors []Error

func (e Errors) Error() string {
	text := make([]string, len(e))
	for i := range e {
		text[i] = e[i].Error()
	}
	return strings.Join(text, "\n")
}

// Unwrap gives each error on its own to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

// In places the errors in the file that the script is part of: its first line is that file's line, indented by col-1
// characters.
func (e Errors) In(file string, line, col int) Errors {
	moved := make(Errors, len(e))
	for i, x := range e {
		x.File = file
		x.Line += line - 1
		x.Col += col - 1
		x.Source = strings.Repeat(" ", col-1) + x.Source
		moved[i] = x
	}
	return moved
}

// orNil sorts the errors by place and gives nil for none, so that a caller can return it as an error.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	sort.SliceStable(e, func(i, j int) bool {
		if e[i].Line != e[j].Line {
			return e[i].Line < e[j].Line
		}
		return e[i].Col < e[j].Col
	})
	return e
}

// choice says which words are possible: the near one if there is one, else all of them, or the first of many.
func choice(word string, options []string) string {
	best, least := "", min(len(word), 1+max(1, (len(word)+1)/2))
	for _, o := range options {
		if d := distance(strings.ToLower(word), strings.ToLower(o)); d < least {
			best, least = o, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %s?", best)
	case len(options) == 0:
		return "the site has none"
	case len(options) > 16:
		return fmt.Sprintf("possible are %s and %d more", strings.Join(options[:16], ", "), len(options)-16)
	}
	return "possible are " + strings.Join(options, ", ")
}

// distance is the number of letters to insert, drop or change to make b of a (Levenshtein).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
