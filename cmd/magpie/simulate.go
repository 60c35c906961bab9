package main

import (
	"bytes"
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
	fs := newFlags(errw, "simulate", "magpie simulate -o DIR [--seed N] [--site site.yaml | --aisles N] [--hours N] [--thefts SHARE]")
	dir := fs.String("o", "", "`directory` for recording.jsonl and truth.jsonl; for a drawn store also site.yaml and products.csv")
	sitePath := fs.String("site", "", "the site `file` of the store to play (default: a store is drawn)")
	aisles := fs.Int("aisles", 5, "how many aisles a drawn store has")
	seed := fs.Uint64("seed", 1, "the same seed gives the same store, people and noise")
	flags := newShopFlags(fs, sim.ShopOptions{Hours: 1, Thefts: 0.15, Twins: 0.3, Noise: 1})
	fs.Float64Var(&flags.o.Visits, "visits", 0, "visits an hour (default: as measured)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *dir == "" || fs.NArg() > 0 {
		fs.Usage()
		return errors.New("name one directory to write to with -o")
	}
	o := flags.options()
	err := o.Check()
	fs.Visit(func(f *flag.Flag) {
		if f.Name == "aisles" && *sitePath != "" {
			err = errors.New("a drawn store has --aisles: give it or --site, not both")
		}
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	if err := onlySimulated(*dir, *sitePath == ""); err != nil {
		return err
	}
	if *sitePath == "" {
		if *sitePath, err = drawSite(*dir, *seed, *aisles); err != nil {
			return err
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
	fmt.Fprintf(out, "%s: %d lines; %d visits: %d honest, %d by mistake unpaid, %d thefts, %d of accomplices, %d of staff (simulated)\n", *dir, len(played.Lines),
		len(played.Visits), kinds[sim.Honest], kinds[sim.Mistake], kinds[sim.Theft], kinds[sim.Accomplice], kinds[sim.Work])
	return nil
}

// onlySimulated refuses a directory whose files would be written over and are not those of a simulation before.
func onlySimulated(dir string, drawn bool) error {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	if has("recording.jsonl") && !has("truth.jsonl") {
		return fmt.Errorf("%s has a recording and no truth beside it, so that it is none of magpie simulate: name another directory", filepath.Join(dir, "recording.jsonl"))
	}
	if !drawn || !has("site.yaml") && !has("products.csv") {
		return nil
	}
	path := filepath.Join(dir, "site.yaml")
	switch text, err := os.ReadFile(path); {
	case err != nil:
		return fmt.Errorf("%s holds a products.csv that magpie simulate did not write: name another directory", dir)
	case !bytes.HasPrefix(text, []byte(sim.DrawnBy)):
		return fmt.Errorf("%s holds a site that magpie simulate did not draw: play it with --site %s, or name another directory", dir, path)
	}
	return nil
}

// shopFlags are the flags of commands that play a store.
type shopFlags struct {
	o         sim.ShopOptions
	only, off *string
}

// newShopFlags registers them, with what they are unless they are given.
func newShopFlags(fs *flag.FlagSet, o sim.ShopOptions) *shopFlags {
	f := &shopFlags{o: o}
	fs.Float64Var(&f.o.Hours, "hours", o.Hours, "hours of store time")
	fs.Float64Var(&f.o.Thefts, "thefts", o.Thefts, "share of visits that are thefts")
	fs.Float64Var(&f.o.Twins, "twins", o.Twins, "share of the honest visits that look like a theft")
	fs.Float64Var(&f.o.Noise, "noise", o.Noise, "factor on what is wrong with sensors; 0: perfect ones")
	fs.BoolVar(&f.o.Spread, "spread", o.Spread, "draw each number of the noise anew, between its half and its double")
	f.only = fs.String("only", "", "the `kinds` of visit beside plain ones, separated by commas: names, or numbers of the catalogue of thefts")
	f.off = fs.String("off", "", "`sources` or kinds of source that say nothing, separated by commas; NAME@10m or NAME@10m..20m: from then on, or so long")
	return f
}

// options are what the flags say, once they are parsed.
func (f *shopFlags) options() sim.ShopOptions {
	o := f.o
	o.Only, o.Off = words(*f.only), words(*f.off)
	return o
}

// drawSite draws a store and writes its site file, whose path it gives, and its products into a directory.
func drawSite(dir string, seed uint64, aisles int) (path string, err error) {
	l, err := sim.DrawLayout(seed, aisles)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "site.yaml")
	return path, errors.Join(os.WriteFile(path, []byte(l.Site), 0o644),
		os.WriteFile(filepath.Join(dir, "products.csv"), []byte(l.Products), 0o644))
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
