package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"magpie/rules"
)

// covered is what the tests have seen of one policy.
type covered struct {
	policy      string
	sides, seen int
	never       []string // file:line:column and what was never seen there
}

func (c *covered) percent() float64 {
	if c.sides == 0 {
		return 100
	}
	return 100 * float64(c.seen) / float64(c.sides)
}

// coverage prints what the tests have seen of each policy, and lists those of which they saw less than floor percent. Of
// policies beside a test file that was named alone it tells of those that the file is about.
func (b *bench) coverage(out io.Writer, files []*rules.TestFile, named []string, floor float64) (low []string) {
	if b.covers == nil {
		return nil
	}
	whole := map[string]bool{} // directories all of whose tests ran
	for _, n := range named {
		if !strings.HasSuffix(n, "_test.yaml") {
			whole[filepath.Clean(n)] = true
		}
	}
	about := map[string]bool{}
	for _, f := range files {
		about[strings.TrimSuffix(filepath.Base(f.File), "_test.yaml")] = true
		for i := range f.Tests {
			for _, e := range f.Tests[i].Expect {
				about[e.Policy] = true
			}
		}
	}
	fmt.Fprintln(out)
	for _, dir := range slices.Sorted(maps.Keys(b.covers)) {
		for _, c := range seenOf(dir, b.covers[dir]) {
			if !whole[filepath.Clean(dir)] && !about[c.policy] {
				continue
			}
			fmt.Fprintf(out, "%5.1f %%  %s: %d of %d sides were seen\n", c.percent(), c.policy, c.seen, c.sides)
			for _, n := range c.never {
				fmt.Fprintf(out, "         %s\n", n)
			}
			if c.percent() < floor {
				low = append(low, fmt.Sprintf("%s (%.1f %%)", c.policy, c.percent()))
			}
		}
	}
	return low
}

// seenOf gathers what the sets of a directory have seen, one for each site, by policy.
func seenOf(dir string, covers []*rules.Coverage) (all []*covered) {
	type place struct {
		file      string
		line, col int
		text      string
	}
	points := map[place]*rules.Point{}
	var order []*rules.Point
	for _, c := range covers {
		for _, p := range c.Points() {
			at := place{p.File, p.Line, p.Col, p.Text}
			was := points[at]
			if was == nil {
				points[at] = &p
				order = append(order, &p)
				continue
			}
			for i := range p.Sides {
				was.Sides[i].Seen = was.Sides[i].Seen || p.Sides[i].Seen
			}
		}
	}
	slices.SortStableFunc(order, func(a, b *rules.Point) int {
		return cmp.Or(strings.Compare(a.Policy, b.Policy), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	for _, p := range order {
		if len(all) == 0 || all[len(all)-1].policy != p.Policy {
			all = append(all, &covered{policy: p.Policy})
		}
		c := all[len(all)-1]
		for _, s := range p.Sides {
			c.sides++
			if s.Seen {
				c.seen++
				continue
			}
			c.never = append(c.never, fmt.Sprintf("%s:%d:%d: never %s: %s", filepath.Join(dir, p.File), p.Line, p.Col, s.Name, p.Text))
		}
	}
	return all
}
