package alerts

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

func ms(text string) int64 {
	t, err := time.Parse("15:04:05.000", text)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, 22, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).UnixNano()
}

// example is the alert of the contract's §5, its … filled in.
func example() *Alert {
	return &Alert{ID: "alr_0123456789abcdef", Rev: 1, Final: 1, State: Confirmed, Store: "s042", SubjectKind: "visit", SubjectID: "v_0123456789abcdef",
		Tracks: []string{"cam-1/17"}, Person: Person{P: 0.94, Others: []string{"v_fedcba9876543210"}, IsStaff: 0.01},
		Policies: []PolicyScore{{"unpaid-exit", "sha256:ab", 0.8693}}, Score: 0.8693, Tier: "staff",
		EventTime: ms("10:00:20.000"), At: ms("10:00:20.100"), RaisedAt: ms("10:00:23.200"), Zone: "door", Position: &[2]float64{4, 0.5},
		SeenLast: &Place{"door", ms("10:00:20.000")},
		Items:    []Item{{SKU: "071142008582", Count: 1, PUnpaid: 0.93, Value: 1.99}}, Value: 1.85, Objects: []string{"person", "bottle"},
		Evidence: []Evidence{
			{"goods not paid for", "basket", 6.217, 0.93, ms("10:00:05.000"), []string{"g1-s5-p11@1795341605000"}},
			{"tag moved through the gate", "rfid", 1.957, 0.85, ms("10:00:19.000"), []string{"r-door@1795341619000"}},
			{"one of us", "", -0.067, 0.01, ms("10:00:20.000"), nil}},
		Missing: []string{"till coverage"}, Message: "door: 1 × Taco sauce not paid?", Action: "offer help", Why: "one line in plain words",
		Still: "stills/1.jpg", Clip: "clips/1.mp4", SiteHash: "sha256:cd", ModelHash: "sha256:ef"}
}

// The contract's own bytes, without the line breaks that are there for the page.
const exampleLine = `{"id":"alr_0123456789abcdef","event_id":"alr_0123456789abcdef","rev":1,"final":1,"state":"confirmed","type":"potential_theft","store":"s042","subject":{"kind":"visit","id":"v_0123456789abcdef"},` +
	`"tracks":["cam-1/17"],"person":{"p":0.94,"others":["v_fedcba9876543210"],"is_staff":0.01},"policies":[{"policy":"unpaid-exit","hash":"sha256:ab","score":0.8693}],` +
	`"score":0.8693,"tier":"staff","capped_by":null,"event_time":"2026-11-22T10:00:20.000Z","at":"2026-11-22T10:00:20.100Z","raised_at":"2026-11-22T10:00:23.200Z","expires_at":"2026-11-22T10:03:20.000Z","zone":"door","position":[4,0.5],` +
	`"seen_last":{"zone":"door","at":"2026-11-22T10:00:20.000Z"},"transaction":null,` +
	`"items":[{"sku":"071142008582","epc":null,"count":1,"p_unpaid":0.93,"value":1.99}],"value":1.85,"objects":["person","bottle"],` +
	`"evidence":[{"name":"goods not paid for","group":"basket","logodds":6.217,"quality":0.93,"at":"2026-11-22T10:00:05.000Z","events":["g1-s5-p11@1795341605000"]},` +
	`{"name":"tag moved through the gate","group":"rfid","logodds":1.957,"quality":0.85,"at":"2026-11-22T10:00:19.000Z","events":["r-door@1795341619000"]},{"name":"one of us","logodds":-0.067,"quality":0.01,"at":"2026-11-22T10:00:20.000Z","events":[]}],"missing":["till coverage"],` +
	`"message":"door: 1 × Taco sauce not paid?","action":"offer help","why":"one line in plain words","still":"stills/1.jpg","clip":"clips/1.mp4","site_hash":"sha256:cd","model_hash":"sha256:ef"}`

func TestAlertBytes(t *testing.T) {
	if got := string(example().AppendJSON(nil, false)); got != exampleLine {
		t.Errorf("got  %s\nwant %s", got, exampleLine)
	}
	bare := strings.Replace(strings.Replace(exampleLine, `"rev":1,`, "", 1), `"raised_at":"2026-11-22T10:00:23.200Z",`, "", 1)
	if got := string(example().AppendJSON(nil, true)); got != bare {
		t.Errorf("bare: got  %s\nwant %s", got, bare)
	}
	if got, err := json.Marshal(example()); err != nil || string(got) != exampleLine {
		t.Errorf("json.Marshal: %v\n%s", err, got)
	}
	signed := example()
	signed.Signer = "E7620F1842B4E81F"
	if got, want := string(signed.AppendJSON(nil, false)), strings.Replace(exampleLine, `"score":0.8693}],"score"`, `"score":0.8693}],"signer":"E7620F1842B4E81F","score"`, 1); got != want {
		t.Errorf("of a signed set: got  %s\nwant %s", got, want)
	}
	empty := (&Alert{ID: "alr_1", Rev: 2, State: Provisional, MergedInto: "v_2"}).AppendJSON(nil, false)
	for _, want := range []string{`"rev":2,"state":"provisional","merged_into":"v_2",`, `"tracks":[]`, `"zone":null`, `"position":null`,
		`"seen_last":null`, `"items":[]`, `"evidence":[]`, `"missing":[]`, `"event_time":null`, `"site_hash":null`} {
		if !strings.Contains(string(empty), want) {
			t.Errorf("%s lacks %s", empty, want)
		}
	}
	if !json.Valid(empty) || strings.Contains(string(empty), `"final"`) || strings.Contains(string(empty), `"clip"`) {
		t.Errorf("%s", empty)
	}
}

func TestRounding(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{{0.125, 2, "0.12"}, {0.375, 2, "0.38"}, {2.5, 0, "2"}, {-0.001, 2, "0"}, {1e9, 2, "1000000000"}, {0.10, 4, "0.1"},
		{math.NaN(), 2, "0"}, {math.Inf(1), 2, "0"}, {1.0 / 3, 4, "0.3333"}} {
		if got := string(appendRounded(nil, c.v, c.decimals)); got != c.want {
			t.Errorf("%v to %d decimals: %s; want %s", c.v, c.decimals, got, c.want)
		}
	}
}

// TestWords: no word that is shown or sent accuses anybody.
func TestWords(t *testing.T) {
	for _, file := range []string{"compose.go", "book.go", "alert.go"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(strings.ToLower(string(data)), "potential_theft", "")
		for _, word := range []string{"thief", "theft", "steal", "suspect"} {
			if strings.Contains(text, word) {
				t.Errorf("%s says %q", file, word)
			}
		}
	}
}

func FuzzAlertString(f *testing.F) {
	for _, s := range []string{"", "a<b>&c", "\u2028\\u003c", `"\`, "\x00\xff", "£ × ?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := (&Alert{Message: s}).AppendJSON(nil, false)
		var back struct{ Message string }
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); back.Message != want && strings.ToValidUTF8(back.Message, "") == back.Message &&
			!strings.Contains(back.Message, "\uFFFD") {
			t.Fatalf("%q came back as %q", s, back.Message)
		}
	})
}

// TestAlertsPage: docs/alerts.md tells of every member of a line, in its order, and of the members within it.
func TestAlertsPage(t *testing.T) {
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	a := example()
	a.Signer, a.MergedInto = "E7620F1842B4E81F", "alr_1"
	line := a.AppendJSON(nil, false)
	d := json.NewDecoder(bytes.NewReader(line))
	d.Token() // {
	_, rows, ok := strings.Cut(string(page), "\n| member | |\n|---|---|\n")
	if !ok {
		t.Fatal("no table of members")
	}
	row := ""
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | "); !strings.Contains(first, "`"+name.(string)+"`") {
			row, rows, _ = strings.Cut(rows, "\n")
			if first, _, _ = strings.Cut(strings.TrimPrefix(row, "| "), " | "); !strings.Contains(first, "`"+name.(string)+"`") {
				t.Fatalf("the row of %s is missing, or not in its place: %s", name, row)
			}
		}
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if list, ok := value.([]any); ok && len(list) > 0 {
			value = list[0]
		}
		if within, ok := value.(map[string]any); ok {
			for k := range within {
				if !strings.Contains(row, "`"+k+"`") {
					t.Errorf("%s: its %s is missing", name, k)
				}
			}
		}
	}
	if strings.HasPrefix(rows, "|") {
		t.Errorf("more rows than members: %s", rows)
	}
}
