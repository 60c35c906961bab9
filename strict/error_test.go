package strict

import (
	"errors"
	"strings"
	"testing"
)

// TestErrorShowsTheLine holds what is told of a place in a line.
func TestErrorShowsTheLine(t *testing.T) {
	f := func(e Error, want string) {
		t.Helper()
		if got := e.Error(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f(Error{File: "a.yaml", Line: 2, Col: 3, Text: "wrong", Code: "a: b"}, "a.yaml:2:3: wrong\n  | a: b\n  |   ^")
	f(Error{Line: 1, Col: 1, Text: "wrong"}, "1:1: wrong")
	f(Error{Line: 1, Col: 5, Text: "wrong", Code: "\tä\x1b[x"}, "1:5: wrong\n  |  ä [x\n  |     ^")
	f(Error{Line: 1, Col: 301, Text: "wrong", Code: strings.Repeat("a", 300) + "X" + strings.Repeat("b", 300)},
		"1:301: wrong\n  | "+strings.Repeat("a", 80)+"X"+strings.Repeat("b", 79)+"\n  | "+strings.Repeat(" ", 80)+"^")
}

func TestErrorsComeInOrderAndOnce(t *testing.T) {
	first := Error{File: "a", Line: 9, Col: 1, Text: "z"}
	second, third := Error{File: "b", Line: 1, Col: 2, Text: "y"}, Error{File: "b", Line: 1, Col: 2, Text: "x"}
	err := Errors{second, third, second, first, third}.Err()
	if want := "a:9:1: z\nb:1:2: y\nb:1:2: x"; err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var one Error
	if !errors.As(err, &one) || one != first {
		t.Errorf("the first is %v", one)
	}
	if err := (Errors{}).Err(); err != nil {
		t.Errorf("no errors are %v", err)
	}
}

func TestSuggest(t *testing.T) {
	f := func(word, options, want string) {
		t.Helper()
		if got := Suggest(word, strings.Fields(options)); got != want {
			t.Errorf("%q of %s: %s, want %s", word, options, got, want)
		}
	}
	f("zonse", "store zones", "did you mean zones?")
	f("Zones", "store zones", "did you mean zones?")
	f("wlak", "pick walk", "did you mean walk?") // two letters swapped are one mistake
	f("garden", "aisle exit", "possible are aisle, exit")
	f("b", "a", "possible is a") // nothing of it is left
	f("x", "", "there are none")
	f("5", strings.Repeat("word ", 14), "possible are "+strings.Repeat("word, ", 11)+"word and 2 more")
}
