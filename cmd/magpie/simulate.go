package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"magpie/sim"
	"magpie/site"
)

// runSimulate is `magpie simulate`: a store that is played, as a recording with the truth beside it.
func runSimulate(_ context.Context, args []string, out, errw io.Writer) error {
	fs := flag.NewFlagSet("simulate", flag.ContinueOnError)
	fs.SetOutput(errw)
	dir := fs.String("o", "", "`directory` for recording.jsonl and truth.jsonl; for a drawn store also site.yaml and products.csv")
	sitePath := fs.String("site", "", "the site `file` of the store to play (default: a store is drawn)")
	aisles := fs.Int("aisles", 5, "how many aisles a drawn store has")
	seed := fs.Uint64("seed", 1, "the same seed gives the same store, people and noise")
	var o sim.ShopOptions
	fs.Float64Var(&o.Hours, "hours", 1, "hours of store time")
	fs.Float64Var(&o.Visits, "visits", 0, "visits an hour (default: as measured)")
	fs.Float64Var(&o.Thefts, "thefts", 0.15, "share of visits that are thefts")
	fs.Float64Var(&o.Twins, "twins", 0.3, "share of the honest visits that look like a theft")
	fs.Float64Var(&o.Noise, "noise", 1, "factor on what is wrong with sensors; 0: perfect ones")
	fs.BoolVar(&o.Spread, "spread", false, "draw each number of the noise anew, between its half and its double")
	only := fs.String("only", "", "the `kinds` of visit beside plain ones, separated by commas: names, or numbers of the catalogue of thefts")
	off := fs.String("off", "", "`sources` or kinds of source that say nothing, separated by commas")
	fs.Usage = func() {
		fmt.Fprintln(errw, "usage: magpie simulate -o DIR [--seed N] [--site site.yaml | --aisles N] [--hours N] [--thefts SHARE]")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *dir == "" || fs.NArg() > 0 {
		fs.Usage()
		return errors.New("name one directory to write to with -o")
	}
	o.Only, o.Off = words(*only), words(*off)
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	if *sitePath == "" {
		l, err := sim.DrawLayout(*seed, *aisles)
		if err != nil {
			return err
		}
		*sitePath = filepath.Join(*dir, "site.yaml")
		for name, text := range map[string]string{"site.yaml": l.Site, "products.csv": l.Products} {
			if err := os.WriteFile(filepath.Join(*dir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	s, err := site.Load(*sitePath)
	if err != nil {
		return err
	}
	played, err := sim.Simulate(*seed, s, o)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*dir, "recording.jsonl"), sim.Recording(played.Lines), 0o644); err != nil {
		return err
	}
	var truth []byte
	kinds := map[string]int{}
	for _, v := range played.Visits {
		line, err := json.Marshal(v)
		if err != nil {
			return err
		}
		truth = append(append(truth, line...), '\n')
		kinds[v.Kind]++
	}
	if err := os.WriteFile(filepath.Join(*dir, "truth.jsonl"), truth, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d lines; %d visits: %d honest, %d by mistake unpaid, %d thefts, %d of staff (simulated)\n", *dir, len(played.Lines),
		len(played.Visits), kinds[sim.Honest], kinds[sim.Mistake], kinds[sim.Theft], kinds[sim.Work])
	return nil
}

// words splits a list at its commas; an empty one is nil.
func words(list string) (all []string) {
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			all = append(all, w)
		}
	}
	return all
}
