// Package metrics counts what the process does: points of event time for InfluxDB, through a spool on disk that survives the
// database, and a Prometheus registry. The rest of the program reaches it through hooks; it imports none of our packages.
package metrics

import (
	"fmt"
	"strings"
)

// FieldKind says what a field of a point is.
type FieldKind uint8

// The kinds of fields. Numbers that are added up are integers inside, so that their order does not matter.
const (
	Sum   FieldKind = iota // int: the sum over the interval
	Money                  // float: the sum over the interval, in the site's currency, added in its hundredths
	Last                   // float: the interval's last value
	Each                   // of a point of its own: int, float or string as named in Help
)

// Field is one field of a measurement. Add takes sums in 1/Per of the field's unit (0 is 1).
type Field struct {
	Name string
	Kind FieldKind
	Per  int64
	Help string
}

// Measurement is one row of the contract's §7: Tags in the order in which Add takes their values, without store, which
// every point has, and zone_kind, which follows every zone. Le are the bounds of its histogram: fields le_… counting
// what is at most the bound, count, and Total, the sum.
type Measurement struct {
	Name   string
	Tags   []string
	Le     []int
	Total  string
	Fields []Field
	Help   string
}

// Schema lists what Magpie writes to InfluxDB.
func Schema() []Measurement {
	all := []Measurement{
		{Name: "events", Tags: []string{"kind", "source"}, Help: "messages", Fields: []Field{
			{Name: "received"}, {Name: "late", Help: "behind the source's lateness"}, {Name: "duplicate"},
			{Name: "rejected"}, {Name: "gap", Help: "numbers missing in seq"}}},
		{Name: "scores", Tags: []string{"zone", "policy", "mode"}, Le: []int{10, 20, 30, 40, 50, 60, 70, 80, 90}, Help: "judgements; le in hundredths of the score",
			Fields: []Field{{Name: "value", Kind: Money, Per: 100, Help: "at risk"}}},
		{Name: "alerts", Tags: []string{"zone", "policy", "tier", "set"}, Help: "an alert at its event time, rewritten by each revision; policy `_all` once an alert", Fields: []Field{
			{Name: "opened", Kind: Each, Help: "int, 1, from revision 1"}, {Name: "state", Kind: Each, Help: "string, the last"},
			{Name: "value", Kind: Each, Help: "float"}, {Name: "latency_ms", Kind: Each, Help: "int, received − event time, of revision 1"}}},
		{Name: "verdicts", Tags: []string{"zone", "policy", "tier", "verdict", "set"}, Help: "a verdict at the alert's event time", Fields: []Field{
			{Name: "count", Kind: Each, Help: "int, 1, and 0 for what was said before another verdict"}, {Name: "recovered", Kind: Each, Help: "float, money"}, {Name: "minutes", Kind: Each, Help: "float, spent"}}},
		{Name: "policy", Tags: []string{"policy", "mode", "set"}, Help: "the engine's work", Fields: []Field{
			{Name: "evaluations"}, {Name: "crossed", Help: "tiers reached"}, {Name: "cost_ns"}}},
		{Name: "visits", Tags: []string{"zone"}, Help: "people", Fields: []Field{
			{Name: "entered"}, {Name: "exited"}, {Name: "dwell_s_sum", Per: 1000}, {Name: "occupancy", Kind: Last}, {Name: "paid"}}},
		{Name: "shelves", Tags: []string{"zone", "category"}, Help: "goods moved", Fields: []Field{
			{Name: "picks"}, {Name: "putbacks"}, {Name: "units", Help: "taken less put back"}}},
		{Name: "shrink", Tags: []string{"category", "cause"}, Help: "goods lost; cause unpaid, unknown, damaged, admin", Fields: []Field{
			{Name: "units"}, {Name: "value", Kind: Money, Per: 100}}},
		{Name: "tills", Tags: []string{"till_kind"}, Help: "tills by kind", Fields: []Field{
			{Name: "sessions"}, {Name: "scans"}, {Name: "voids"}, {Name: "refunds"}, {Name: "queue", Kind: Last}, {Name: "wait_s_sum", Per: 1000}}},
		{Name: "staffing", Tags: []string{"zone"}, Help: "who is where", Fields: []Field{
			{Name: "people", Kind: Last}, {Name: "staff", Kind: Last}}},
		{Name: "coverage", Tags: []string{"zone", "modality"}, Help: "share of the last minute that could be seen", Fields: []Field{
			{Name: "ratio", Kind: Last}}},
		{Name: "vision", Tags: []string{"camera"}, Help: "cameras", Fields: []Field{
			{Name: "frames"}, {Name: "dropped"}, {Name: "decode_ms_sum", Per: 1000}, {Name: "infer_ms_sum", Per: 1000}, {Name: "tracks", Kind: Last, Help: "followed"}}},
		{Name: "sources", Tags: []string{"source"}, Help: "written every 10 s, 0 too", Fields: []Field{
			{Name: "up", Kind: Last}, {Name: "offset_ms", Kind: Last}, {Name: "drift_ppm", Kind: Last}}},
		{Name: "pipeline", Tags: []string{"stage"}, Le: []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}, Total: "sum_ms",
			Help: "time in a stage; le in ms", Fields: []Field{{Name: "queue", Kind: Last, Help: "waiting"}}},
	}
	for i := range all {
		all[i].expand()
	}
	return all
}

// expand puts the histogram's fields before the others.
func (m *Measurement) expand() {
	if m.Le == nil {
		return
	}
	var h []Field
	for _, le := range m.Le {
		h = append(h, Field{Name: fmt.Sprint("le_", le)})
	}
	h = append(h, Field{Name: "count"})
	if m.Total != "" {
		h = append(h, Field{Name: m.Total, Per: 1000})
	}
	m.Fields = append(h, m.Fields...)
}

// AllTags gives the tag names as points carry them.
func (m *Measurement) AllTags() []string {
	tags := []string{"store"}
	for _, t := range m.Tags {
		tags = append(tags, t)
		if t == "zone" {
			tags = append(tags, "zone_kind")
		}
	}
	return tags
}

// MarkdownTable writes the schema as the table of docs/influxdb.md.
func MarkdownTable(all []Measurement) string {
	var b strings.Builder
	b.WriteString("| measurement | tags | fields | what |\n|---|---|---|---|\n")
	for _, m := range all {
		var fields []string
		for _, f := range m.Fields {
			s := "`" + f.Name + "` " + [...]string{"sum, int", "sum, float", "last, float", ""}[f.Kind]
			if f.Help != "" && f.Kind == Each {
				s += f.Help
			} else if f.Help != "" {
				s += " (" + f.Help + ")"
			}
			fields = append(fields, s)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, strings.Join(m.AllTags(), ", "), strings.Join(fields, "; "), m.Help)
	}
	return b.String()
}
