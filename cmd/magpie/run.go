package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"magpie/alerts"
	"magpie/dashboard"
	"magpie/journal"
	"magpie/metrics"
	"magpie/rules"
	"magpie/sensors"
	"magpie/site"
	"magpie/vision"
)

// runSettings are what the process, and not the site, says.
type runSettings struct {
	site, policies, data, http, broker, play, logLevel string
	sync, snapshot                                     time.Duration
	keepBytes                                          int64
	noCameras                                          bool
	vision                                             visionSettings
}

func (r *runSettings) parse(args []string, errw io.Writer) error {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.SetOutput(errw)
	fs.StringVar(&r.site, "site", "site.yaml", "the site `file`")
	fs.StringVar(&r.policies, "policies", "", "the policy `directory` (default: the site's, else the built-in policies)")
	fs.StringVar(&r.data, "data", "data", "`directory` for the journal, the outbox and all else that is kept")
	fs.StringVar(&r.http, "http", "127.0.0.1:8080", "`address` of page, API and /metrics; beyond this machine it needs MAGPIE_TOKEN in the environment")
	fs.StringVar(&r.broker, "broker", "", "`URL` of an outer MQTT broker, over the site's (mqtt://, mqtts://, ws:// or wss://)")
	fs.StringVar(&r.play, "play", "", "publish the messages of this `recording` to the broker, again and again, in step with cameras that are files")
	fs.DurationVar(&r.sync, "sync", 10*time.Millisecond, "messages that arrive within this time share an fsync")
	fs.Int64Var(&r.keepBytes, "keep-bytes", 10<<30, "most bytes of journal that are kept, beside the site's privacy.keep.recordings")
	fs.DurationVar(&r.snapshot, "snapshot", 2*time.Minute, "so often, in time of arrival, what the core knows is written beside the journal: a restart reads what came since")
	fs.StringVar(&r.logLevel, "log", "info", "log `level`: debug, info, warn, error")
	fs.BoolVar(&r.noCameras, "no-cameras", false, "leave the site's cameras to other processes (magpie vision)")
	r.vision.flags(fs)
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if r.sync <= 0 {
		return fmt.Errorf("--sync %v: give more than 0, such as 10ms", r.sync)
	}
	if r.snapshot < time.Second {
		return fmt.Errorf("--snapshot %v: give 1s or more; the core stands still for each", r.snapshot)
	}
	if r.keepBytes < leastSegment {
		return fmt.Errorf("--keep-bytes %d: give %d or more; what is older goes sooner by privacy.keep.recordings in the site file", r.keepBytes, leastSegment)
	}
	if r.broker != "" {
		if err := site.CheckBroker(r.broker); err != nil {
			return fmt.Errorf("--broker %w", err)
		}
	}
	return dashboard.CheckListen(r.http, os.Getenv("MAGPIE_TOKEN"))
}

// runRun is `magpie run`: everything on this machine.
func runRun(ctx context.Context, args []string, out, errw io.Writer) error {
	var set runSettings
	if err := set.parse(args, errw); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(set.logLevel)); err != nil {
		return fmt.Errorf("--log %s: give debug, info, warn or error", set.logLevel)
	}
	log := slog.New(slog.NewTextHandler(errw, &slog.HandlerOptions{Level: level}))
	s, err := site.Load(set.site)
	if err != nil {
		return err
	}
	if set.broker != "" {
		elsewhere := *s
		if s.Broker.URL == "" {
			elsewhere.Broker = site.Broker{} // user, certificates and all that is there are of the embedded one
		}
		elsewhere.Broker.URL = set.broker
		s = &elsewhere
	}
	for _, n := range s.Notes {
		log.Info(n, "component", "site")
	}
	if set.policies == "" {
		set.policies = s.Policies.Dir
	}
	st := &station{set: set, site: s, log: log, out: out, errw: errw}
	defer st.close()
	policies, err := st.ready(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(set.data, 0o700); err != nil {
		return fmt.Errorf("--data %s: %w; name a directory that can be written", set.data, err)
	}
	return st.run(ctx, policies)
}

// station is everything that `magpie run` starts. It is opened from the bottom up and closed in the other order.
type station struct {
	set  runSettings
	site *site.Site
	log  *slog.Logger
	out  io.Writer
	errw io.Writer

	prom    *metrics.Prometheus
	journal *journal.Journal
	broker  *sensors.Broker
	sub     *sensors.Subscriber
	outbox  *alerts.Outbox
	spool   *metrics.Spool
	live    *live
	shared  *vision.Shared // the detector of all cameras; nil: none is followed here
	closers []func() error
	trouble trouble

	mu    sync.Mutex
	group sync.WaitGroup
	first error
}

func (st *station) path(name string) string { return filepath.Join(st.set.data, name) }

func (st *station) onClose(f func() error) { st.closers = append(st.closers, f) }

func (st *station) close() {
	for i := len(st.closers) - 1; i >= 0; i-- {
		if err := st.closers[i](); err != nil {
			st.log.Warn("while stopping", "error", err)
		}
	}
}

// start runs a part until ctx ends; a part that fails before then stops everything.
func (st *station) start(ctx context.Context, stop context.CancelFunc, name string, part func(context.Context) error) {
	st.group.Add(1)
	go func() {
		defer st.group.Done()
		err := part(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.first == nil {
			st.first = fmt.Errorf("%s: %w", name, err)
		}
		stop()
	}()
}

func (st *station) run(ctx context.Context, set *rules.Set) error {
	now := time.Now
	st.prom = metrics.NewPrometheus(st.site.Store.ID, "0", buildHash())
	sets := newSetStore(st.path("policies"), st.site)
	if err := sets.take(set); err != nil {
		return err
	}
	if err := st.openJournal(now); err != nil {
		return err
	}
	if err := st.openBroker(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	publish := func(topic string, payload []byte) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return st.sub.Publish(ctx, topic, false, payload)
	}
	if err := st.openOutbox(publish, now); err != nil {
		return err
	}
	if err := st.openSpool(); err != nil {
		return err
	}
	v, err := openVerdicts(st.path("verdicts.jsonl"), now)
	if err != nil {
		return err
	}
	_, end := st.journal.Span()
	place := openPlace(st.set.data, end, st.log)
	rejections := newRejections(func(ctx context.Context, topic string, payload []byte) error {
		return st.sub.Publish(ctx, topic, false, payload)
	}, place, st.log)
	hub := dashboard.NewHub(256)
	live, err := newLive(&live{site: st.site, log: st.log, journal: st.journal, sets: sets, outbox: st.outbox, hub: hub,
		recent: newRecent(), health: newSourceHealth(st.site.Store), place: place, now: now, errw: st.errw, trouble: &st.trouble,
		numbers: newNumbers(st.site, st.prom, st.spool, now, st.log), rejections: rejections,
		snapshots: newSnapshots(st.journal, place, rejections, st.prom, st.log), every: st.set.snapshot})
	if err != nil {
		return err
	}
	if err := live.restore(); err != nil {
		return err
	}
	st.live = live
	st.trimBefore(live.from)
	if err := live.adopt(ctx, set, now()); err != nil {
		return err
	}
	receiver, err := newReceiver(st.site, st.journal, now)
	if err != nil {
		return err
	}
	handler := dashboard.New(dashboard.Options{Site: dashboard.SiteOf(st.site), Hub: hub,
		Alerts: live.recent.query, Revisions: live.recent.revisions, Marks: v.all,
		Sources: live.health.list, Policies: live.policySet, Visits: live.shownVisits, Shrink: live.shownShrink,
		Goods: goodsNames(st.site.Store), Health: st.trouble.err,
		Outbox: outboxOf(st.outbox), Resend: st.outbox.Resend,
		Receive: receiver.receive,
		Ack: func(id, who string) error {
			return st.marked(v, verdictLine{ID: id, Who: who})
		},
		Verdict: func(id string, x dashboard.Verdict) error {
			return st.marked(v, verdictLine{ID: id, Who: x.Who, Verdict: x.Verdict, Recovered: x.Recovered, Minutes: x.Minutes, Why: x.Why})
		},
		Metrics: st.prom.Handler(), Token: os.Getenv("MAGPIE_TOKEN"), Log: st.log})
	ln, err := net.Listen("tcp", st.set.http)
	if err != nil {
		return pageTaken(st.set.http, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	st.start(ctx, stop, "http", func(ctx context.Context) error {
		go func() {
			<-ctx.Done()
			hub.Close()
			server.Close()
		}()
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	if st.broker != nil {
		st.start(ctx, stop, "broker", func(ctx context.Context) error {
			return st.broker.Run(ctx, st.brokerTrouble)
		})
	}
	st.start(ctx, stop, "mqtt", st.sub.Run)
	st.start(ctx, stop, "outbox", st.outbox.Run)
	st.start(ctx, stop, "core", live.follow)
	st.start(ctx, stop, "rejections", rejections.run)
	st.start(ctx, stop, "retention", st.trim)
	if st.spool != nil {
		st.start(ctx, stop, "influx", st.write)
	}
	if st.set.policies != "" {
		st.start(ctx, stop, "policies", st.watch)
	}
	if err := st.startCameras(ctx, stop, now()); err != nil {
		stop()
		st.group.Wait()
		return err
	}
	st.log.Info("watching", "store", st.site.Store.ID, "page", "http://"+ln.Addr().String()+"/dashboard", "broker", st.brokerURL())
	st.group.Wait()
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.first
}

// leastSegment is the smallest of the journal's files, and so the least that can be kept, since the newest always is.
const leastSegment = 64 << 10

// segmentSize is after how many bytes the journal begins a new file: retention removes whole ones, and the newest never.
func segmentSize(keep int64) int64 { return min(max(keep/8, leastSegment), 64<<20) }

func (st *station) openJournal(now func() time.Time) error {
	j, err := journal.Open(st.path("journal"), journal.Options{Now: now, Sync: st.set.sync, Tick: time.Second,
		SegmentSize: segmentSize(st.set.keepBytes), MaxAge: st.site.Privacy.Keep.Recordings, MaxBytes: st.set.keepBytes, Drop: st.site.Privacy.Drop, Log: st.log,
		Hooks: journal.Hooks{
			Appended: func(lines, bytes int) {
				st.trouble.set("journal", nil)
				st.prom.JournalAppended(lines, bytes)
			},
			Failed: func(lines int, err error) {
				st.trouble.set("journal", err)
				st.prom.JournalFailed(lines, err)
			},
			Clock: func(behind time.Duration) {
				var err error
				if behind > 0 {
					err = fmt.Errorf("the clock is %s behind the journal, so that messages come too late: set it right, or if it is right now, stop and move %s away", behind.Round(time.Second), st.path("journal"))
				}
				st.trouble.set("clock", err)
			},
			Synced: st.prom.JournalSynced, Damaged: st.prom.JournalDamaged}})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	st.journal = j
	st.onClose(j.Close)
	if _, end := j.Span(); end == 0 {
		_, err = j.Write(context.Background(), journal.Line{Control: &journal.Control{Kind: journal.ControlState, State: journal.StateEmpty}})
	}
	return err
}

func (st *station) openBroker() error {
	b := st.site.Broker
	o := sensors.SubscriberOptions{URL: b.URL, User: b.User, Log: st.log.With("component", "mqtt"), ClientID: "magpie-" + st.site.Store.ID}
	d, err := sensors.NewDecoder(st.site.Store, sensors.Options{Foreign: st.site.Sources})
	if err != nil {
		return err
	}
	if b.URL == "" {
		broker, err := sensors.NewBroker(sensors.BrokerOptions{Listen: b.Listen, Dir: st.path("broker"), Store: st.site.Store.ID,
			Foreign: st.site.Sources, Users: b.Users, TLS: sensors.Files{Cert: b.CertFile, Key: b.KeyFile, CA: b.ClientCAFile}, Certain: b.Certain, Keep: true, Known: d.Known,
			Forgot: func(what string, n int) { st.prom.Evicted("broker "+what, n) }, Log: st.log.With("component", "broker")})
		if err != nil {
			return err
		}
		st.broker = broker
		st.onClose(func() error { broker.Close(); return nil })
		o.URL, o.ClientID, o.TLS = broker.OwnURL(), broker.Client(), broker.OwnTLS()
		o.User, o.Password = broker.Own()
	} else if err := brokerSecrets(b, &o); err != nil {
		return err
	}
	o.Topics = d.Filters()
	if st.broker != nil {
		o.Topics = []string{"#"} // on a broker of our own, a topic that nobody knows is told so and not passed over
	}
	o.Connected = func(up bool, err error) {
		if !up && err == nil {
			err = errors.New("no connection")
		}
		st.trouble.set("mqtt", err)
	}
	st.trouble.set("mqtt", errors.New("not connected yet"))
	o.Append = func(topic string, retain bool, payload []byte, done func(error)) {
		if sensors.OwnTopic(topic) {
			done(nil) // what Magpie says is no input
			return
		}
		st.journal.Append(journal.Line{Topic: topic, Retain: retain, Payload: payload}, func(_ int64, err error) { done(err) })
	}
	st.sub = sensors.NewSubscriber(o)
	return nil
}

// brokerTrouble hears that the embedded broker takes no message any more, or with nil that it does again.
func (st *station) brokerTrouble(err error) {
	st.trouble.set("broker", err)
	if err != nil {
		st.log.Error("no message is taken", "component", "broker", "error", err)
	} else {
		st.log.Info("messages are taken again", "component", "broker")
	}
}

func (st *station) brokerURL() string {
	if st.broker != nil {
		return st.broker.URL()
	}
	return st.site.Broker.URL
}

func (st *station) openOutbox(publish func(string, []byte) error, now func() time.Time) error {
	sinks, err := openSinks(st.site, st.out, publish, now)
	if err != nil {
		return err
	}
	hooks := alerts.OutboxHooks{Queue: st.prom.OutboxQueue, Bytes: st.prom.OutboxBytes, Sent: st.prom.OutboxSent, Retry: st.prom.OutboxRetry,
		Disabled: st.prom.OutboxDisabled, Conflict: st.prom.OutboxConflict, Dropped: st.prom.OutboxDropped}
	// What was delivered is remembered longer than the journal goes back: a restart says everything in it again.
	keep := max(72*time.Hour, st.site.Privacy.Keep.Recordings) + 24*time.Hour
	st.outbox, err = alerts.OpenOutbox(st.path("outbox.db"), sinks, alerts.OutboxOptions{Now: now, Keep: keep, Hooks: hooks,
		Log: st.log.With("component", "outbox")})
	if err == nil {
		st.onClose(st.outbox.Close)
	}
	return err
}

// influxBound is the most bytes that wait for the database.
const influxBound = 1 << 30

func (st *station) openSpool() error {
	if st.site.Influx.URL == "" {
		return nil
	}
	var err error
	st.spool, err = metrics.OpenSpool(st.path("influx"), influxBound, st.prom.SpoolHooks())
	if err == nil {
		st.onClose(st.spool.Close)
	}
	return err
}

func (st *station) write(ctx context.Context) error {
	x := st.site.Influx
	token := ""
	if x.TokenFile != "" {
		b, err := os.ReadFile(x.TokenFile)
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(b))
	}
	db := metrics.NewInflux(x.URL, x.Org, x.Bucket, token)
	defer db.Close()
	return metrics.RunWriter(ctx, st.spool, db.Write, metrics.WriterOptions{Written: st.prom.InfluxWritten, Failed: st.prom.InfluxFailed,
		Log: st.log.With("component", "influx")})
}

// marked keeps what a person did with an alert that is known.
func (st *station) marked(v *verdicts, l verdictLine) error {
	a, set := st.live.recent.alert(l.ID)
	if a == nil {
		return dashboard.ErrUnknownAlert
	}
	was, err := v.add(l)
	if err == nil && l.Verdict != "" {
		st.live.numbers.verdict(a, l, was.Verdict, set)
	}
	return err
}
