package main

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestExplain: why an alert of a recording stood, and why nothing was said of a visit.
func TestExplain(t *testing.T) {
	const examples = "../../examples/"
	code, out, errw := magpie(t, "explain", "--site", examples+"site.yaml", examples+"street.jsonl.gz", "alr_a0542448f8676f10")
	if code != 0 {
		t.Fatalf("%d %s", code, errw)
	}
	if first, _, _ := strings.Cut(out, "\n"); !regexp.MustCompile(`^visit v_[0-9a-f]{16}, tracks cam\S*/\S+, times in Europe/London$`).MatchString(first) {
		t.Errorf("it begins with %s", first)
	}
	for _, want := range []string{
		"alert alr_a0542448f8676f10: closed, tier gate, score 0.9723",
		"├ 0.9778 at 10:00:40.500: tier gate\n├ when is true  near(\"exit\") and heading(\"out\") or cart_out or leaves or staff() >= 0.5\n│   near(\"exit\") = true\n",
		"├ goods not paid for: +4.557 (quality 0.9895)  unpaid_value() >= floor_value ? p_unpaid() : 0.0\n│   unpaid_value() = 1.969\n",
		"│     10:00:31.800 shelf-1@1767607231800 picked 0.99 × Taco sauce at aisle-1\n",
		"halved each 20s)  moved_out\n│   exited(\"entrance\") = false\n│   moved(\"exit\") = 0.9396\n│     10:00:40.400 r-door@",
		"│   moved(\"exit\") = 0.9396, by what is listed above\n",
		"├ could not see: gate coverage at exit\n",
		"└ no tier is higher\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s\nwant %s", out, want)
		}
	}
	if strings.Contains(out, "coverage at fitting") {
		t.Errorf("it could not see the fitting room that the store has not:\n%s", out)
	}
	// What is told adds up to the score.
	for _, policy := range strings.Split(out, "\n\n")[1:] {
		score, sum := 0.0, 0.0
		for _, l := range strings.Split(policy, "\n") {
			if m := regexp.MustCompile(`^├ ([0-9.]+) at`).FindStringSubmatch(l); m != nil {
				score, _ = strconv.ParseFloat(m[1], 64)
			}
			if m := regexp.MustCompile(`^├ .*: ([+-][0-9.]+)(?:, of which ([+-][0-9.]+))?`).FindStringSubmatch(l); m != nil {
				x, _ := strconv.ParseFloat(m[1], 64)
				if m[2] != "" {
					x, _ = strconv.ParseFloat(m[2], 64)
				}
				sum += x
			}
		}
		if got := 1 / (1 + math.Exp(-sum)); score > 0 && math.Abs(got-score) > 0.002 {
			t.Errorf("it adds up to %.4f, and says\n%s", got, policy)
		}
	}

	code, out, _ = magpie(t, "explain", "--site", examples+"site.yaml", "--policy", "gate-tag", examples+"sensors.jsonl", "v_d4f8b3275584e529")
	want := "└ for the tier log, from 0.1000, +4.082 was missing; it could have come of: tag moved through the gate (+4.605), several tags at once (+4.605), the gate rang (+2.303), leaves the store (+2.303), one of us (+0.067)\n"
	if code != 0 || !strings.HasSuffix(out, want) || strings.Count(out, " (live)") != 1 {
		t.Errorf("%d\n%s\nwant %s", code, out, want)
	}
	code, out, _ = magpie(t, "explain", "--site", examples+"site.yaml", "--policy", "unpaid-exit", examples+"sensors.jsonl", "v_d4f8b3275584e529")
	if want := "└ when was not true; with it the score would be"; code != 0 || !strings.Contains(out, "├ never judged") || !strings.Contains(out, want) {
		t.Errorf("%d\n%s\nwant %s", code, out, want)
	}

	for _, c := range [][]string{
		{"no alert alr_1 arises", examples + "sensors.jsonl", "alr_1"},
		{"it has the visits v_", examples + "sensors.jsonl", "cam-9/1"},
		{"name a recording, and an alert", examples + "sensors.jsonl"},
	} {
		if code, _, errw := magpie(t, append([]string{"explain", "--site", examples + "site.yaml"}, c[1:]...)...); code != 2 || !strings.Contains(errw, c[0]) {
			t.Errorf("%q: %d %s", c, code, errw)
		}
	}
}
