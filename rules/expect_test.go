package rules

import (
	"strings"
	"testing"
)

func TestTestFilesAreStrict(t *testing.T) {
	_, err := ParseTest("x_test.yaml", []byte(`site: s.yaml
tests:
  - name: a
    start: tomorrow
    event: x
    expect:
      - {at: soon, alert: perhaps, score: "0.6", tier: high}
      - {at: end, alert: false, items: ["1"], state: closed}
      - {alert: true, items: [3]}
      - {at: end, alert: never, capped_by: require}
      - {at: end, capped_by: coverage}
  - {name: a, events: "1s off x", expect: []}
`))
	wantErrors(t, err, `
x_test.yaml:3:5: the test: events is missing; write events: | and one event a line
  |   - name: a
  |     ^
x_test.yaml:4:12: start wants a local time such as 2026-11-20T22:30:00, not the text "tomorrow"
  |     start: tomorrow
  |            ^
x_test.yaml:5:5: the test: unknown key "event"; did you mean events?
  |     event: x
  |     ^
x_test.yaml:7:14: at wants a time since the start such as 21s, or end, not the text "soon"
  |       - {at: soon, alert: perhaps, score: "0.6", tier: high}
  |              ^
x_test.yaml:7:27: alert: unknown word "perhaps"; possible are true, false, never, retracted
  |       - {at: soon, alert: perhaps, score: "0.6", tier: high}
  |                           ^
x_test.yaml:7:43: score wants a comparison such as ">= 0.6", not the text "0.6"
  |       - {at: soon, alert: perhaps, score: "0.6", tier: high}
  |                                           ^
x_test.yaml:7:56: tier: unknown word "high"; possible are log, review, staff, gate
  |       - {at: soon, alert: perhaps, score: "0.6", tier: high}
  |                                                        ^
x_test.yaml:8:40: items says something of an alert, and alert: false says that there is none
  |       - {at: end, alert: false, items: ["1"], state: closed}
  |                                        ^
x_test.yaml:8:54: state: unknown word "closed"; possible are confirmed, provisional
  |       - {at: end, alert: false, items: ["1"], state: closed}
  |                                                      ^
x_test.yaml:9:9: expect: at is missing; write at: 21s or at: end
  |       - {alert: true, items: [3]}
  |         ^
x_test.yaml:9:31: items wants SKUs in quotes, not the value 3
  |       - {alert: true, items: [3]}
  |                               ^
x_test.yaml:10:44: capped_by says something of an alert, and alert: never says that there is none
  |       - {at: end, alert: never, capped_by: require}
  |                                            ^
x_test.yaml:11:30: capped_by: unknown word "coverage"; possible are require, person, budget, null
  |       - {at: end, capped_by: coverage}
  |                              ^
x_test.yaml:12:5: the test "a" is there twice; give each its own name
  |   - {name: a, events: "1s off x", expect: []}
  |     ^
x_test.yaml:12:43: expect is empty; a test that expects nothing proves nothing
  |   - {name: a, events: "1s off x", expect: []}
  |                                           ^`)
}

// TestExpectations judges outcomes by every member of an expectation.
func TestExpectations(t *testing.T) {
	standing := SeenAlert{ID: "alr_1", State: "updated", Persons: []string{"A"}, Policies: map[string]float64{"p": 0.61, "q": 0.7}, Score: 0.7,
		Tier: "staff", Items: []SeenItem{{"071142008582", 2}}, To: []string{"floor", "lp-desk"}, Evidence: []string{"goods not paid for"}}
	gone := standing
	gone.State = "retracted"
	f := func(expect string, seen []SeenAlert, scores []SeenScore, want string) {
		t.Helper()
		file, err := ParseTest("x_test.yaml", []byte("site: s\ntests:\n  - name: a\n    events: '1s off x'\n    expect:\n      - {at: end, "+expect+"}\n"))
		if err != nil {
			t.Error(err)
			return
		}
		err = file.Tests[0].Expect[0].Check(Outcome{Alerts: seen, Scores: scores})
		switch {
		case err == nil && want != "":
			t.Errorf("%s: holds, want %q", expect, want)
		case err != nil && (want == "" || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %q, want %q", expect, err, want)
		}
	}
	one, none := []SeenAlert{standing}, []SeenAlert(nil)
	f("alert: true", one, nil, "")
	f("alert: true", none, nil, "x_test.yaml:6:9: at end: wanted an alert, there was no alert")
	f("alert: true", []SeenAlert{gone}, nil, "wanted an alert, there was retracted alr_1, score 0.7000, tier staff, of A, p 0.6100, q 0.7000, items [2 × 00071142008582], because of goods not paid for")
	f("person: B, alert: true", one, nil, "wanted an alert for B")
	f("person: B, alert: false", one, nil, "")
	f("policy: r, alert: never", one, nil, "")
	f("policy: p, alert: false", one, nil, "wanted no alert by p")
	f("alert: false", []SeenAlert{gone}, nil, "")
	f("alert: never", []SeenAlert{gone}, nil, "wanted no alert ever")
	f("alert: retracted", []SeenAlert{gone}, nil, "")
	f("alert: retracted", one, nil, "wanted a retracted alert")
	f(`score: ">= 0.7"`, one, nil, "")
	f(`policy: p, score: ">= 0.7"`, one, nil, "wanted score >= 0.7 by p")
	f(`policy: p, score: "== 0.61", tier: staff, to: [lp-desk, floor], items: ["71142008582"], evidence: [goods not paid for]`, one, nil, "")
	f(`tier: gate`, one, nil, "wanted tier gate")
	f(`items: {"071142008582": 2}`, one, nil, "")
	f(`items: {"071142008582": 3}`, one, nil, "wanted items [3 × 00071142008582]")
	f(`items: []`, one, nil, "wanted items []")
	f(`to: [floor]`, one, nil, "wanted to [floor]")
	f(`evidence: [staff]`, one, nil, `wanted evidence "staff"`)
	held := standing
	held.Tier, held.CappedBy = "review", "require"
	f(`tier: review, capped_by: require`, []SeenAlert{held}, nil, "")
	f(`capped_by: person`, []SeenAlert{held}, nil, "wanted capped_by person, there was updated alr_1, score 0.7000, tier review, capped by require, of A")
	f(`capped_by: null`, []SeenAlert{held}, nil, "wanted capped_by null, there was")
	f(`capped_by: null`, one, nil, "")
	f(`capped_by: budget`, one, nil, "wanted capped_by budget")
	f(`tier: gate`, []SeenAlert{standing, {ID: "alr_2", State: "confirmed", Tier: "gate"}}, nil, "")
	low := []SeenScore{{Persons: []string{"A"}, Policy: "p", Score: 0.4}}
	f(`alert: false, score: "< 0.5"`, none, low, "")
	f(`alert: false, person: A, score: "< 0.3"`, none, low, "wanted score < 0.3 for A, there was 0.4000 by p")
	f(`alert: false, person: B, score: "< 0.3"`, none, low, "")
}

// TestRetractedIsHeldToItsWords: what a test says of an alert that was taken back must be so.
func TestRetractedIsHeldToItsWords(t *testing.T) {
	f, err := ParseTest("x_test.yaml", []byte(`site: s.yaml
tests:
  - name: a
    events: 1s off x
    expect:
      - {at: end, alert: retracted, tier: review, score: ">= 0.3"}
      - {at: end, alert: retracted, tier: gate}
      - {at: end, alert: retracted, score: ">= 0.9"}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "tier gate", "score >= 0.9"} {
		err := f.Tests[0].Expect[i].Check(Outcome{Alerts: []SeenAlert{{State: "retracted", Tier: "review", Score: 0.4}}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d: %v, want %s", i, err, want)
		}
	}
}
