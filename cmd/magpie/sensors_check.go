package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/strict"
)

// runSensorsCheck is `magpie sensors check`: what each source does well, and what its maker must change.
func runSensorsCheck(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "sensors check", "magpie sensors check --site site.yaml [--broker URL] [--for DURATION]   listen to a broker (by default the site's), until Ctrl-C\n"+
		"       magpie sensors check --site site.yaml RECORDING.jsonl[.gz|.zst]           read a recording (or a journal's directory, or -)",
		"Exit codes: 0 all is well, 1 somebody must change something, 2 wrong use or bad input.\n")
	sitePath := fs.String("site", "site.yaml", "the site file")
	only := fs.String("source", "", "report on these `sources` alone, separated by commas (default: on all, and on topics that name none)")
	asJSON := fs.Bool("json", false, "print the report as one JSON object")
	var h hearing
	h.register(fs)
	path, err := positional(fs, args)
	if err != nil {
		return err
	}
	s, d, err := loadSensors(*sitePath)
	if err != nil {
		return err
	}
	h.bySite(fs, s.Broker)
	sources := split(*only)
	if err := knownSources(s.Store, sources); err != nil {
		return err
	}
	c := sensors.NewCheck(d)
	p := progress{out: errw, on: isTerminal(errw), live: path == ""}
	err = h.lines(ctx, path, errw, func(l *journal.Line) {
		c.Line(l)
		p.show(c)
	}, c.Resume)
	p.clear()
	if err != nil {
		return err
	}
	if lines, _ := c.Lines(); lines == 0 {
		return fmt.Errorf("%s holds no line: record with magpie record, or give the journal of a run", path)
	}
	r := c.Report(sources...)
	if *asJSON {
		b, err := message.Encode(r)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n", b)
	} else {
		showReport(out, r)
	}
	if r.Act > 0 {
		return failed("%s must change something", many(r.Act, "source"))
	}
	return nil
}

// knownSources holds the ids of --source to the site file.
func knownSources(store *fusion.Store, ids []string) error {
	var all []string
	for _, s := range store.Sources {
		all = append(all, s.ID)
	}
	for _, id := range ids {
		if !slices.Contains(all, id) {
			return fmt.Errorf("--source %s: the site file has no such source; %s", id, strict.Suggest(id, all))
		}
	}
	return nil
}

// progress says how far a check is: on a terminal in one line, else of a live one a line for each source that is first heard.
type progress struct {
	out      io.Writer
	on, live bool
	shown    int64 // received of the line that was last shown
	heard    int
}

func (p *progress) show(c *sensors.Check) {
	lines, messages := c.Lines()
	from, to := c.Span()
	heard := c.Heard()
	switch {
	case !p.on && p.live:
		for ; p.heard < len(heard); p.heard++ {
			fmt.Fprintf(p.out, "heard %s\n", heard[p.heard])
		}
	case p.on && (p.live && to-p.shown >= int64(time.Second) || !p.live && lines%10_000 == 0):
		p.shown = to
		fmt.Fprintf(p.out, "\r\x1b[K%v: %s heard, %s, %d rejected", time.Duration(to-from).Round(time.Second),
			many(len(heard), "source"), many(int(messages), "message"), c.Rejected())
	}
}

func (p *progress) clear() {
	if p.on {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// showReport prints a report for people.
func showReport(out io.Writer, r *sensors.Report) {
	fmt.Fprintf(out, "store %s: %s from %s on, in %s\n\n", r.Store, many(int(r.Messages), "message"), r.From, seconds(r.Seconds))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tsource\tkind\tmessages\trate\trejected\tclock\tdelay 50/99/100%\tlateness\tfits\tlost/anew/behind\ttwice\tretained\tsilence")
	for i := range r.Sources {
		s := &r.Sources[i]
		mark := "ok"
		if len(s.Act) > 0 {
			mark = "!!"
		}
		delay, lateness, fits := "-", "-", "-"
		if d := s.Delay; d != nil {
			delay = duration(d.P50) + "/" + duration(d.P99) + "/" + duration(d.Max)
			if lateness = duration(d.Bound); d.Suggested > 0 {
				fits = duration(d.Suggested)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.3g/s\t%d\t%s\t%s\t%s\t%s\t%d/%d/%d\t%d\t%d\t%s\n", mark, s.Source, s.Kind, s.Messages, s.Rate, s.Rejected,
			clockWord(s), delay, lateness, fits, s.Missing, s.Restarts, s.OutOfOrder, s.Duplicates, s.Retained, seconds(s.Silence))
	}
	w.Flush()
	for i := range r.Sources {
		s := &r.Sources[i]
		if len(s.Act)+len(s.Notes) > 0 {
			fmt.Fprintf(out, "\n%s (%s)\n", s.Source, s.Kind)
		}
		for _, a := range s.Act {
			fmt.Fprintf(out, "  change  %s\n", a)
		}
		for _, n := range s.Notes {
			fmt.Fprintf(out, "  note    %s\n", n)
		}
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintln(out, "\ntopics that name no source of the site")
	}
	const most = 10
	for i, u := range r.Unknown {
		if i == most {
			fmt.Fprintf(out, "  and %d others\n", len(r.Unknown)-most)
			break
		}
		fmt.Fprintf(out, "  change  %s on %s (%s): %s; for example %s\n",
			many(int(u.Messages), "message"), u.Topic, u.Code, u.Act, u.Payload)
	}
	if r.More > 0 {
		fmt.Fprintf(out, "  and %s on yet other topics\n", many(int(r.More), "message"))
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(out, "\nbeside these")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(out, "  note    %s\n", n)
	}
	if r.Act == 0 {
		fmt.Fprintln(out, "\nall is well")
	}
}

func clockWord(s *sensors.SourceReport) string {
	if s.Clock.Offset == 0 {
		if s.Delay == nil {
			return "-"
		}
		return "right"
	}
	word := "+"
	if s.Clock.Offset < 0 {
		word = "-"
	}
	if word += duration(max(s.Clock.Offset, -s.Clock.Offset)); s.Clock.By == "arrival" {
		word += " or more"
	}
	return word
}

// duration writes milliseconds with two or three digits.
func duration(ms float64) string {
	if ms < 1000 && ms > -1000 {
		return strconv.FormatFloat(ms, 'f', 0, 64) + "ms"
	}
	return strings.TrimSuffix(strings.TrimSuffix(strconv.FormatFloat(ms/1000, 'f', 1, 64), "0"), ".") + "s"
}

func seconds(s float64) string { return duration(1000 * s) }
