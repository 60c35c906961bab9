package rules

import (
	"slices"
	"strings"
	"testing"

	"magpie/strict"
)

// TestErrorsPointAtTheFile holds the exact words of what a policy's author is told.
func TestErrorsPointAtTheFile(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := tryLoad(Options{}, "p.yaml", text)
		if err == nil {
			t.Errorf("loaded:\n%s", text)
			return
		}
		wantErrors(t, err, want)
	}
	f(scoring(`unpaid_valu() > 3 ? 1 : 0`), `
p.yaml:3:9: unknown function unpaid_valu; did you mean unpaid_value?
  | score: 'unpaid_valu() > 3 ? 1 : 0'
  |         ^`)
	f(scoring(`exited("exits") and nope or moved("door") > 0.5 ? 1 : 0`), `
p.yaml:3:16: unknown zone kind "exits"; did you mean exit?
  | score: 'exited("exits") and nope or moved("door") > 0.5 ? 1 : 0'
  |                ^
p.yaml:3:29: unknown name nope; there is no function, param or macro of that name; the folder has no common.yaml, where macros stand
  | score: 'exited("exits") and nope or moved("door") > 0.5 ? 1 : 0'
  |                             ^
p.yaml:3:43: "door" is the id of one zone; write "exit" for every exit, or "id:door"
  | score: 'exited("exits") and nope or moved("door") > 0.5 ? 1 : 0'
  |                                           ^`)
	f(scoring(`staff() + `), `
p.yaml:3:18: the expression ends too early: something is missing behind its last word
  | score: 'staff() + '
  |                  ^`)
	f(scoring(`let x = 1; x`), `
p.yaml:3:13: let is not part of the language; write a macro in common.yaml
  | score: 'let x = 1; x'
  |             ^`)
	f(scoring(`any([1], # > 0) ? 1 : 0`), `
p.yaml:3:9: any(…) over a list is not part of the language; there are no predicates
  | score: 'any([1], # > 0) ? 1 : 0'
  |         ^`)
	f(scoring(`now() > 3 ? 1 : 0`), `
p.yaml:3:9: unknown function now; a policy has no clock; since(…), hour(), weekday() and between(…) tell the time
  | score: 'now() > 3 ? 1 : 0'
  |         ^`)
	f(scoring(`(1..3)[0]`), `
p.yaml:3:15: member access is not part of the language; call a function
  | score: '(1..3)[0]'
  |               ^`)
	f(scoring(`22..6 == 3 ? 1 : 0`), `
p.yaml:3:11: .. is not part of the language; there are and or not in, comparison, + - * / and ? :
  | score: '22..6 == 3 ? 1 : 0'
  |           ^`)
	f(scoring(`dwell("aisle") > "30s" ? 1 : 0`), `
p.yaml:3:24: > compares two numbers, not a number with text; write seconds as a number
  | score: 'dwell("aisle") > "30s" ? 1 : 0'
  |                        ^`)
	f(scoring(`unpaid_value() > dwell("aisle") ? 1 : 0`), `
p.yaml:3:24: money cannot be compared with seconds
  | score: 'unpaid_value() > dwell("aisle") ? 1 : 0'
  |                        ^`)
	f(scoring(`unpaid_value() + p_unpaid()`), `
p.yaml:3:24: money cannot be added to a count or probability
  | score: 'unpaid_value() + p_unpaid()'
  |                        ^`)
	f(scoring(`count(picked("any"))`), `
p.yaml:3:9: count takes 2 arguments, there are 1; write count(event, window)
  | score: 'count(picked("any"))'
  |         ^`)
	f(scoring(`count(picked("any"), "0s")`), `
p.yaml:3:30: "0s" is no window; write "30s", "10m" or "1h"
  | score: 'count(picked("any"), "0s")'
  |                              ^`)
	f(scoring(`count(picked("any"), "900h")`), `
p.yaml:3:30: "900h" is no window; a window is at most 24h
  | score: 'count(picked("any"), "900h")'
  |                              ^`)
	f(scoring(`count(carried("any"), "30s")`), `
p.yaml:3:15: argument 1 of count must be an event such as picked("any"); events are picked, putback, scanned, voided, refunded, read, lost, opened, till, signal, alerted
  | score: 'count(carried("any"), "30s")'
  |               ^`)
	f(scoring(`till("no-sale")`), `
p.yaml:3:14: unknown action "no-sale"; did you mean no_sale?; others have functions of their own, such as voided
  | score: 'till("no-sale")'
  |              ^`)
	f(scoring(`picked("razor")`), `
p.yaml:3:16: unknown goods "razor": neither a list of common.yaml nor "any" nor a SKU; possible is any
  | score: 'picked("razor")'
  |                ^`)
	f(scoring(`coverage("tracks", "exit")`), `
p.yaml:3:18: unknown modality "tracks"; did you mean track?
  | score: 'coverage("tracks", "exit")'
  |                  ^`)
	f(scoring(`zscore(picked("any"), "1m", "others", "1h")`), `
p.yaml:3:37: unknown basis "others"; possible are "peers", "self"
  | score: 'zscore(picked("any"), "1m", "others", "1h")'
  |                                     ^`)
	f(scoring(`alerted("unpaid-exit", "review", "any")`), `
p.yaml:3:9: alerted is told to the store, and this policy judges a visit; write judge: store
  | score: 'alerted("unpaid-exit", "review", "any")'
  |         ^`)
	f(policy(`judge: store`, `score: 'alerted("q", "review", "any") + alerted("p", "review", "any")'`), `
p.yaml:4:17: alerted: there is no policy "q"; there are none
  | score: 'alerted("q", "review", "any") + alerted("p", "review", "any")'
  |                 ^
p.yaml:4:49: alerted: p judges the store too; name one that judges another subject
  | score: 'alerted("q", "review", "any") + alerted("p", "review", "any")'
  |                                                 ^`)
	f(policy(`judge: store`, `score: 'count(alerted("q", "revue", "any"), "1h") > "1h" ? 1 : 0'`), `
p.yaml:4:28: unknown tier "revue"; possible are log, review, staff, gate
  | score: 'count(alerted("q", "revue", "any"), "1h") > "1h" ? 1 : 0'
  |                            ^`)
	f(scoring(`staff`), `
p.yaml:3:9: staff is a function; write staff()
  | score: 'staff'
  |         ^`)
	f(policy(`score: 'staff()'`, `when: 'staff()'`), `
p.yaml:4:8: this must be true or false, it is a number
  | when: 'staff()'
  |        ^`)
	f(policy(`judge: till`, `score: 'unpaid_value()'`), `
p.yaml:4:9: unpaid_value needs a visit, and this policy judges a till; write judge: visit
  | score: 'unpaid_value()'
  |         ^`)
	f(policy(`judge: cashier`, `score: 'voided("any")'`), `
p.yaml:3:8: judge: cashier needs privacy.cashier in the site file, which is off
  | judge: cashier
  |        ^`)
	f(policy(`scores: '1'`, `prior: 2`, `evidence: [{name: a theft, if: '1', weight: mighty}]`), `
p.yaml:3:1: the policy: unknown key "scores"; did you mean score?
  | scores: '1'
  | ^
p.yaml:4:8: prior must be between 0 and 1, it is 2
  | prior: 2
  |        ^
p.yaml:5:19: nothing that is shown or sent may say theft; say what was seen instead
  | evidence: [{name: a theft, if: '1', weight: mighty}]
  |                   ^
p.yaml:5:45: weight: unknown word "mighty"; possible are weak, moderate, strong, very strong
  | evidence: [{name: a theft, if: '1', weight: mighty}]
  |                                             ^`)
	f("policy: p\ntitle: t\nscore: '1'\nalert: {tiers: {review: 0.5, staff: 0.4, gate: cost}, message: 'by {{ thief }}', to: {log: [a]}}\n", `
p.yaml:4:37: tiers: staff must lie above review, which is 0.5
  | alert: {tiers: {review: 0.5, staff: 0.4, gate: cost}, message: 'by {{ thief }}', to: {log: [a]}}
  |                                     ^
p.yaml:4:48: only staff: may be cost; give gate a score between 0 and 1
  | alert: {tiers: {review: 0.5, staff: 0.4, gate: cost}, message: 'by {{ thief }}', to: {log: [a]}}
  |                                                ^
p.yaml:4:64: nothing that is shown or sent may say thief; say what was seen instead
  | alert: {tiers: {review: 0.5, staff: 0.4, gate: cost}, message: 'by {{ thief }}', to: {log: [a]}}
  |                                                                ^
p.yaml:4:68: unknown word "thief" in a message; possible are count, item, items, value, zone, till, action
  | alert: {tiers: {review: 0.5, staff: 0.4, gate: cost}, message: 'by {{ thief }}', to: {log: [a]}}
  |                                                                    ^
p.yaml:4:87: to: the policy has no tier log
  | alert: {tiers: {review: 0.5, staff: 0.4, gate: cost}, message: 'by {{ thief }}', to: {log: [a]}}
  |                                                                                       ^`)
	f("policy: p\n  title: 3\n", `
p.yaml:2:1: not YAML: mapping values are not allowed in this context
  |   title: 3
  | ^`)
}

// TestErrorsPlaceThroughQuotes maps a place in an expression through YAML's quoting and folding.
func TestErrorsPlaceThroughQuotes(t *testing.T) {
	f := func(scalar string, line, col int) {
		t.Helper()
		_, err := tryLoad(Options{}, "p.yaml", "policy: p\ntitle: t\nalert: {tiers: {review: 0.3}}\nscore: "+scalar+"\n")
		all, ok := err.(strict.Errors)
		if !ok || len(all) != 1 {
			t.Errorf("%s: got %v", scalar, err)
			return
		}
		if all[0].Line != line || all[0].Col != col {
			t.Errorf("%s: got %d:%d, want %d:%d", scalar, all[0].Line, all[0].Col, line, col)
		}
	}
	f(`'1 + nope'`, 4, 13)
	f(`'with(''é'') + nope'`, 4, 23)
	f(`"with(\"a\") + nope"`, 4, 23)
	f(`1 + nope`, 4, 12)
	f("'1 +\n    nope'", 5, 5)
	f("'1\n\n\n   + nope'", 7, 6)
	f("|\n  1 +\n  nope", 6, 3)
	f(">\n  1 +\n  2 + nope", 6, 7)
	f(">-\n\n  1 +\n  2 + nope", 7, 7)
}

func TestExpressionsAreBounded(t *testing.T) {
	f := func(expr, want string) {
		t.Helper()
		_, err := tryLoad(Options{}, "p.yaml", scoring(expr))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s…: got %.300v, want %q", expr, err, want)
		}
	}
	f("1"+strings.Repeat(" + 1", 250), "more than 500 nodes; split it")
	f("1"+strings.Repeat(" + 1", 3000), "more than 500 nodes; split it")
	f(strings.Repeat("(", 20000), "the expression is 20000 bytes long; at most 16384 are allowed: split it")
	f(strings.Repeat("(", 16000), "the expression ends before its ( is closed")
	// Each level of a chained comparison doubles what is inside it.
	f(strings.Repeat("(1 < ", 40)+"1"+strings.Repeat(" < 2 ? 1 : 0)", 40), "more than 500 nodes; split it")
	var many []string
	for _, k := range []string{"picked", "putback", "scanned", "voided", "refunded"} {
		for _, w := range []string{"1s", "2s", "3s", "4s", "5s", "6s", "7s"} {
			many = append(many, "count("+k+`("any"), "`+w+`")`)
		}
	}
	f(strings.Join(many, " + "), "the expression reads 35 operands; at most 32 are allowed: split it")
}

// TestSyntaxErrorsOfPolicies: what is not YAML in the middle of a policy is said where it is.
func TestSyntaxErrorsOfPolicies(t *testing.T) {
	f := func(evidence, want string) {
		t.Helper()
		_, err := tryLoad(Options{}, "a.yaml", "# What this is.\npolicy: a\ntitle: t\nprior: 0.002\nevidence:\n"+evidence+"alert: {tiers: {review: 0.3}}\n")
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\n%v\nwant %s", evidence, err, want)
		}
	}
	f("  - {name: a, if: 'true', weight: weak}\n  - {name: b, if: 'true', weight: weak\n", "a.yaml:7:1: not YAML: did not find expected ',' or '}' before line 8")
	f("  - {name: a, if: 'signal('x')', weight: weak}\n", "a.yaml:6:1: not YAML: did not find expected ',' or '}'")
	f("  - name: a\n    if 'true'\n    weight: weak\n", "a.yaml:7:1: not YAML: could not find expected ':'")
	f("  - {name: a, if: 'true', weight: weak}\n\t- {name: b}\n", "a.yaml:7:1: not YAML: a tab stands here")
	f("  - {name: a, if: 'true, weight: weak}\n", "a.yaml:6:1: not YAML: found unexpected end of stream: close the quote that opens here")
	f("  - name: a\n    if: 'true'\n   weight: weak\n", "a.yaml:8:1: not YAML: did not find expected '-' indicator")
	f("  - {name: a, if: 'true', weight: weak}\nevidence: []\n", `a.yaml:7:1: the policy: "evidence" is given twice; keep one`)
}

// TestErrorsOfAllFilesComeAtOnce also holds the words for common.yaml.
func TestErrorsOfAllFilesComeAtOnce(t *testing.T) {
	_, err := tryLoad(Options{Overrides: map[string]Override{"b": {File: "shop/site.yaml", Line: 28, Col: 24,
		Code: "policies: {overrides: {b: {mode: loud, params: {flor: 3}}}}", Mode: "loud", Params: map[string]any{"flor": 3.0}}}},
		"common.yaml", "lists:\n  any: {category: x}\n  cheap: {max_pric: 3}\n  watch: {skus: [071142008582]}\nmacros:\n  late: 'between(\"21:00\", \"6\")'\n  min: '1'\n  a: 'b + 1'\n  b: 'a + 1'\n",
		"a.yaml", scoring("late ? 1 : 0"),
		"b.yaml", "policy: b\ntitle: t\nparams: {floor: 3}\nscore: 'floor'\nalert: {tiers: {review: 0.3}}\n",
		"c.yaml", scoring("2"))
	wantErrors(t, err, `
c.yaml:1:1: the policy p is already in a.yaml; give each its own id
  | policy: p
  | ^
common.yaml:2:3: a list cannot be named "any", which stands for itself; choose another name
  |   any: {category: x}
  |   ^
common.yaml:3:11: the list cheap: unknown key "max_pric"; did you mean max_price?
  |   cheap: {max_pric: 3}
  |           ^
common.yaml:4:18: a SKU must be in quotes, or YAML reads it as a number; write "071142008582"
  |   watch: {skus: [071142008582]}
  |                  ^
common.yaml:6:27: "6" is no time of day; write "21:00"
  |   late: 'between("21:00", "6")'
  |                           ^
common.yaml:7:3: the macro min has the name of a function; choose another
  |   min: '1'
  |   ^
common.yaml:8:7: the macro b uses itself
  |   a: 'b + 1'
  |       ^
common.yaml:9:7: the macro a uses itself
  |   b: 'a + 1'
  |       ^
shop/site.yaml:28:24: the site overrides the param flor of b, which has none of that name; did you mean floor?
  | policies: {overrides: {b: {mode: loud, params: {flor: 3}}}}
  |                        ^
shop/site.yaml:28:24: the site gives b the mode "loud"; possible are live, shadow, off
  | policies: {overrides: {b: {mode: loud, params: {flor: 3}}}}
  |                        ^`)
}

// TestOverridesElsewhere: a set to try need not have every policy that the site overrides.
func TestOverridesElsewhere(t *testing.T) {
	over := map[string]Override{"gone": {File: "site.yaml", Line: 3, Col: 7, Mode: "shadow"}}
	if _, err := tryLoad(Options{Overrides: over}, "p.yaml", scoring("1")); err == nil {
		t.Error("the site's own set lacks a policy that the site overrides, and nothing was said")
	}
	set, err := tryLoad(Options{Overrides: over, Elsewhere: true}, "p.yaml", scoring("1"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "site.yaml:3:7: policies.overrides names the policy gone, which is not in this set"; !slices.Contains(set.Warnings, want) {
		t.Errorf("warnings %q, want %q", set.Warnings, want)
	}
}

// TestSyntaxErrorsSayWhatToDo: what the parser cannot read is told with what to do about it.
func TestSyntaxErrorsSayWhatToDo(t *testing.T) {
	for expr, want := range map[string]string{
		`picked "any")`:        `unexpected "any"; a bracket, or an operator such as and, > or +, is missing before it`,
		`staff() and`:          "the expression ends too early: something is missing behind its last word",
		`(staff()`:             "the expression ends before its ( is closed: add a )",
		``:                     "the expression is empty: write one, such as 'staff() >= 0.5'",
		`staff() ? 1`:          "the expression ends after ? and has no : with what it is otherwise",
		`staff() = 1 ? 1 : 0`:  "= is not part of the language; write == to compare",
		`staff() > 0,5`:        "unexpected ,; a number has a decimal point, as in 0.5, and arguments stand in a function's brackets",
		`staff())`:             "this closes nothing: take it out, or open what it closes",
		`picked("razors) > 1`:  "a text is not closed: end it with the quote that it begins with",
		`staff() > £20`:        "unrecognized character: U+00A3 '£'; a number has no currency or unit: write 20",
		`staff() AND staff()`:  "unknown word AND; write and",
		`near("exit") == True`: "unknown name True; write true",
	} {
		_, err := tryLoad(Options{}, "p.yaml", scoring(expr))
		if err == nil || !strings.Contains(err.Error(), ": "+want+"\n") {
			t.Errorf("%s:\n%v\nwant %s", expr, err, want)
		}
	}
}

// TestOtherEndings: a policy whose file ends in .yml is told, and not left out.
func TestOtherEndings(t *testing.T) {
	_, err := tryLoad(Options{}, "p.yml", scoring("staff()"))
	if err == nil || !strings.HasPrefix(err.Error(), "p.yml:1:1: the files of a set of policies end in .yaml") {
		t.Errorf("%v", err)
	}
}

// TestNoShare: money or seconds where a number from 0 to 1 is wanted are warned of, and not where they are made one.
func TestNoShare(t *testing.T) {
	for expr, want := range map[string]string{
		`unpaid_value()`:                   "this is money",
		`dwell("aisle") - 20`:              "this is seconds",
		`clamp(dwell("aisle") / 60, 0, 1)`: "",
		`dwell("aisle") > 60`:              "",
		`picked("any")`:                    "",
	} {
		for _, text := range []string{scoring(expr), policy("prior: 0.1", "evidence:", "  - {name: a, if: '"+expr+"', weight: weak}")} {
			set := load(t, Options{}, "p.yaml", text)
			got := strings.Join(set.Warnings, "\n")
			if warned := strings.Contains(got, "a number from 0 to 1 is wanted and "); warned != (want != "") || !strings.Contains(got, want) {
				t.Errorf("%s: %s", expr, got)
			}
		}
	}
}

// TestNothingLoadsThatCannotBeMeant: what could never be named, never be so, or would mean anything.
func TestNothingLoadsThatCannotBeMeant(t *testing.T) {
	params := func(p string) string { return policy("params: {"+p+"}", "score: '0.5'") }
	for _, x := range []struct{ common, text, want string }{
		{"", params("few: .nan"), "the param few must be a number, a text or true or false, not"},
		{"", params("few: -.inf"), "the param few must be a number"},
		{"", params(`"a b": 1`), `the param "a b" must be a word of letters, digits and _, and none of the language`},
		{"", params("and: 1"), `the param "and" must be a word`},
		{"macros: {true: '1'}", scoring("0.5"), `the macro "true" must be a word`},
		{"lists: {dear: {category: []}}", scoring("0.5"), "the list dear: category is empty, so that nothing could be in the list"},
		{"", scoring("weekday() in [] ? 1 : 0"), "the list behind in is empty"},
		{"", scoring(`between("09:00", "09:00") ? 1 : 0`), "this is never true: it ends when it begins"},
		{"", scoring(`count(picked("any"), "1ns")`), "a window is at least 1ms"},
		{"", "policy: p\ntitle: Uses {{ nonsense }} here\nscore: '0.5'\nalert: {tiers: {review: 0.3}}\n", "nonsense"},
	} {
		files := []string{"p.yaml", x.text}
		if x.common != "" {
			files = append(files, "common.yaml", x.common)
		}
		if _, err := tryLoad(Options{}, files...); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s%s: %v, want %s", x.common, x.text, err, x.want)
		}
	}
	set := load(t, Options{}, "p.yaml", scoring("weekday() in [0, 7] ? 1 : 0"))
	if got := strings.Join(set.Warnings, "\n"); !strings.Contains(got, "p.yaml:3:23: this is never so: the number before in lies between 1 and 7") {
		t.Errorf("warned of %s", got)
	}
	set = load(t, Options{}, "p.yaml", policy("prior: 0.1", `evidence: [{name: waits, if: 'absent(scanned("any"), picked("any"), "60s")', weight: strong, half_life: 10s}]`))
	if got := strings.Join(set.Warnings, "\n"); !strings.Contains(got, `half_life counts from the newest fact behind the evidence "waits"`) {
		t.Errorf("warned of %s", got)
	}
	set = load(t, Options{}, "p.yaml", policy("when: 'hour() in [24, 25] and open()'", "score: '0.9'"))
	if len(set.Refused()) != 1 || !strings.Contains(set.Refused()[0].Error(), "when can never be true") {
		t.Errorf("a policy that is never judged: %v", set.Refused())
	}
}
