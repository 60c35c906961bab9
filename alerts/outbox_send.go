package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// lane is one output's queue. Its chains are guarded by Outbox.mu; hold and fails too.
type lane struct {
	sink     Sink
	chains   map[string]*chain // by alert id: order matters within an alert only
	waiting  int               // items in all chains
	wake     chan struct{}
	hold     time.Time // nothing is sent before
	asked    bool      // hold is the receiver's wish
	fails    int       // throttled in a row
	disabled string    // why, after 410
}

// chain is what waits of one alert, by rev.
type chain struct {
	items []item
	due   time.Time
	fails int
}

type item struct {
	key     string
	rev     int
	seq     uint64
	state   State
	tier    string
	expires int64
	since   int64
	floor   bool
	told    bool // may have been sent before this process started
	tries   int
}

// load rebuilds the queues from the file.
func (o *Outbox) load() error {
	var keys []string
	now := o.opt.Now().UnixNano()
	err := o.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketRevs, bucketBodies} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		orphans := map[string]record{}
		err := eachRev(tx, "", func(k []byte, r record) error {
			keys = append(keys, string(k))
			for i, g := range r.To {
				if g.Status == waiting && o.lanes[g.Output] == nil {
					r.To[i].Status, r.To[i].DiedAt, r.To[i].Error = dead, now, "no output of this name is configured"
					orphans[string(k)] = r
				}
			}
			return nil
		})
		for k, r := range orphans {
			if err := writeRecord(tx, []byte(k), r); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return o.enqueue(keys, true)
}

// enqueue takes stored records into the queues and counts. What waited before the process started may have been sent.
func (o *Outbox) enqueue(keys []string, old bool) error {
	recs := make([]record, len(keys))
	err := o.db.View(func(tx *bbolt.Tx) (err error) {
		for i, key := range keys {
			recs[i], err = readRecord([]byte(key), tx.Bucket(bucketRevs).Get([]byte(key)))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, r := range recs {
		o.held.Add(r.Size)
		for _, g := range r.To {
			switch g.Status {
			case dead:
				o.dead[g.Output]++
			case waiting:
				o.push(keys[i], r, g, g.Told || old)
			}
		}
	}
	o.report()
	return nil
}

// push puts one goal into its lane, in the order of rev. A retraction does not wait for back-off that nobody asked for.
func (o *Outbox) push(key string, r record, g goal, told bool) {
	l := o.lanes[g.Output]
	id, rev := splitKey(key)
	c := l.chains[id]
	if c == nil {
		c = &chain{}
		l.chains[id] = c
	}
	it := item{key: key, rev: rev, seq: r.Seq, state: r.State, tier: r.Tier, expires: r.Expires, since: g.Since, floor: g.Floor, told: told}
	at, found := slices.BinarySearchFunc(c.items, rev, func(it item, rev int) int { return it.rev - rev })
	if found {
		return // asked for again while it waits
	}
	c.items = slices.Insert(c.items, at, it)
	l.waiting++
	if r.State == Retracted {
		c.due = time.Time{}
		if !l.asked {
			l.hold = time.Time{}
		}
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// report tells the hooks about queues and bytes; mu is held.
func (o *Outbox) report() {
	if h := o.opt.Hooks.Queue; h != nil {
		for name, l := range o.lanes {
			h(name, l.waiting, o.dead[name])
		}
	}
	if h := o.opt.Hooks.Bytes; h != nil {
		h(o.held.Load(), o.opt.MaxBytes)
	}
}

// next picks what to send now: retractions first, then what was stored first. With nothing to do it says how long to
// wait, at most an hour.
func (o *Outbox) next(l *lane) (id string, it item, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.opt.Now()
	until := now.Add(time.Hour)
	var best *chain
	for cid, c := range l.chains {
		due := c.due
		if l.disabled != "" {
			due = time.Unix(0, c.items[0].since).Add(o.opt.GiveUp)
		} else if l.hold.After(due) {
			due = l.hold
		}
		if due.After(now) {
			if due.Before(until) {
				until = due
			}
			continue
		}
		if best == nil || c.urgent() != best.urgent() && c.urgent() || c.urgent() == best.urgent() && c.items[0].seq < best.items[0].seq {
			best, id = c, cid
		}
	}
	if best == nil {
		return "", item{}, until.Sub(now)
	}
	best.items[0].tries++
	return id, best.items[0], 0
}

// urgent: the alert is to be taken back.
func (c *chain) urgent() bool { return c.items[len(c.items)-1].state == Retracted }

func (o *Outbox) runLane(ctx context.Context, l *lane) {
	for ctx.Err() == nil {
		id, it, wait := o.next(l)
		if id == "" {
			t := time.NewTimer(wait)
			select {
			case <-ctx.Done():
			case <-l.wake:
			case <-t.C:
			}
			t.Stop()
			continue
		}
		o.attempt(ctx, l, id, it)
	}
}

// attempt sends the head of one chain, or settles it without sending.
func (o *Outbox) attempt(ctx context.Context, l *lane, id string, it item) {
	name := l.sink.Name()
	if l.disabled != "" {
		o.settle(l, id, it, dead, fmt.Errorf("the output is disabled: %s", l.disabled))
		return
	}
	var body []byte
	told := false
	err := o.db.View(func(tx *bbolt.Tx) error {
		body = slices.Clone(tx.Bucket(bucketBodies).Get([]byte(it.key)))
		return eachRev(tx, id, func(_ []byte, r record) error {
			told = told || slices.ContainsFunc(r.To, func(g goal) bool { return g.Output == name && g.Told })
			return nil
		})
	})
	if err == nil && len(body) == 0 {
		err = errors.New("its body is missing from the outbox")
	}
	start := o.opt.Now()
	switch {
	case err != nil:
		o.settle(l, id, it, dead, err)
		return
	case it.state == Retracted && !told:
		o.settle(l, id, it, skipped, nil)
		return
	case it.state != Retracted && it.floor && it.expires != 0 && start.UnixNano() > it.expires:
		o.settle(l, id, it, expired, nil)
		return
	}
	sendCtx, cancel := context.WithTimeout(ctx, o.opt.SendTimeout)
	err = l.sink.Send(sendCtx, Delivery{ID: id, Rev: it.rev, State: it.state, Tier: it.tier, Body: body, Attempt: it.tries})
	cancel()
	if err == nil {
		if o.opt.Hooks.Sent != nil {
			o.opt.Hooks.Sent(name, o.opt.Now().Sub(start))
		}
		o.settle(l, id, it, delivered, nil)
		return
	}
	if ctx.Err() != nil {
		return // we are stopping; it waits in the file
	}
	if o.opt.Hooks.Retry != nil {
		o.opt.Hooks.Retry(name, err)
	}
	o.opt.Log.Warn("alert not delivered", "output", name, "alert", id, "rev", it.rev, "try", it.tries, "err", err)
	again, told := o.backOff(l, id, it, err)
	it.told = it.told || told
	if !again || o.opt.Now().UnixNano()-it.since >= int64(o.opt.GiveUp) {
		o.settle(l, id, it, dead, err)
	}
}

// backOff decides when to try again after err, with exponential back-off and full jitter; again is false for never. told
// says that the alert may have arrived all the same.
func (o *Outbox) backOff(l *lane, id string, it item, err error) (again, told bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, c := o.opt.Now(), l.chains[id]
	var gone Gone
	var throttle Throttle
	if errors.As(err, new(Permanent)) {
		return false, false
	}
	told = !errors.As(err, &throttle) || !throttle.Unsent
	for i := range c.items { // not always the first: Resend may have put an earlier one before it
		if c.items[i].key == it.key {
			c.items[i].told = c.items[i].told || told
		}
	}
	switch {
	case errors.As(err, &gone):
		l.disabled = gone.Error()
		if o.opt.Hooks.Disabled != nil {
			o.opt.Hooks.Disabled(l.sink.Name(), true)
		}
		o.opt.Log.Error("output disabled until restart", "output", l.sink.Name(), "err", err)
	case errors.As(err, &throttle):
		l.fails++
		l.asked = throttle.After > 0
		wait := throttle.After
		if !l.asked {
			wait = o.jittered(l.fails)
		}
		l.hold = now.Add(wait)
	default:
		c.fails++
		c.due = now.Add(o.jittered(c.fails))
	}
	return true, told
}

// jittered is a random wait from 0 to FirstWait doubled with each failure, at most LongestWait.
func (o *Outbox) jittered(fails int) time.Duration {
	most := o.opt.FirstWait
	for range fails - 1 {
		if most >= o.opt.LongestWait {
			break
		}
		most *= 2
	}
	return time.Duration(o.opt.Jitter() * float64(min(most, o.opt.LongestWait)))
}

// settle writes how a delivery ended and takes it off the queue. When the file cannot be written it stays queued and is
// sent again: at least once.
func (o *Outbox) settle(l *lane, id string, it item, status string, cause error) {
	name := l.sink.Name()
	freed := int64(0)
	err := o.db.Batch(func(tx *bbolt.Tx) error {
		freed = 0
		r, err := readRecord([]byte(it.key), tx.Bucket(bucketRevs).Get([]byte(it.key)))
		if err != nil {
			return err
		}
		for i := range r.To {
			if g := &r.To[i]; g.Output == name {
				g.Status, g.Error = status, ""
				g.Told = g.Told || it.told || status == delivered
				if status == dead {
					g.Error, g.Tries, g.DiedAt = cause.Error(), it.tries, o.opt.Now().UnixNano()
				}
			}
		}
		freed = r.freeBody()
		if freed > 0 {
			if err := tx.Bucket(bucketBodies).Delete([]byte(it.key)); err != nil {
				return err
			}
		}
		return writeRecord(tx, []byte(it.key), r)
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	c := l.chains[id]
	if err != nil {
		o.opt.Log.Error("outbox cannot be written; the alert will be sent again", "output", name, "alert", id, "rev", it.rev, "err", err)
		c.fails++
		c.due = o.opt.Now().Add(o.jittered(c.fails))
		return
	}
	if status == delivered {
		l.fails, l.hold, l.asked = 0, time.Time{}, false
	}
	if status == dead {
		o.dead[name]++
		o.opt.Log.Error("alert given up; it is on the dead list and can be sent again", "output", name, "alert", id, "rev", it.rev, "err", cause)
	}
	o.held.Add(-freed)
	c.items = slices.DeleteFunc(c.items, func(x item) bool { return x.key == it.key })
	l.waiting--
	c.fails, c.due = 0, time.Time{}
	if len(c.items) == 0 {
		delete(l.chains, id)
	}
	o.report()
}

// freeBody forgets the body when no output needs it and returns its size.
func (r *record) freeBody() int64 {
	if slices.ContainsFunc(r.To, func(g goal) bool { return g.Status == waiting || g.Status == dead }) {
		return 0
	}
	n := r.Size
	r.Size = 0
	return n
}
