package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// DeadDelivery is what was given up: visible, and sent again by Resend.
type DeadDelivery struct {
	ID     string    `json:"id"`
	Rev    int       `json:"rev"`
	State  State     `json:"state"`
	Tier   string    `json:"tier"`
	Output string    `json:"output"`
	Tries  int       `json:"tries"` // since the process that gave it up had started
	At     time.Time `json:"at"`
	Error  string    `json:"error"` // of the last try
}

// OutputStatus is how one output stands.
type OutputStatus struct {
	Name     string    `json:"name"`
	Waiting  int       `json:"waiting"`
	Dead     int       `json:"dead"`
	Disabled string    `json:"disabled,omitempty"` // why; until the process starts again
	Until    time.Time `json:"until,omitzero"`     // nothing is sent before
}

// Outputs gives the state of every output that has a sink or dead deliveries, by name.
func (o *Outbox) Outputs() []OutputStatus {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []OutputStatus
	for name, l := range o.lanes {
		s := OutputStatus{Name: name, Waiting: l.waiting, Dead: o.dead[name], Disabled: l.disabled}
		if l.hold.After(o.opt.Now()) {
			s.Until = l.hold
		}
		all = append(all, s)
	}
	for name, n := range o.dead {
		if o.lanes[name] == nil && n > 0 {
			all = append(all, OutputStatus{Name: name, Dead: n, Disabled: "no output of this name is configured"})
		}
	}
	slices.SortFunc(all, func(a, b OutputStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Bytes gives the bytes of the bodies that wait or are dead, and the bound.
func (o *Outbox) Bytes() (held, bound int64) { return o.held.Load(), o.opt.MaxBytes }

// Dead lists what was given up, oldest first.
func (o *Outbox) Dead() ([]DeadDelivery, error) {
	var all []DeadDelivery
	err := o.db.View(func(tx *bbolt.Tx) error {
		return eachRev(tx, "", func(k []byte, r record) error {
			id, rev := splitKey(string(k))
			for _, g := range r.To {
				if g.Status == dead {
					all = append(all, DeadDelivery{ID: id, Rev: rev, State: r.State, Tier: r.Tier, Output: g.Output,
						Tries: g.Tries, At: time.Unix(0, g.DiedAt).UTC(), Error: g.Error})
				}
			}
			return nil
		})
	})
	slices.SortStableFunc(all, func(a, b DeadDelivery) int { return a.At.Compare(b.At) })
	return all, err
}

// Resend queues the dead deliveries of (id, rev) again, under the same key and with the same bytes, and says how many.
// It refuses what would raise an alert again where its retraction was already delivered.
func (o *Outbox) Resend(id string, rev int) (int, error) {
	key := revKey(id, rev)
	var again []goal
	var r record
	err := o.db.Update(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketRevs).Get(key)
		if v == nil {
			return errors.New("the outbox has no such revision")
		}
		var err error
		if r, err = readRecord(key, v); err != nil {
			return err
		}
		cleared := map[string]bool{}
		err = eachRev(tx, id, func(_ []byte, later record) error {
			for _, g := range later.To {
				cleared[g.Output] = cleared[g.Output] || later.State == Retracted && g.Status == delivered
			}
			return nil
		})
		if err != nil {
			return err
		}
		var why []error
		for i := range r.To {
			switch g := &r.To[i]; {
			case g.Status != dead:
			case o.lanes[g.Output] == nil:
				why = append(why, fmt.Errorf("no output named %q is configured", g.Output))
			case cleared[g.Output] && r.State != Retracted:
				why = append(why, fmt.Errorf("output %q already has the retraction of this alert", g.Output))
			default:
				*g = goal{Output: g.Output, Floor: g.Floor, Told: g.Told, Status: waiting, Since: o.opt.Now().UnixNano()}
				again = append(again, *g)
			}
		}
		if len(again) == 0 {
			return errors.Join(append(why, errors.New("nothing of it can be sent again; Dead lists what can"))...)
		}
		return writeRecord(tx, key, r)
	})
	if err != nil {
		return 0, fmt.Errorf("resend alert %s revision %d: %w", id, rev, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, g := range again {
		o.dead[g.Output]--
		o.push(string(key), r, g, g.Told)
	}
	o.report()
	return len(again), nil
}

// droppedDead is a dead entry that made room.
type droppedDead struct {
	key  string
	rec  record
	size int64
}

// makeRoom drops the oldest entries of which nothing waits, but none of fresh, until need more bytes fit, or fails with
// ErrFull. Puts that share a transaction may pass the bound by one another's bytes.
func (o *Outbox) makeRoom(tx *bbolt.Tx, need int64, fresh []string) ([]droppedDead, error) {
	over := o.held.Load() + need - o.opt.MaxBytes
	if over <= 0 {
		return nil, nil
	}
	var all []droppedDead
	err := eachRev(tx, "", func(k []byte, r record) error {
		waits := slices.ContainsFunc(r.To, func(g goal) bool { return g.Status == waiting })
		if r.Size > 0 && !waits && !slices.Contains(fresh, string(k)) {
			all = append(all, droppedDead{string(k), r, r.Size})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b droppedDead) int { return int(a.rec.Seq) - int(b.rec.Seq) })
	n := 0
	for ; n < len(all) && over > 0; n++ {
		over -= all[n].size
	}
	if over > 0 {
		return nil, fmt.Errorf("%w: %d of %d bytes are waiting, %d more do not fit", ErrFull, o.held.Load(), o.opt.MaxBytes, need)
	}
	for _, d := range all[:n] {
		r := d.rec
		r.To = slices.Clone(r.To)
		for i := range r.To {
			if r.To[i].Status == dead {
				r.To[i].Status = dropped
			}
		}
		r.freeBody()
		if err := tx.Bucket(bucketBodies).Delete([]byte(d.key)); err != nil {
			return nil, err
		}
		if err := writeRecord(tx, []byte(d.key), r); err != nil {
			return nil, err
		}
	}
	return all[:n], nil
}

// forget takes dropped entries out of the counts.
func (o *Outbox) forget(all []droppedDead) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range all {
		o.held.Add(-d.size)
		for _, g := range d.rec.To {
			if g.Status == dead {
				o.dead[g.Output]--
			}
		}
		id, rev := splitKey(d.key)
		if o.opt.Hooks.Dropped != nil {
			o.opt.Hooks.Dropped(id, rev)
		}
		o.opt.Log.Error("outbox at its bound: a dead alert was dropped", "alert", id, "rev", rev, "bound", o.opt.MaxBytes)
	}
}

// runTrim forgets now and then what is done and older than Keep.
func (o *Outbox) runTrim(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := o.trim(); err != nil {
			o.opt.Log.Error("outbox cannot be trimmed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (o *Outbox) trim() error {
	before := o.opt.Now().Add(-o.opt.Keep).UnixNano()
	var old [][]byte
	find := func(k []byte, r record) error {
		if r.Stored < before && r.Size == 0 {
			old = append(old, slices.Clone(k))
		}
		return nil
	}
	if err := o.db.View(func(tx *bbolt.Tx) error { return eachRev(tx, "", find) }); err != nil || len(old) == 0 {
		return err
	}
	return o.db.Update(func(tx *bbolt.Tx) error {
		for _, k := range old {
			if err := tx.Bucket(bucketRevs).Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}
