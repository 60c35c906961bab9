package main

import (
	"context"
	"io"
	"path/filepath"
	"syscall"
	"testing"
)

// BenchmarkBacktest is a backtest of two hours of a busy store, sixty visits an hour, by two policy sets: how many hours of the store
// a second, and how much of the processors' time an hour of the store takes, whatever else they do.
func BenchmarkBacktest(b *testing.B) {
	const hours = 2
	dir := b.TempDir()
	if code := run(context.Background(), []string{"simulate", "-o", dir, "--seed", "1", "--hours", "2", "--visits", "60"}, io.Discard, io.Discard); code != 0 {
		b.Fatalf("simulate ended with %d", code)
	}
	var began, ended syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &began)
	for b.Loop() {
		args := []string{"backtest", "--with", filepath.Join("..", "..", "policies"), filepath.Join(dir, "recording.jsonl")}
		if code := run(context.Background(), args, io.Discard, io.Discard); code != 0 {
			b.Fatalf("backtest ended with %d", code)
		}
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ended)
	b.ReportMetric(hours*float64(b.N)/b.Elapsed().Seconds(), "store-hours/s")
	b.ReportMetric(float64(ended.Utime.Nano()-began.Utime.Nano())/1e9/hours/float64(b.N), "cpu-s/store-hour")
}
