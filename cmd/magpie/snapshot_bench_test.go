package main

import (
	"fmt"
	"syscall"
	"testing"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sim"
)

// busyPipeline is that of a corner shop after a quarter of an hour in which somebody came every ten seconds, and of twenty
// thousand tags that lie there and are read every ten seconds: two thousand reads a second.
func busyPipeline(b *testing.B) *pipeline {
	w := contractWorld(b)
	p, err := newPipeline(w.site, w.set, func(*alerts.Alert) {}, pipelineHooks{})
	if err != nil {
		b.Fatal(err)
	}
	lines, err := sim.Random(1, w.site, sim.RandomOptions{Minutes: 15, People: 90, Noise: 1})
	if err != nil {
		b.Fatal(err)
	}
	all := journalLines(b, lines)
	reader, seq := w.site.Store.SourceIndex("r-door"), uint64(0)
	next := all[len(all)-1].Received - 150e9
	for i := range all {
		for ; next < all[i].Received; next += 10e6 {
			m := fusion.Message{Received: next, TS: next, Clocked: true, Source: reader, Kind: fusion.RFID}
			for k := range 20 {
				seq++
				m.Events = append(m.Events, fusion.Event{TS: next + int64(k), Hash: seq * 0x9E3779B97F4A7C15, Source: reader, Kind: fusion.RFID,
					ID: fmt.Sprintf("%024X", 0xAABC000+seq%20000), Antenna: 1, RSSI: -60 + float64(seq%7), Zone: -1})
			}
			m.Ident, m.Seq = seq*0x9E3779B97F4A7C15, seq/20
			p.core.Arrive(m.Received)
			p.core.Add(&m)
			p.core.Advance()
		}
		p.line(&all[i])
	}
	return p
}

// BenchmarkSnapshot is how long the core of a busy store stands still for a snapshot.
func BenchmarkSnapshot(b *testing.B) {
	p := busyPipeline(b)
	b.ReportAllocs()
	var began, ended syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &began)
	for b.Loop() {
		s, err := p.snapshot(1, 1)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(s.Parts[partCore])), "bytes")
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ended)
	b.ReportMetric(float64(ended.Utime.Nano()-began.Utime.Nano())/1e6/float64(b.N), "cpu-ms/op")
}

// BenchmarkResume is how long it takes to go on from one.
func BenchmarkResume(b *testing.B) {
	p := busyPipeline(b)
	s, err := p.snapshot(1, 1)
	if err != nil {
		b.Fatal(err)
	}
	file := s.Append(nil)
	for b.Loop() {
		s, err := journal.ParseSnapshot(file)
		if err != nil {
			b.Fatal(err)
		}
		n, err := newPipeline(p.site, nil, func(*alerts.Alert) {}, pipelineHooks{})
		if err == nil {
			err = n.resume(s)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
