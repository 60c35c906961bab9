package metrics

import (
	"hash/fnv"
	"time"
)

// AlertPoint is one revision of an alert as it is written. Zones and so on are those of this revision.
type AlertPoint struct {
	ID        string
	Rev       int
	EventTime int64    // ns
	Received  int64    // ns, of the line that raised this revision
	Policies  []string // those of the alert
	Zone      string
	Tier      string
	Set       string // hash of the policy set
	State     string
	Value     float64
}

// VerdictPoint is what a person said of an alert.
type VerdictPoint struct {
	ID        string
	EventTime int64 // ns, the alert's
	Policies  []string
	Zone      string
	Tier      string
	Set       string
	Verdict   string
	Was       string // what had been said of it before; "": nothing
	Recovered float64
	Minutes   float64
}

// Alert writes a revision: one point for the alert, policy _all, and one for each of its policies. A later revision
// of the same tags rewrites state and value and leaves opened and latency_ms, so that sums of opened count alerts.
func (a *Aggregator) Alert(p AlertPoint) {
	fields := []field{{name: "state", kind: 's', s: p.State}, {name: "value", kind: 'f', f: p.Value}}
	if p.Rev == 1 {
		fields = append([]field{{name: "opened", kind: 'i', i: 1}}, fields...)
		fields = append(fields, field{name: "latency_ms", kind: 'i', i: (p.Received - p.EventTime) / int64(time.Millisecond)})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.direct = a.each(a.direct, "alerts", p.Policies, unique(p.EventTime, p.ID), fields, func(policy string) []string {
		return []string{p.Zone, policy, p.Tier, p.Set}
	})
}

// Verdict gives the lines of a verdict at the alert's time: one point for the alert, policy _all, and one for each of its
// policies. What had been said before counts no more.
func (a *Aggregator) Verdict(p VerdictPoint) (lines []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	say := func(verdict string, count int64, recovered, minutes float64) {
		fields := []field{{name: "count", kind: 'i', i: count}, {name: "recovered", kind: 'f', f: recovered}, {name: "minutes", kind: 'f', f: minutes}}
		lines = a.each(lines, "verdicts", p.Policies, unique(p.EventTime, p.ID), fields, func(policy string) []string {
			return []string{p.Zone, policy, p.Tier, verdict, p.Set}
		})
	}
	if p.Was != "" && p.Was != p.Verdict {
		say(p.Was, 0, 0, 0)
	}
	say(p.Verdict, 1, p.Recovered, p.Minutes)
	return lines
}

// each appends a point for _all and one for each policy.
func (a *Aggregator) each(lines []byte, measurement string, policies []string, at int64, fields []field, tags func(policy string) []string) []byte {
	for _, policy := range append([]string{"_all"}, policies...) {
		written, _ := a.tags(a.schema[measurement], tags(policy))
		lines = point{measurement, written, fields, at}.append(lines)
	}
	return lines
}

// unique spreads points of one time over its millisecond by id, so that two alerts never write the same point.
func unique(at int64, id string) int64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return at - at%int64(time.Millisecond) + int64(h.Sum64()%uint64(time.Millisecond))
}
