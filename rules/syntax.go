package rules

import (
	"regexp"
	"strings"
)

// syntaxAdvice says of what expr's parser could not read what to do about it; the message itself where there is nothing to add.
func syntaxAdvice(message, text string) string {
	if strings.HasPrefix(message, "unrecognized character: ") {
		return message + "; a number has no currency or unit: write 20"
	}
	switch message {
	case "unexpected token EOF":
		return atItsEnd(text)
	case "literal not terminated":
		return "a text is not closed: end it with the quote that it begins with"
	case `unexpected token Operator("=")`:
		return "= is not part of the language; write == to compare"
	case `unexpected token Operator(",")`:
		return "unexpected ,; a number has a decimal point, as in 0.5, and arguments stand in a function's brackets"
	case `unexpected token Bracket(")")`, `unexpected token Bracket("]")`:
		return "this closes nothing: take it out, or open what it closes"
	}
	if m := stray.FindStringSubmatch(message); m != nil {
		what := m[2]
		if m[1] == "String" {
			what = `"` + what + `"`
		}
		if word := strings.ToLower(m[2]); m[1] == "Identifier" && (word == "and" || word == "or" || word == "not" || word == "in") {
			return "unknown word " + what + "; write " + word
		}
		return "unexpected " + what + "; a bracket, or an operator such as and, > or +, is missing before it"
	}
	return message
}

var stray = regexp.MustCompile(`^unexpected token (String|Number|Identifier)\("(.*)"\)$`)

// atItsEnd says what an expression that ends too early lacks.
func atItsEnd(text string) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "the expression is empty: write one, such as 'staff() >= 0.5'"
	case strings.Count(text, "(") > strings.Count(text, ")"):
		return "the expression ends before its ( is closed: add a )"
	case strings.Count(text, "?") > strings.Count(text, ":"):
		return "the expression ends after ? and has no : with what it is otherwise"
	}
	return "the expression ends too early: something is missing behind its last word"
}
