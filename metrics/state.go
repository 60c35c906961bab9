package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// state is what a restart must carry over so that an interval begun before it is written whole after it.
type state struct {
	Mark   int64               `json:"mark"`
	Open   map[int64][]*row    `json:"open"`
	Values map[string][]string `json:"values"`
	Direct []byte              `json:"direct,omitempty"`
}

// State gives the open intervals, to be kept with the core's snapshot.
func (a *Aggregator) State() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := state{Mark: a.mark, Open: map[int64][]*row{}, Values: map[string][]string{}, Direct: a.direct}
	for end, in := range a.open {
		for _, key := range slices.Sorted(maps.Keys(in.rows)) {
			s.Open[end] = append(s.Open[end], in.rows[key])
		}
	}
	for tag, seen := range a.values {
		s.Values[tag] = slices.Sorted(maps.Keys(seen))
	}
	return json.Marshal(s)
}

// Restore replaces the open intervals by those of a State; all of them are written again.
func (a *Aggregator) Restore(b []byte) error {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("metrics: state of the aggregator: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	open := map[int64]*interval{}
	for end, rows := range s.Open {
		open[end] = newInterval()
		for _, r := range rows {
			m := a.schema[r.M]
			if m == nil || len(r.Vals) != len(m.Fields) {
				continue // written by another version: this interval starts anew
			}
			r.fields, r.dirty = m.Fields, true
			open[end].rows[rowKey(r.M, r.Tags)] = r
		}
	}
	a.open, a.mark, a.direct = open, s.Mark, s.Direct
	for tag, all := range s.Values {
		for _, v := range all {
			a.allowed(tag, v)
		}
	}
	return nil
}
