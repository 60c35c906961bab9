package metrics

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Interval is the length of event time that one point stands for.
const Interval = int64(10 * time.Second)

// keepClosed is how long an interval can still be revised after its end: the contract's 60 s for late messages and the
// lateness of one more interval.
const keepClosed = int64(75 * time.Second)

// maxTagValues is how many values of one tag are written; the rest is _other.
const maxTagValues = 200

// AggregatorOptions say what points are about.
type AggregatorOptions struct {
	Store     string
	ZoneKinds map[string]string   // zone id → kind
	Closed    map[string][]string // tag → the values it may have; others are _other. A tag not named takes the first 200
}

// Aggregator adds up what is measured to points of 10 s of event time. It is a function of its calls: no clock. Its
// methods may be called from several goroutines.
type Aggregator struct {
	opt    AggregatorOptions
	schema map[string]*Measurement

	mu     sync.Mutex
	open   map[int64]*interval // by its end
	buf    []byte
	values map[string]map[string]bool
	direct []byte // points that wait for no interval
	mark   int64  // newest watermark
	late   int64
}

// interval holds its series by their tags as written, and by the values that Add was given, which is quicker to look up.
type interval struct {
	rows  map[string]*row
	given map[string]*row
}

func newInterval() *interval { return &interval{map[string]*row{}, map[string]*row{}} }

// row is one point in the making.
type row struct {
	M      string
	Tags   []string // as written: key, value …
	Vals   []cell
	dirty  bool
	fields []Field
}

// cell is one field's sum, or its last value and when that was.
type cell struct {
	Set bool
	N   int64
	F   float64
	At  int64
}

// NewAggregator makes an empty one.
func NewAggregator(opt AggregatorOptions) *Aggregator {
	a := &Aggregator{opt: opt, schema: map[string]*Measurement{}, open: map[int64]*interval{}, values: map[string]map[string]bool{}, mark: math.MinInt64}
	for _, m := range Schema() {
		a.schema[m.Name] = &m
	}
	for tag, all := range opt.Closed {
		a.values[tag] = map[string]bool{}
		for _, v := range all[:min(len(all), maxTagValues)] {
			a.values[tag][v] = true
		}
	}
	return a
}

// Add adds n, in 1/Per of the field's unit, to a sum at event time at (ns). tags are the values of the measurement's
// Tags, in their order. An unknown measurement or field, a wrong number of tags or a field that is no sum is an error.
func (a *Aggregator) Add(measurement string, tags []string, name string, n, at int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, f, err := a.cell(measurement, tags, name, at)
	if err != nil || c == nil {
		return err
	}
	if f.Kind != Sum && f.Kind != Money {
		return fmt.Errorf("metrics: %s.%s is not a sum: use Set", measurement, name)
	}
	c.Set = true
	c.N += n
	return nil
}

// Set sets a last value: the one with the newest event time of an interval stands, of equals the one set later.
func (a *Aggregator) Set(measurement string, tags []string, name string, v float64, at int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, f, err := a.cell(measurement, tags, name, at)
	if err != nil || c == nil {
		return err
	}
	if f.Kind != Last {
		return fmt.Errorf("metrics: %s.%s is not a last value: use Add", measurement, name)
	}
	if !c.Set || at >= c.At {
		*c = cell{Set: true, F: v, At: at}
	}
	return nil
}

// Observe counts v in a measurement's histogram: v in the unit of its bounds.
func (a *Aggregator) Observe(measurement string, tags []string, v float64, at int64) error {
	m := a.schema[measurement]
	if m == nil || m.Le == nil {
		return fmt.Errorf("metrics: %s has no histogram", measurement)
	}
	for i, le := range m.Le {
		n := int64(0) // zeros too, so that every bound of a point is there
		if v <= float64(le) {
			n = 1
		}
		if err := a.Add(measurement, tags, m.Fields[i].Name, n, at); err != nil {
			return err
		}
	}
	if m.Total != "" {
		if err := a.Add(measurement, tags, m.Total, int64(math.Round(v*1000)), at); err != nil {
			return err
		}
	}
	return a.Add(measurement, tags, "count", 1, at)
}

// cell finds or makes a field's place; nil without an error when the interval can no longer be revised.
func (a *Aggregator) cell(measurement string, tags []string, name string, at int64) (*cell, Field, error) {
	m := a.schema[measurement]
	if m == nil {
		return nil, Field{}, fmt.Errorf("metrics: no measurement %q", measurement)
	}
	i := slices.IndexFunc(m.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return nil, Field{}, fmt.Errorf("metrics: measurement %s has no field %q", measurement, name)
	}
	if len(tags) != len(m.Tags) {
		return nil, Field{}, fmt.Errorf("metrics: measurement %s takes the tags %v, got %s", measurement, m.Tags, strings.Join(tags, ", "))
	}
	end := at - (at%Interval+Interval)%Interval + Interval
	if a.mark != math.MinInt64 && end <= a.mark-keepClosed {
		a.late++
		return nil, m.Fields[i], nil
	}
	in := a.open[end]
	if in == nil {
		in = newInterval()
		a.open[end] = in
	}
	a.buf = append(a.buf[:0], measurement...)
	for _, v := range tags {
		a.buf = append(append(a.buf, 0), v...)
	}
	r := in.given[string(a.buf)]
	if r == nil {
		written, cut := a.tags(m, tags)
		key := rowKey(measurement, written)
		if r = in.rows[key]; r == nil {
			r = &row{M: measurement, Tags: written, Vals: make([]cell, len(m.Fields)), fields: m.Fields}
			in.rows[key] = r
		}
		if !cut { // values without end become _other: they must not fill the table instead
			in.given[string(a.buf)] = r
		}
	}
	r.dirty = true
	return &r.Vals[i], m.Fields[i], nil
}

func rowKey(measurement string, tags []string) string {
	return measurement + "\x00" + strings.Join(tags, "\x00")
}

// tags gives keys and values as written: store first, zone_kind after zone; and whether one became _other.
func (a *Aggregator) tags(m *Measurement, values []string) (out []string, cut bool) {
	out = []string{"store", a.opt.Store}
	for i, tag := range m.Tags {
		v := strings.Clone(values[i]) // the caller's may lie in a message's buffer
		if v != "" && v != "_all" {
			v = a.allowed(tag, v)
			cut = cut || v == "_other"
		}
		out = append(out, tag, v)
		if tag == "zone" {
			kind, known := a.opt.ZoneKinds[v]
			if !known {
				kind = v // _other stays _other, none stays none
			}
			out = append(out, "zone_kind", kind)
		}
	}
	return out, cut
}

func (a *Aggregator) allowed(tag, v string) string {
	seen := a.values[tag]
	if seen[v] {
		return v
	}
	if _, closed := a.opt.Closed[tag]; closed || len(seen) >= maxTagValues {
		return "_other"
	}
	if seen == nil {
		seen = map[string]bool{}
		a.values[tag] = seen
	}
	seen[v] = true
	return v
}

// Flush returns the points, as line protocol, of all intervals that end at or before the watermark w and have changed,
// in order of time and series, and the alerts and verdicts since the last call. An interval that is revised later comes
// again, whole.
func (a *Aggregator) Flush(w int64) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mark = max(a.mark, w)
	lines := a.direct
	a.direct = nil
	for _, end := range slices.Sorted(maps.Keys(a.open)) {
		if end > a.mark {
			break
		}
		rows := slices.SortedFunc(maps.Values(a.open[end].rows), func(x, y *row) int {
			return cmp.Or(strings.Compare(x.M, y.M), slices.Compare(x.Tags, y.Tags))
		})
		for _, r := range rows {
			if r.dirty {
				lines = point{r.M, r.Tags, r.written(), end}.append(lines)
				r.dirty = false
			}
		}
		if end <= a.mark-keepClosed {
			delete(a.open, end)
		}
	}
	return lines
}

func (r *row) written() []field {
	var out []field
	for i, c := range r.Vals {
		if !c.Set {
			continue
		}
		f := r.fields[i]
		switch f.Kind {
		case Sum:
			out = append(out, field{name: f.Name, kind: 'i', i: c.N / max(1, f.Per)})
		case Money:
			out = append(out, field{name: f.Name, kind: 'f', f: float64(c.N) / float64(f.Per)})
		case Last:
			out = append(out, field{name: f.Name, kind: 'f', f: c.F})
		}
	}
	return out
}

// TooLate says how many calls were for intervals that could no longer be revised.
func (a *Aggregator) TooLate() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.late
}
