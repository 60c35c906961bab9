package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"magpie/journal"
	"magpie/sim"
	"magpie/site"
)

// stores are what is judged: stores that are drawn and played, or recordings that somebody gives.
type stores interface {
	// open reads or plays the i-th; ready is asked before the work.
	open(i int, ready func(*site.Site) error) (recorded, error)
	// name is what tells it from the others: its seed, or its directory.
	name(i int) string
}

// recorded is a store's recording, and what was so.
type recorded struct {
	site   *site.Site
	lines  []journal.Line
	visits []*sim.Visit
	hours  float64
}

// drawn are stores from a seed up, each of the next family of a split.
type drawn struct {
	o      sim.ShopOptions
	aisles int
	split  string
	seed   uint64
}

func (d drawn) name(i int) string { return strconv.FormatUint(d.seed+uint64(i), 10) }

// open draws a store and plays it.
func (d drawn) open(i int, ready func(*site.Site) error) (r recorded, err error) {
	if families := sim.FamiliesOf(d.split); families != nil {
		f := families[i%len(families)]
		if d.o.Only == nil {
			d.o.Only = f.Only
		}
		if f.Set != nil {
			f.Set(&d.o, &d.aisles)
		}
	}
	dir, err := os.MkdirTemp("", "magpie-evaluate")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	seed := d.seed + uint64(i)
	path, err := drawSite(dir, seed, d.aisles)
	if err != nil {
		return r, err
	}
	if r.site, err = site.Load(path); err != nil {
		return r, err
	}
	if err := ready(r.site); err != nil {
		return r, err
	}
	played, err := sim.Simulate(seed, r.site, d.o)
	if err != nil {
		return r, err
	}
	r.hours, r.visits, r.lines = d.o.Hours, played.Visits, make([]journal.Line, len(played.Lines))
	for k := range r.lines {
		if r.lines[k], err = journal.Parse(played.Lines[k].AppendJSON(nil)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// given are directories, each with a recording, its truth and its site, as magpie simulate writes them.
type given []string

func (g given) name(i int) string { return g[i] }

// open reads one.
func (g given) open(i int, ready func(*site.Site) error) (r recorded, err error) {
	dir := g[i]
	if _, err := os.Stat(filepath.Join(dir, "site.yaml")); err != nil {
		return r, fmt.Errorf("%s holds no site.yaml; name directories that each hold site.yaml, recording.jsonl and truth.jsonl", dir)
	}
	if r.site, err = site.Load(filepath.Join(dir, "site.yaml")); err != nil {
		return r, err
	}
	if err := ready(r.site); err != nil {
		return r, err
	}
	if r.visits, err = readTruth(filepath.Join(dir, "truth.jsonl")); err != nil {
		return r, err
	}
	path, err := recordingIn(dir)
	if err != nil {
		return r, err
	}
	in, err := journal.OpenRecording(path)
	if err != nil {
		return r, err
	}
	defer in.Close()
	for {
		l, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, err
		}
		if len(r.lines) == 0 && begins(&l) {
			return r, fmt.Errorf("%s goes on from a state before it; evaluate wants a recording from its beginning", path)
		}
		r.lines = append(r.lines, l)
	}
	if len(r.lines) > 0 {
		r.hours = float64(r.lines[len(r.lines)-1].Received-r.lines[0].Received) / 3600e9
	}
	if r.hours <= 0 {
		return r, fmt.Errorf("%s: the recording is empty, or of a single moment", path)
	}
	return r, nil
}

// recordingIn is the recording of a directory, packed or not.
func recordingIn(dir string) (string, error) {
	for _, end := range []string{"", ".zst", ".gz"} {
		path := filepath.Join(dir, "recording.jsonl"+end)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s holds no recording.jsonl, .jsonl.zst or .jsonl.gz", dir)
}

// readTruth reads what was so in a store: one visit a line.
func readTruth(path string) (visits []*sim.Visit, err error) {
	known := map[string]bool{}
	err = eachLine(path, func(text []byte) error {
		v := new(sim.Visit)
		if err := json.Unmarshal(text, v); err != nil {
			return err
		}
		if known[v.Person] {
			return fmt.Errorf("person %q has a line before; give each visit a name of its own, also that of one who comes again", v.Person)
		}
		known[v.Person] = true
		visits = append(visits, v)
		return nil
	})
	if err == nil && len(visits) == 0 {
		err = fmt.Errorf("%s tells of no visit; it has one line for each, as magpie simulate writes them", path)
	}
	return visits, err
}

// known reports whether the truth tells of nobody whom the recording shows: then tracks are written otherwise there, and all
// numbers would be of nothing.
func (r *recorded) known(scores []sim.Scored) error {
	shown := map[string]bool{}
	for _, s := range scores {
		for _, t := range s.Tracks {
			shown[t] = true
		}
	}
	told := ""
	for _, v := range r.visits {
		for _, s := range v.Tracks {
			if shown[s.Track] {
				return nil
			}
			told = s.Track
		}
	}
	if told == "" || len(shown) == 0 {
		return nil // a store without cameras: who crosses a way out is whom an alert is about
	}
	return fmt.Errorf("no track of truth.jsonl, such as %q, is in the recording, which shows %q and others; write camera/track as published",
		told, slices.Min(slices.Collect(maps.Keys(shown))))
}
