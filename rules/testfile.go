package rules

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// TestFile is one *_test.yaml: recordings in the contract's notation and what is expected of them.
type TestFile struct {
	File  string   // as given to ParseTest
	Site  string   // path of the site file, relative to the test file
	Live  []string // ids of policies that are live here, whatever their files say
	Tests []Test

	LiveLine, LiveCol int
}

// Test is one recording and its expectations.
type Test struct {
	Name   string
	Line   int    // of its name
	Start  string // local time, "" for the notation's own start
	Events string
	// EventsLine is the line in the file on which Events begins: an error in line n of Events is in line EventsLine+n−1.
	EventsLine int
	EventsCol  int // columns before each line of Events
	Staff      []string
	Expect     []Expect
}

// Expect is one expectation: of the alerts that stand at At for the person and policy named, if any.
type Expect struct {
	File      string
	Line, Col int

	At          string        // a time such as 21s, or end
	Offset      time.Duration // At since the test's start; meaningless at the end
	Provisional bool          // what was known on arrival at At, else the final state with the watermark at At
	State       string        // confirmed, provisional, ""

	Alert    string // true, false, never, retracted
	Policy   string
	Person   string
	Tier     string
	CappedBy string // require, person, budget; "" with capped_by: null
	Score    string // as written, ">= 0.6"
	Items    []ExpectItem
	To       []string
	Evidence []string

	hasItems, hasTo, hasCapped bool

	score bound
}

// ExpectItem is one line of goods that the alert must list.
type ExpectItem struct {
	SKU   string // GTIN-14
	Count int    // 0: any
}

// End reports whether the expectation is about the end of the recording.
func (e *Expect) End() bool { return e.At == "end" }

// ParseTest reads a test file strictly; name stands in its errors, which come all at once as strict.Errors.
func ParseTest(name string, data []byte) (*TestFile, error) {
	f, root := parse(name, data, "site and tests")
	t := &TestFile{File: name}
	if root != nil {
		o := f.Mapping(root, "the test file", keys(TestMembers)...)
		t.Site = f.Text(o.Need("site", "write site: and the path of a site file"), "site")
		if n := o.Get("live"); n != nil {
			t.Live, t.LiveLine, t.LiveCol = f.Texts(n, "live"), n.Line, n.Column
		}
		list := o.Need("tests", "write tests: and a list")
		names := map[string]bool{}
		for _, n := range f.List(list, "tests") {
			c := f.test(n)
			if names[c.Name] && c.Name != "" {
				f.Fail(n, "the test %s is there twice; give each its own name", quote(c.Name))
			}
			names[c.Name] = true
			t.Tests = append(t.Tests, c)
		}
	}
	return t, f.Errors.Err()
}

func (f *file) test(n *yaml.Node) Test {
	o := f.Mapping(n, "the test", keys(testMembers)...)
	t := Test{Name: f.Text(o.Need("name", "say what happens"), "name"), Line: n.Line}
	if s := o.Get("start"); s != nil {
		if t.Start = s.Value; s.Kind != yaml.ScalarNode || !isLocal(s.Value) {
			f.Fail(s, "start wants a local time such as 2026-11-20T22:30:00, not %s", strict.Shape(s))
		}
	}
	if e := o.Need("events", "write events: | and one event a line"); e != nil {
		t.Events = f.Text(e, "events")
		t.EventsLine, t.EventsCol = e.Line, e.Column-1
		if e.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			line, col := f.place(e, 0)
			t.EventsLine, t.EventsCol = line, col-1
		}
	}
	t.Staff = f.Texts(o.Get("staff"), "staff")
	list := o.Need("expect", "write expect: and a list")
	nodes := f.List(list, "expect")
	if list != nil && list.Kind == yaml.SequenceNode && len(nodes) == 0 {
		f.Fail(list, "expect is empty; a test that expects nothing proves nothing")
	}
	for _, c := range nodes {
		t.Expect = append(t.Expect, f.expect(c))
	}
	return t
}

func isLocal(s string) bool {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

func (f *file) expect(n *yaml.Node) Expect {
	o := f.Mapping(n, "expect", keys(expectMembers)...)
	e := Expect{File: f.Name, Line: n.Line, Col: n.Column}
	if at := o.Need("at", "write at: 21s or at: end"); at != nil {
		e.At = at.Value
		if !e.End() {
			d, err := time.ParseDuration(e.At)
			if err != nil || d < 0 {
				f.Fail(at, "at wants a time since the start such as 21s, or end, not %s", strict.Shape(at))
			}
			e.Offset = d
		}
	}
	e.Alert = "true"
	if a := o.Get("alert"); a != nil {
		if e.Alert = a.Value; a.Kind != yaml.ScalarNode || !slices.Contains(expectAlerts, e.Alert) {
			f.Fail(a, "alert: unknown word %s; %s", quote(a.Value), strict.Suggest(a.Value, expectAlerts))
		}
	}
	e.Policy = f.Text(o.Get("policy"), "policy")
	e.Person = f.Text(o.Get("person"), "person")
	e.State = f.Word(o.Get("state"), "state", names(member(expectMembers, "state").Words)...)
	e.Provisional = e.State == "provisional"
	e.Tier = f.Word(o.Get("tier"), "tier", Tiers[:]...)
	if c := o.Get("capped_by"); c != nil {
		if e.hasCapped = true; !strict.IsNull(c) {
			e.CappedBy = f.Word(c, "capped_by", "require", "person", "budget", "null")
		}
	}
	e.To, e.hasTo = f.Texts(o.Get("to"), "to"), o.Get("to") != nil
	e.Evidence = f.Texts(o.Get("evidence"), "evidence")
	if s := o.Get("score"); s != nil {
		e.Score = s.Value
		var ok bool
		if e.score, ok = parseBound(s.Value); !ok || s.Kind != yaml.ScalarNode {
			f.Fail(s, `score wants a comparison such as ">= 0.6", not %s`, strict.Shape(s))
		}
	}
	if items := o.Get("items"); items != nil {
		e.hasItems = true
		e.Items = f.items(items)
	}
	if e.Alert == "false" || e.Alert == "never" {
		for _, key := range []string{"tier", "capped_by", "items", "to", "evidence"} {
			if m := o.Get(key); m != nil {
				f.Fail(m, "%s says something of an alert, and alert: %s says that there is none", key, e.Alert)
			}
		}
	}
	return e
}

var expectAlerts = names(expectAlertWords)

// items reads ["071…"] or {"071…": 2}.
func (f *file) items(n *yaml.Node) []ExpectItem {
	var all []ExpectItem
	add := func(n *yaml.Node, count int) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || !isSKU(n.Value) {
			f.Fail(n, `items wants SKUs in quotes, not %s`, strict.Shape(n))
			return
		}
		all = append(all, ExpectItem{fusion.GTIN14(n.Value), count})
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			c, err := strconv.Atoi(n.Content[i+1].Value)
			if err != nil || c < 1 {
				f.Fail(n.Content[i+1], "items wants how many there are, not %s", strict.Shape(n.Content[i+1]))
			}
			add(n.Content[i], c)
		}
		return all
	}
	for _, c := range f.List(n, "items") {
		add(c, 0)
	}
	return all
}

// bound is a comparison with a constant.
type bound struct {
	op string
	to float64
}

func parseBound(s string) (bound, bool) {
	s = strings.TrimSpace(s)
	for _, op := range []string{">=", "<=", "==", ">", "<"} {
		if rest, ok := strings.CutPrefix(s, op); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return bound{op, v}, err == nil && v >= 0 && v <= 1
		}
	}
	return bound{}, false
}

// holds compares what outputs show, four decimals.
func (b bound) holds(v float64) bool {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'f', 4, 64), 64)
	switch b.op {
	case ">=":
		return v >= b.to
	case "<=":
		return v <= b.to
	case ">":
		return v > b.to
	case "<":
		return v < b.to
	}
	return v == b.to
}
