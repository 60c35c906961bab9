package metrics

import (
	"maps"
	"slices"
)

// Frozen is what an Aggregator knows, for a snapshot: all but what cameras of this process report, which no journal has, so
// that a restart could only write less of it.
type Frozen struct {
	open   map[int64][]row
	values map[string]map[string]bool
	direct []byte
	mark   int64
	late   int64
}

// Freeze copies what the aggregator knows.
func (a *Aggregator) Freeze() *Frozen {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &Frozen{open: map[int64][]row{}, values: map[string]map[string]bool{}, direct: slices.Clone(a.direct), mark: a.mark, late: a.late}
	for end, in := range a.open {
		keys := slices.Sorted(maps.Keys(in.rows))
		rows := make([]row, 0, len(keys))
		for _, k := range keys {
			if r := in.rows[k]; r.M != "vision" {
				rows = append(rows, row{M: r.M, Tags: r.Tags, Vals: slices.Clone(r.Vals), dirty: r.dirty})
			}
		}
		f.open[end] = rows
	}
	for tag, seen := range a.values {
		if _, closed := a.opt.Closed[tag]; !closed {
			f.values[tag] = maps.Clone(seen)
		}
	}
	return f
}

// Thaw makes a new aggregator of the same options go on from there. Rows of a measurement that has other fields now are
// left out.
func (a *Aggregator) Thaw(f *Frozen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for end, rows := range f.open {
		in := newInterval()
		for i := range rows {
			r := rows[i]
			if m := a.schema[r.M]; m != nil && len(m.Fields) == len(r.Vals) {
				r.fields, r.Vals = m.Fields, slices.Clone(r.Vals)
				in.rows[rowKey(r.M, r.Tags)] = &r
			}
		}
		a.open[end] = in
	}
	maps.Copy(a.values, f.values)
	a.direct, a.mark, a.late = slices.Clone(f.direct), f.mark, f.late
}
