package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"magpie/rules"
)

// trim keeps the journal within its bounds. Every ten minutes it notes anew which policies judge, so that what is left
// after the oldest segments have gone says so, even where no snapshot does.
func (st *station) trim(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if n%10 == 0 {
				if err := st.live.note(ctx, st.live.judging()); err != nil && ctx.Err() == nil {
					st.log.Error("cannot note the policies in the journal", "error", err)
				}
			}
			st.trimBefore(min(st.live.place.read(), st.live.snapshots.until()))
		}
	}
}

// trimBefore removes what retention does not keep and nobody needs from this place on.
func (st *station) trimBefore(offset int64) {
	if n, err := st.journal.Trim(offset); err != nil {
		st.log.Error("cannot trim the journal", "error", err)
	} else if n > 0 {
		st.log.Info("trimmed the journal", "bytes", n)
	}
}

// watch takes over changed policies, or says what is wrong with them. A folder that goes away is such a thing too: the set
// that judges goes on, and when the folder is back, as after a deployment that replaces it, its set is taken.
func (st *station) watch(ctx context.Context) error {
	dir := st.set.policies
	for hash := st.live.judging().Hash; ; hash = "" {
		err := rules.Watch(ctx, dir, hash, 100*time.Millisecond, func() {
			set, err := st.live.sets.load(dir)
			if err == nil {
				err = st.live.adopt(ctx, set, time.Now())
			}
			if err != nil && ctx.Err() == nil {
				st.live.refuse(ctx, err, time.Now())
			}
		})
		if err == nil || ctx.Err() != nil {
			return nil
		}
		st.live.refuse(ctx, fmt.Errorf("%w; put it back", err), time.Now())
		for gone := true; gone; {
			select {
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
				return nil
			}
			info, err := os.Stat(dir)
			gone = err != nil || !info.IsDir()
		}
	}
}
