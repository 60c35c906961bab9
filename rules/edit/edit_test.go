package edit

import (
	"slices"
	"strings"
	"testing"

	"magpie/fusion"
)

func store() *fusion.Store {
	s := &fusion.Store{ID: "s", Currency: "GBP",
		Zones:    []fusion.Zone{{ID: "door", Kind: fusion.Exit}, {ID: "in", Kind: fusion.Entrance}},
		Products: []fusion.Product{{SKU: "00012345678905", Written: "012345678905", Name: "Razor blades", Category: "razor-blades", Price: 2450}},
		Sources:  []fusion.Source{{ID: "sco-1", Kind: fusion.TillKind}, {ID: "r-door", Kind: fusion.RFID}}}
	s.Index()
	return s
}

const common = "lists:\n  razors: {category: razor-blades}\nmacros:\n  late: 'between(\"21:00\", \"06:00\")'\n"

// folder is one with a file whose text has a ‸ at the place that is asked about.
func folder(file, text string) (*Folder, int) {
	at := strings.Index(text, "‸")
	f := &Folder{Texts: map[string]string{Common: common, "gone.yaml": "policy: gone\ntitle: Goods leave\nevidence:\n  - {name: not paid, if: '1', weight: weak}\n"},
		Store: store(), Outputs: []string{"floor"}}
	f.Texts[file] = strings.Replace(text, "‸", "", 1)
	return f, at
}

// TestComplete: what may stand where the ‸ is; a word with ! must not.
func TestComplete(t *testing.T) {
	f := func(file, text string, want ...string) {
		t.Helper()
		d, at := folder(file, text)
		got := map[string]string{}
		for _, i := range d.Complete(file, at) {
			got[i.Label] = d.Texts[file][:i.From] + i.Insert
		}
		for _, w := range want {
			label, line, _ := strings.Cut(w, " → ")
			inserted, has := got[strings.TrimPrefix(label, "!")]
			switch {
			case has == strings.HasPrefix(label, "!"):
				t.Errorf("%q: %s: %t, among %d", text, label, has, len(got))
			case line != "" && !strings.HasSuffix(inserted, line):
				t.Errorf("%q: %s gives %q, want %q", text, label, inserted, line)
			}
		}
	}
	const p = "p.yaml"
	f(p, "‸", "policy → policy: ", "alert", "!tests", "!lists")
	f(p, "policy: p\nju‸", "judge → \njudge: ", "!policy")
	f(p, "policy: p\nju‸: visit\n", "judge → \njudge")
	f(p, "prior: 0.1\n‸\nalert: {}\n", "evidence", "!score", "!alert", "!prior")
	f(p, "mode: ‸", "live", "shadow → mode: shadow", "!judge")
	f(p, "needs: [‸", "weight", "track")
	f(p, "needs: [weight@‸", "exit → weight@exit", "!track")
	f(p, "evidence:\n  - {name: a, ‸", "if", "weight → {name: a, weight: ", "!name")
	f(p, "evidence:\n  - ‸", "name → - name: ", "if")
	f(p, "evidence:\n  - {name: a, weight: ‸", "very strong")
	f(p, "evidence:\n  - {name: a, weight: weak, ‸", "!clears", "!lr", "group")
	f(p, "evidence:\n  - {name: a, group: basket}\n  - {name: b, group: ‸", "basket")
	f(p, "params: {floor: 1}\nwhen: 'ex‸'\n", "exited(place) → when: 'exited(", "late", "floor", "not", "staff() → when: 'staff()")
	f(p, "when: 'exited(‸'", `exit → exited("exit"`, `id:door → "id:door"`, "!late", "!staff()")
	f(p, `when: 'exited("‸`, `exit → exited("exit`)
	f(p, `when: 'exited("e‸")'`, `exit → exited("exit`)
	f(p, `when: 'seen("‸`, "rfid", "!exit")
	f(p, `when: 'seen("rfid", "‸`, "exit", "!rfid")
	f(p, `when: 'picked("‸`, "razors", "any", `012345678905 → picked("012345678905`)
	f(p, `when: 'absent(‸`, "scanned(goods)", "!staff()", "!exit")
	f(p, `when: 'absent(scanned("any"), picked("any"), "‸`, "10m", "!any")
	f(p, `when: 'sequence(picked("any"), refunded("any"), ‸`, `10m → "10m"`, "refunded(goods)")
	f(p, `when: 'path("entrance > ‸`, "exit → entrance > exit")
	f(p, "score: 'min(‸", "picked(goods)", "late")
	f(p, "score: >-\n  1 +\n  ‸", "p_unpaid()")
	f(p, "alert: {tiers: {log: 0.1, ‸", "review", "!log", "!to")
	f(p, "alert: {tiers: {staff: ‸", "cost")
	f(p, "alert: {to: {staff: [‸", "floor")
	f(p, "alert: {action: ‸", "offer help")
	f(p, "alert: {message: '{{ z‸", "zone → '{{ zone")
	f(p, "alert:\n  message: 'x'\n  ‸\n", "tiers", "!message")
	f(p, "judge: store\nscore: 'alerted(\"‸", "gone")
	f(p, "judge: store\nscore: 'alerted(\"gone\", \"‸", "review", "!gone")
	f(Common, "‸", "lists", "macros", "!policy")
	f(Common, "lists:\n  dear: {‸", "min_price", "category")
	f(Common, "lists:\n  dear: {category: ‸", "razor-blades")
	f(Common, "lists:\n  dear: {skus: [‸", `012345678905 → skus: ["012345678905"`)
	f(Common, "macros:\n  a: 'pic‸", "picked(goods)")
	const test = "p_test.yaml"
	f(test, "si‸", "site", "tests", "!policy")
	f(test, "tests:\n  - name: x\n    ‸", "events", "expect", "!name")
	f(test, "tests:\n  - name: x\n    events: |\n      0s..4s wa‸", "walk")
	f(test, "tests:\n  - name: x\n    events: |\n      0s..4s walk A 1,1 > 2,2\n      5s pick ‸", "A", "!walk")
	f(test, "tests:\n  - name: x\n    events: |\n      5s pick A ‸", "razors", "012345678905")
	f(test, "tests:\n  - name: x\n    events: |\n      5s scan ‸", "sco-1", "!r-door")
	f(test, "tests:\n  - name: x\n    expect: [{at: end, policy: ‸", "gone")
	f(test, "tests:\n  - name: x\n    expect: [{at: end, evidence: [‸", "not paid")
	f(test, "tests:\n  - name: x\n    expect: [{alert: ‸", "never")
}

// TestHover: what the word behind the ‸ means, and where it is defined.
func TestHover(t *testing.T) {
	f := func(file, text, want, defined string) {
		t.Helper()
		d, at := folder(file, text)
		got, of := d.Hover(file, at)
		if !strings.Contains(got, want) || want == "" && got != "" || got != "" && (of.From > at || of.To <= at) {
			t.Errorf("%q: got %q at %+v, want %q", text, got, of, want)
		}
		where := ""
		if p, ok := d.Definition(file, at); ok {
			where = p.File + ": " + d.Texts[p.File][p.From:p.To]
		}
		if where != defined {
			t.Errorf("%q: defined at %q, want %q", text, where, defined)
		}
	}
	const p = "p.yaml"
	f(p, "ju‸dge: visit", "Whose events", "")
	f(p, "judge: vi‸sit", "one person's stay", "")
	f(p, "score: 'ex‸ited(\"exit\")'", "was not seen inside since", "")
	f(p, "score: 'exited(\"ex‸it\")'", "here door", "")
	f(p, "score: 'exited(\"id:‸door\")'", "the zone door", "")
	f(p, "score: 'picked(\"raz‸ors\")'", "{category: razor-blades}", "common.yaml: razors")
	f(p, "score: 'picked(\"012345678‸905\")'", "Razor blades, razor-blades, 24.50 GBP", "")
	f(p, "score: '1 + la‸te'", `between("21:00", "06:00")`, "common.yaml: late")
	f(p, "params:\n  floor: 3\nscore: '1 + flo‸or'", "param `floor`: 3", "p.yaml: floor")
	f(p, "params: {floor: 3}\nscore: '1 + flo‸or'", "param `floor`: 3", "p.yaml: floor")
	f(p, "score: 'alerted(\"go‸ne\", \"log\", \"any\")'", "Goods leave", "gone.yaml: gone")
	f(p, "score: 'path(\"entrance > ex‸it\", \"1m\")'", "where people go out", "")
	f(p, "needs: [weight@ex‸it]", "where people go out", "")
	f(p, "evidence:\n  - {name: a, if: 'nonsen‸se', weight: weak}", "", "")
	f(p, "titel: x‸y", "", "")
	f("p_test.yaml", "tests: [{expect: [{policy: go‸ne}]}]", "Goods leave", "gone.yaml: gone")
	f("p_test.yaml", "tests:\n  - events: |\n      0s..4s wa‸lk A 1,1", "constant speed", "")
	f("p_test.yaml", "tests:\n  - events: |\n      6s pick A raz‸ors", "category", "common.yaml: razors")
}

// FuzzFolder: nothing that is asked of any text, at any place, fails.
func FuzzFolder(f *testing.F) {
	f.Add("score: 'sequence(picked(\"any", 10)
	f.Add("tests:\n  - events: |\n      5s pick A ", 30)
	f.Add("params: {a: {b: 'c", 9)
	f.Fuzz(func(t *testing.T, text string, at int) {
		for _, file := range []string{"p.yaml", Common, "p_test.yaml"} {
			d, _ := folder(file, text)
			for _, i := range d.Complete(file, at) {
				if i.From < 0 || i.From > i.To || i.To > len(text) {
					t.Fatalf("%q at %d: %+v", text, at, i)
				}
			}
			d.Hover(file, at)
			if p, ok := d.Definition(file, at); ok && (p.From > p.To || p.To > len(d.Texts[p.File])) {
				t.Fatalf("%q at %d: %+v", text, at, p)
			}
		}
	})
}

// TestArguments: where more of the first argument may stand, one may be either.
func TestArguments(t *testing.T) {
	f := func(name string, at int, want ...string) {
		t.Helper()
		x, _ := function(name)
		var got []string
		for _, a := range arguments(&x, at) {
			got = append(got, a.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s, %d: %v, want %v", name, at, got, want)
		}
	}
	f("count", 0, "event")
	f("count", 1, "window")
	f("count", 2)
	f("sequence", 0, "event")
	f("sequence", 1, "event")
	f("sequence", 2, "event", "window")
	f("sequence", 5, "window")
	f("sequence", 6)
	f("zscore", 2, `"peers"|"self"`)
}
