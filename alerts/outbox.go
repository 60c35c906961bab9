package alerts

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// Target is one output that an alert goes to. Floor marks the outputs of the tiers staff and gate: after the alert has
// expired nothing is pushed to them but the retraction of what they were told.
type Target struct {
	Output string
	Floor  bool
}

// OutboxEntry is one line of an alert with where it goes. Body is kept byte for byte.
type OutboxEntry struct {
	ID      string
	Rev     int
	State   State
	Tier    string
	Expires int64 // ns since 1970; 0: never
	Body    []byte
	To      []Target
}

// NewOutboxEntry makes the entry of an alert's current line.
func NewOutboxEntry(a *Alert, to []Target) OutboxEntry {
	return OutboxEntry{ID: a.ID, Rev: a.Rev, State: a.State, Tier: a.Tier, Expires: a.EventTime + int64(Lifetime),
		Body: a.AppendJSON(nil, false), To: to}
}

// OutboxHooks are told what happens, for metrics; any may be nil. They must be quick and may be called from several
// goroutines at once.
type OutboxHooks struct {
	Queue    func(output string, waiting, dead int) // after every change
	Bytes    func(held, bound int64)                // bodies that wait or are dead
	Sent     func(output string, took time.Duration)
	Retry    func(output string, err error)
	Disabled func(output string, disabled bool)
	Conflict func(id string, rev int) // other bytes for an (id, rev) that is already there
	Dropped  func(id string, rev int) // a dead one that made room at the bound
}

// OutboxOptions are the outbox's settings; zero values take the defaults in brackets.
type OutboxOptions struct {
	Now         func() time.Time // [time.Now]
	Jitter      func() float64   // 0–1 [math/rand]
	FirstWait   time.Duration    // largest wait before the first retry, doubled for each further one [500ms]
	LongestWait time.Duration    // [2m]
	SendTimeout time.Duration    // [15s]
	GiveUp      time.Duration    // from being stored to the dead list [24h]
	MaxBytes    int64            // bodies that wait or are dead [256 MiB]
	Keep        time.Duration    // how long what is done is remembered, to know repeats and whom to tell of a retraction [72h]
	Hooks       OutboxHooks
	Log         *slog.Logger // [discards]
}

func (o OutboxOptions) withDefaults() OutboxOptions {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	for _, d := range []struct {
		at   *time.Duration
		unit time.Duration
	}{{&o.FirstWait, 500 * time.Millisecond}, {&o.LongestWait, 2 * time.Minute}, {&o.SendTimeout, 15 * time.Second},
		{&o.GiveUp, 24 * time.Hour}, {&o.Keep, 72 * time.Hour}} {
		if *d.at <= 0 {
			*d.at = d.unit
		}
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Errors of Put.
var (
	ErrConflict = errors.New("this id and rev are stored with other bytes: the stored ones stand")
	ErrFull     = errors.New("the outbox has reached its bound: bring the outputs back or raise the bound")
)

// Outbox stores alert lines durably before anything is sent and delivers each at least once to each of its outputs, in
// the order of its revisions, never with other bytes. Make one with OpenOutbox, Put from anywhere, and Run it once.
type Outbox struct {
	db  *bbolt.DB
	opt OutboxOptions

	mu    sync.Mutex
	lanes map[string]*lane
	dead  map[string]int // by output
	held  atomic.Int64   // bytes of bodies in the file
}

var (
	bucketRevs   = []byte("revs")   // id 0 rev → record
	bucketBodies = []byte("bodies") // id 0 rev → the alert's line, as long as some output waits for it
)

// record is what is kept of an (id, rev).
type record struct {
	Hash    string `json:"hash"` // of the body, which may be gone
	Size    int64  `json:"size"` // of the body, 0 once it is gone
	State   State  `json:"state"`
	Tier    string `json:"tier"`
	Expires int64  `json:"expires,omitempty"`
	Stored  int64  `json:"stored"`
	To      []goal `json:"to"`
	Seq     uint64 `json:"seq"` // order of storing, from 1
}

// goal is how far one output has come with one (id, rev).
type goal struct {
	Output string `json:"output"`
	Floor  bool   `json:"floor,omitempty"`
	Status string `json:"status"`
	Since  int64  `json:"since"`             // stored or asked for again: giving up counts from here
	Told   bool   `json:"told,omitempty"`    // the receiver has it, or may have it though it never said so
	Error  string `json:"error,omitempty"`   // the last one
	Tries  int    `json:"tries,omitempty"`   // when it was given up
	DiedAt int64  `json:"died_at,omitempty"` // when it was given up
}

// What a goal's Status may be.
const (
	waiting   = "waiting"
	delivered = "delivered"
	expired   = "expired" // too late for the floor
	skipped   = "skipped" // a retraction of what the output never got
	dead      = "dead"
	dropped   = "dropped" // was dead, made room at the bound
)

// OpenOutbox opens or creates the outbox file. A sink's Name is the output's name; two of one name are an error, and so
// is a file that another process holds. What waits for an output that has no sink any more goes to the dead list.
func OpenOutbox(path string, sinks []Sink, opt OutboxOptions) (*Outbox, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 2 * time.Second, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, fmt.Errorf("outbox %s: %w (is another magpie running on it?)", path, err)
	}
	db.MaxBatchDelay = time.Millisecond // long enough to share an fsync, too short to be felt
	o := &Outbox{db: db, opt: opt.withDefaults(), lanes: map[string]*lane{}, dead: map[string]int{}}
	for _, s := range sinks {
		if o.lanes[s.Name()] != nil {
			db.Close()
			return nil, fmt.Errorf("outbox %s: two outputs are named %q; names must differ", path, s.Name())
		}
		o.lanes[s.Name()] = &lane{sink: s, chains: map[string]*chain{}, wake: make(chan struct{}, 1)}
	}
	if err := o.load(); err != nil {
		db.Close()
		return nil, fmt.Errorf("outbox %s: %w", path, err)
	}
	return o, nil
}

// Close closes the file. Run must have returned.
func (o *Outbox) Close() error { return o.db.Close() }

// Put stores entries durably, in one transaction; when it returns nil they survive a kill. The same (id, rev) with the
// same bytes again is a no-op, with other bytes ErrConflict: the others are stored all the same. A retraction also goes
// to every output of the alert's earlier revisions. At the bound the oldest dead ones make room; if that is not enough,
// nothing is stored and the error is ErrFull.
func (o *Outbox) Put(entries ...OutboxEntry) error {
	for _, e := range entries {
		if e.ID == "" || strings.ContainsRune(e.ID, 0) || e.Rev < 1 || len(e.Body) == 0 {
			return fmt.Errorf("alert %q revision %d: an outbox entry needs an id, a rev of 1 or more and a body", e.ID, e.Rev)
		}
	}
	var fresh []string
	var bad []OutboxEntry
	var dropped []droppedDead
	err := o.db.Batch(func(tx *bbolt.Tx) (err error) {
		fresh, bad, dropped = fresh[:0], bad[:0], dropped[:0] // Batch may run this more than once
		need := int64(0)
		for _, e := range entries {
			isNew, err := o.store(tx, e)
			if errors.Is(err, ErrConflict) {
				bad = append(bad, e)
			} else if err != nil {
				return fmt.Errorf("alert %s revision %d: %w", e.ID, e.Rev, err)
			} else if isNew {
				fresh = append(fresh, string(revKey(e.ID, e.Rev)))
				need += int64(len(e.Body))
			}
		}
		dropped, err = o.makeRoom(tx, need, fresh)
		return err
	})
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	o.forget(dropped)
	if err := o.enqueue(fresh, false); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	var errs []error
	for _, e := range bad {
		if o.opt.Hooks.Conflict != nil {
			o.opt.Hooks.Conflict(e.ID, e.Rev)
		}
		errs = append(errs, fmt.Errorf("outbox: alert %s revision %d: %w", e.ID, e.Rev, ErrConflict))
	}
	return errors.Join(errs...)
}

// store writes one entry in tx and says whether it is new.
func (o *Outbox) store(tx *bbolt.Tx, e OutboxEntry) (bool, error) {
	revs, key := tx.Bucket(bucketRevs), revKey(e.ID, e.Rev)
	sum := sha256.Sum256(e.Body)
	hash := hex.EncodeToString(sum[:])
	if old := revs.Get(key); old != nil {
		r, err := readRecord(key, old)
		if err == nil && r.Hash != hash {
			err = ErrConflict
		}
		return false, err
	}
	now := o.opt.Now().UnixNano()
	to := slices.Clone(e.To)
	if e.State == Retracted {
		earlier, err := targetsOf(tx, e.ID)
		if err != nil {
			return false, err
		}
		to = append(to, earlier...)
	}
	seq, err := revs.NextSequence()
	if err != nil {
		return false, err
	}
	r := record{Hash: hash, State: e.State, Tier: e.Tier, Expires: e.Expires, Stored: now, Seq: seq}
	for _, t := range to {
		if i := slices.IndexFunc(r.To, func(g goal) bool { return g.Output == t.Output }); i >= 0 {
			r.To[i].Floor = r.To[i].Floor && t.Floor // named by a tier below staff too: not a floor push
			continue
		}
		g := goal{Output: t.Output, Floor: t.Floor, Status: waiting, Since: now}
		if o.lanes[t.Output] == nil {
			g.Status, g.DiedAt, g.Error = dead, now, "no output of this name is configured"
		}
		r.To = append(r.To, g)
	}
	if len(r.To) > 0 {
		r.Size = int64(len(e.Body))
		if err := tx.Bucket(bucketBodies).Put(key, e.Body); err != nil {
			return false, err
		}
	}
	return true, writeRecord(tx, key, r)
}

// targetsOf gives the outputs of all stored revisions of an alert.
func targetsOf(tx *bbolt.Tx, id string) ([]Target, error) {
	var to []Target
	err := eachRev(tx, id, func(_ []byte, r record) error {
		for _, g := range r.To {
			to = append(to, Target{g.Output, g.Floor})
		}
		return nil
	})
	return to, err
}

// eachRev calls f with every stored revision of an alert in the order of rev, or of all alerts when id is "".
func eachRev(tx *bbolt.Tx, id string, f func(key []byte, r record) error) error {
	prefix := id + "\x00"
	if id == "" {
		prefix = ""
	}
	c := tx.Bucket(bucketRevs).Cursor()
	for k, v := c.Seek([]byte(prefix)); k != nil && strings.HasPrefix(string(k), prefix); k, v = c.Next() {
		r, err := readRecord(k, v)
		if err != nil {
			return err
		}
		if err := f(k, r); err != nil {
			return err
		}
	}
	return nil
}

func readRecord(key, v []byte) (r record, err error) {
	if err := json.Unmarshal(v, &r); err != nil || r.Seq == 0 {
		return r, fmt.Errorf("record %q cannot be read (%v); move the file away to start with an empty outbox", key, err)
	}
	return r, nil
}

func writeRecord(tx *bbolt.Tx, key []byte, r record) error {
	v, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketRevs).Put(key, v)
}

// revKey orders an alert's revisions by number.
func revKey(id string, rev int) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(id), 0), uint64(rev))
}

func splitKey(key string) (id string, rev int) {
	i := len(key) - 9
	return key[:i], int(binary.BigEndian.Uint64([]byte(key[i+1:])))
}

// Run delivers until ctx ends, one goroutine per output, and forgets what is done and old. It returns ctx's error.
func (o *Outbox) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, l := range o.lanes {
		all.Go(func() { o.runLane(ctx, l) })
	}
	all.Go(func() { o.runTrim(ctx) })
	all.Wait()
	return ctx.Err()
}
