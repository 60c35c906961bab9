package main

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"os"
	"strings"

	"magpie/sim"
)

//go:embed evaluate.html
var evaluatePage string

// writeEvaluationPage writes the report as one HTML file that needs nothing beside it.
func writeEvaluationPage(path string, r *report) (err error) {
	page, err := template.New("evaluate").Funcs(template.FuncMap{
		"pct":   func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
		"pct0":  func(v float64) template.CSS { return template.CSS(fmt.Sprintf("%.0f%%", 100*v)) },
		"pct1":  func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) },
		"two":   func(v float64) string { return fmt.Sprintf("%.2f", v) },
		"three": func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"share": func(part, whole int) float64 {
			if whole == 0 {
				return 0
			}
			return float64(part) / float64(whole)
		},
		"store":   func(run int) string { return r.stores[run] },
		"number":  catalogued,
		"clock":   clock,
		"remarks": remarks,
		"x":       plotX,
		"y":       plotY,
		"size":    func(n int) string { return fmt.Sprintf("%.1f", 2.5+min(8, float64(n)/15)) },
		"line":    curveLine,
		"tint":    func(k int) int { return k % 9 },
	}).Parse(evaluatePage)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return page.Execute(f, struct {
		Command string
		Given   bool
		First   judgedBy
		Judges  []judgedBy
		Marks   []float64
		Few     int
		Done    []criterion
	}{r.command, r.given, r.judges[0], r.judges, []float64{0, 0.25, 0.5, 0.75, 1}, fewVisits, criteria(r.judges)})
}

// Where plots lie in their pictures of 360 by 350.
const plotLeft, plotTop, plotSide = 46.0, 12.0, 290.0

func plotX(v float64) string { return fmt.Sprintf("%.1f", plotLeft+float64(plotSide*v)) }

func plotY(v float64) string { return fmt.Sprintf("%.1f", plotTop+float64(plotSide*(1-v))) }

// curveLine is the curve as the points of an SVG polyline, in steps.
func curveLine(points []sim.Point) string {
	var b strings.Builder
	before := 0.0
	for _, p := range points {
		fmt.Fprintf(&b, "%s,%s %s,%s ", plotX(before), plotY(p.Precision), plotX(p.Recall), plotY(p.Precision))
		before = p.Recall
	}
	return b.String()
}
