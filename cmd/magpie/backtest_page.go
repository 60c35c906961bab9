package main

import (
	"bytes"
	"cmp"
	_ "embed" // the page
	"fmt"
	"html/template"
	"math"
	"os"
	"strings"

	"magpie/dashboard"
)

//go:embed backtest.html
var backtestHTML string

// page is what the template shows: numbers as text, plots as coordinates.
type page struct {
	R       *backtestReport
	Look    template.CSS
	Span    string
	Notes   []string
	Figures []figure
	Rows    []tableRow
	Left    string // what the scatter plot leaves out
	Ticks   []mark
	Points  []mark
	Hours   bars
	Said    bars
	Hist    []histPlot
	Shadow  []tableRow
	Changes []changeView
}

type figure struct{ Label, Value, Small, Class string }

type tableRow struct {
	Name, Title, Mode string
	All               bool
	Cells             []cell
}

type cell struct{ Was, Is, Class string }

// mark is something in a plot: a point, a bar, a line or a word.
type mark struct {
	X, Y, W, H         float64
	Class, Text, Title string
}

type bars struct {
	Zero               float64
	Grid, Bars, Labels []mark
}

type histPlot struct {
	Policy               string
	Bars, Limits, Labels []mark
	Step                 string
}

type changeView struct {
	C                        *backtestChange
	Word, At, Message, Class string
	IDs                      []string
	Tiers                    []tierView
	Evidence                 []evidenceView
}

type tierView struct {
	Tier, Score string
	Arrow       bool
}

type evidenceView struct {
	Name, Text     string
	BX, BW, WX, WW float64
}

// writePage writes the report as one page that needs nothing else.
func (r *backtestReport) writePage(path string) error {
	t, err := template.New("backtest").Parse(backtestHTML)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r.page()); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	return nil
}

func (r *backtestReport) page() *page {
	p := &page{R: r, Look: dashboard.Look()}
	lines, visits, hours := r.sums()
	p.Span = fmt.Sprintf("%s, %.1f hours, %s, %s", counted(len(r.Recordings), "recording"), hours, counted(visits, "visit"), counted(lines, "line"))
	for _, x := range r.Recordings {
		if x.Headless {
			p.Notes = append(p.Notes, x.File+" goes on from a state before it, with which both sets do without: its first visits are judged as if they began there.")
		}
	}
	if r.Verdicts.Given == 0 {
		p.Notes = append(p.Notes, "There are no verdicts beside the recordings, so nobody can say which alerts are true: give a file with --verdicts.")
	} else if n := len(r.Verdicts.Unknown); n > 0 {
		p.Notes = append(p.Notes, counted(n, "verdict is about an alert", "verdicts are about alerts")+" of none of these recordings.")
	}
	p.figures()
	p.rows()
	p.scatter()
	p.hours()
	p.said()
	for i := range r.hist {
		p.Hist = append(p.Hist, r.hist[i].plot())
	}
	for _, c := range r.Changes {
		p.Changes = append(p.Changes, c.view())
	}
	return p
}

// sums are the lines, visits and hours of all recordings.
func (r *backtestReport) sums() (lines, visits int, hours float64) {
	for _, x := range r.Recordings {
		lines, visits, hours = lines+x.Lines, visits+x.Visits, hours+x.Hours
	}
	return lines, visits, hours
}

// counted is a number with its noun; many is the plural, where that is not one with s.
func counted(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(many) > 0:
		return fmt.Sprintf("%d %s", n, many[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func (p *page) figures() {
	t := &p.R.Total
	add := func(label string, base, with int, class string) {
		f := figure{Label: label, Value: fmt.Sprint(with), Class: class}
		if base != with {
			f.Small = fmt.Sprintf("were %d", base)
		}
		p.Figures = append(p.Figures, f)
	}
	add("Alerts", t.Base.Alerts, t.With.Alerts, "")
	p.Figures = append(p.Figures, figure{"Appear", fmt.Sprint(t.Appear), "", ""}, figure{"Vanish", fmt.Sprint(t.Vanish), "", ""},
		figure{"Change", fmt.Sprint(t.Change), "", ""})
	if p.R.Verdicts.Given == 0 {
		return
	}
	add("False", t.Base.False, t.With.False, trend(t.Base.False, t.With.False, -1))
	add("True", t.Base.True, t.With.True, trend(t.Base.True, t.With.True, 1))
	add("Losses missed", p.R.Verdicts.MissedBase, p.R.Verdicts.MissedWith, trend(p.R.Verdicts.MissedBase, p.R.Verdicts.MissedWith, -1))
	f := figure{Label: "Precision", Value: precision(&t.With)}
	if was := precision(&t.Base); was != f.Value {
		f.Small = "was " + was
	}
	p.Figures = append(p.Figures, f)
}

// trend says whether a number moved to the better; good is the sign of the better.
func trend(base, with, good int) string {
	switch d := (with - base) * good; {
	case d > 0:
		return "better"
	case d < 0:
		return "worse"
	}
	return ""
}

func moved(base, with, good int) cell {
	c := cell{Is: fmt.Sprint(with), Class: trend(base, with, good)}
	if base != with {
		c.Was = fmt.Sprint(base)
	} else if with == 0 {
		c.Class = "zero"
	}
	return c
}

func (p *page) rows() {
	row := func(x *backtestRow) tableRow {
		t := tableRow{Name: x.Policy, Title: x.Title, Cells: []cell{moved(x.Base.Alerts, x.With.Alerts, 0), moved(x.Appear, x.Appear, 0),
			moved(x.Vanish, x.Vanish, 0), moved(x.Change, x.Change, 0), moved(x.Base.True, x.With.True, 1), moved(x.Base.False, x.With.False, -1),
			moved(x.Base.Neither, x.With.Neither, 0), moved(x.Base.Unjudged, x.With.Unjudged, 0), moved(x.Base.Retracted, x.With.Retracted, -1)}}
		if x.Mode != nil {
			t.Mode = modes(*x.Mode)
		}
		return t
	}
	for i := range p.R.Policies {
		p.Rows = append(p.Rows, row(&p.R.Policies[i]))
	}
	all := row(&p.R.Total)
	all.Name, all.All = "all alerts", true
	p.Rows = append(p.Rows, all)
	for _, x := range p.R.Shadow {
		t := tableRow{Name: x.Policy, Mode: modes(x.Mode)}
		for _, tier := range []string{"gate", "staff", "review", "log"} {
			t.Cells = append(t.Cells, moved(x.Base[tier], x.With[tier], 0))
		}
		t.Cells = append(t.Cells, moved(x.Of.True, x.Of.True, 0), moved(x.Of.False, x.Of.False, 0))
		p.Shadow = append(p.Shadow, t)
	}
}

// coord rounds a coordinate, so that a page has no more digits than anybody sees.
func coord(x float64) float64 { return math.Round(float64(x*10)) / 10 }

// scatter puts every visit where the two sets see it.
func (p *page) scatter() {
	const low = 0.02
	for _, v := range []float64{0, 0.25, 0.5, 0.75, 1} {
		p.Ticks = append(p.Ticks, mark{X: coord(40 + float64(360*v)), Y: coord(360 - float64(350*v)), Text: fmt.Sprint(v)})
	}
	left := 0
	for _, class := range []string{"", neitherAlert, falseAlert, trueAlert} { // what matters is drawn last
		for _, v := range p.R.visits {
			if v.class != class {
				continue
			}
			if v.base < low && v.with < low {
				left++
				continue
			}
			p.Points = append(p.Points, mark{X: coord(40 + float64(360*v.base)), Y: coord(360 - float64(350*v.with)), Class: class,
				Title: fmt.Sprintf("%s: %.2f → %.2f", v.id, v.base, v.with)})
		}
	}
	if left > 0 {
		p.Left = fmt.Sprintf("%d visits below %g in both are left out.", left, low)
	}
}

// hours counts alerts by the hour of the store's day.
func (p *page) hours() {
	var both, appear, vanish [24]int
	from, to := 24, -1
	for _, t := range p.R.times {
		h := t.at.Hour()
		from, to = min(from, h), max(to, h)
		switch t.change {
		case "appear":
			appear[h]++
		case "vanish":
			vanish[h]++
		default:
			both[h]++
		}
	}
	if to < 0 {
		p.Hours.Zero = 220
		return
	}
	up, down := 1, 0
	for h := range 24 {
		up, down = max(up, both[h]+appear[h]), max(down, vanish[h])
	}
	const top, bottom = 10.0, 226.0
	unit := (bottom - top) / float64(up+down)
	zero := top + float64(float64(up)*unit)
	p.Hours.Zero = coord(zero)
	every := max(1, (up+down+4)/5)
	for n := -(down / every) * every; n <= up; n += every {
		p.Hours.Grid = append(p.Hours.Grid, mark{Y: coord(zero - float64(float64(n)*unit)), Text: fmt.Sprint(max(n, -n))})
	}
	width := 380.0 / float64(to-from+1)
	bar := func(h, n int, y float64, class, word string) {
		if n > 0 {
			p.Hours.Bars = append(p.Hours.Bars, mark{X: coord(34 + float64(float64(h-from)*width) + 2), Y: coord(y), W: coord(min(40, width-4)),
				H: coord(float64(n) * unit), Class: class, Title: fmt.Sprintf("%02d:00: %d %s", h, n, word)})
		}
	}
	step := max(1, (to-from+1)/8)
	for h := from; h <= to; h++ {
		bar(h, both[h], zero-float64(float64(both[h])*unit), "both", "in both")
		bar(h, appear[h], zero-float64(float64(both[h]+appear[h])*unit), "appear", "appear")
		bar(h, vanish[h], zero, "vanish", "vanish")
		if (h-from)%step == 0 {
			p.Hours.Labels = append(p.Hours.Labels, mark{X: coord(34 + float64(float64(h-from)*width) + float64(min(40, width-4)/2) + 2), Text: fmt.Sprintf("%02d", h)})
		}
	}
}

// said shows both sets' alerts by verdict.
func (p *page) said() {
	most := max(1, p.R.Total.Base.Alerts, p.R.Total.With.Alerts)
	for i, c := range []*backtestCounts{&p.R.Total.Base, &p.R.Total.With} {
		name := [...]string{"base", "with"}[i]
		y := float64(8 + 34*i)
		p.Said.Labels = append(p.Said.Labels, mark{X: 34, Y: y + 12, Text: name})
		x := 42.0
		for _, part := range []struct {
			class string
			n     int
		}{{"true", c.True}, {"false", c.False}, {"neither", c.Neither}, {"none", c.Unjudged}} {
			w := float64(372*part.n) / float64(most)
			if part.n > 0 {
				p.Said.Bars = append(p.Said.Bars, mark{X: coord(x), Y: y, W: coord(max(1, w-1.5)), H: 24, Class: "v-" + part.class,
					Title: fmt.Sprintf("%s: %d %s", name, part.n, strings.Replace(part.class, "none", "without a verdict", 1))})
			}
			x += w
		}
	}
}

// plot draws a policy's scores: bars for base, a line for with.
func (h *histogram) plot() histPlot {
	const left, right, top, bottom = 26.0, 334.0, 10.0, 106.0
	p := histPlot{Policy: h.policy}
	most := 9
	for i := range h.base {
		most = max(most, h.base[i], h.with[i])
	}
	scale := (bottom - top) / math.Log10(1+float64(most))
	height := func(n int) float64 { return math.Log10(1+float64(n)) * scale }
	width := (right - left) / 20
	var line strings.Builder
	for i := range h.base {
		x := left + float64(float64(i)*width)
		if n := h.base[i]; n > 0 {
			p.Bars = append(p.Bars, mark{X: coord(x + 1), Y: coord(bottom - height(n)), W: coord(width - 2), H: coord(height(n)),
				Title: fmt.Sprintf("%.2f to %.2f: %d → %d", float64(i)/20, float64(i+1)/20, n, h.with[i])})
		}
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		fmt.Fprintf(&line, "%s%g %gH%g", verb, coord(x), coord(bottom-height(h.with[i])), coord(x+width))
	}
	p.Step = line.String()
	for _, t := range h.tiers {
		if !t.Cost {
			p.Limits = append(p.Limits, mark{X: coord(left + float64((right-left)*t.At)), Class: t.Name})
		}
	}
	for n := 1; n <= most; n *= 10 {
		p.Labels = append(p.Labels, mark{X: 22, Y: coord(bottom - height(n) + 4), Text: fmt.Sprint(n), Class: "end"})
	}
	for _, v := range []float64{0, 0.5, 1} {
		p.Labels = append(p.Labels, mark{X: coord(left + float64((right-left)*v)), Y: 120, Text: fmt.Sprint(v), Class: "middle"})
	}
	return p
}

// view is a difference as a line, with what each piece of evidence added beneath.
func (c *backtestChange) view() changeView {
	v := changeView{C: c, At: c.at.Format("2006-01-02 15:04:05"), Class: classes[c.Verdict],
		Word: map[string]string{"appear": "appears", "vanish": "vanishes", "change": "changes"}[c.Change]}
	for _, a := range []*backtestAlert{c.Base, c.With} {
		if a == nil {
			continue
		}
		v.Message = a.Message
		if len(v.IDs) == 0 || v.IDs[0] != a.ID {
			v.IDs = append(v.IDs, a.ID)
		}
		v.Tiers = append(v.Tiers, tierView{a.Tier, fmt.Sprintf("%.2f", a.Score), len(v.Tiers) > 0})
	}
	most := 1.0
	both := contributions(c.Base, c.With)
	for _, e := range both {
		most = max(most, math.Abs(e.Base), math.Abs(e.With))
	}
	for _, e := range both {
		x := evidenceView{Name: e.Name}
		x.BX, x.BW = span100(e.Base / most)
		x.WX, x.WW = span100(e.With / most)
		switch {
		case c.Base == nil:
			x.Text = fmt.Sprintf("%+.2f", e.With)
		case c.With == nil:
			x.Text = fmt.Sprintf("%+.2f", e.Base)
		default:
			x.Text = fmt.Sprintf("%+.2f → %+.2f", e.Base, e.With)
		}
		v.Evidence = append(v.Evidence, x)
	}
	v.Message = cmp.Or(v.Message, c.Subject)
	return v
}

// span100 is a bar from the middle of 200 units to a share of 100.
func span100(share float64) (x, w float64) {
	w = coord(math.Abs(share) * 98)
	if share < 0 {
		return coord(100 - w), w
	}
	return 100, w
}
