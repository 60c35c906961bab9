package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Prometheus counts what the process does, in a registry of its own. docs/prometheus.md lists the metrics; no other
// exists. Its methods have the signatures of the other packages' hooks and may be called from several goroutines. Label
// values come from closed sets and are capped like InfluxDB's tags.
type Prometheus struct {
	registry *prometheus.Registry

	mu     sync.Mutex
	values map[string]map[string]bool // label → values written so far

	received, late, duplicate, gap, rejected    *prometheus.CounterVec
	up, clockOffset, clockSD, clockDrift        *prometheus.GaugeVec
	lag                                         prometheus.Gauge
	fold, provisional                           prometheus.Histogram
	visits                                      prometheus.Gauge
	checkpoints                                 prometheus.Counter
	evictions                                   *prometheus.CounterVec
	alerts                                      *prometheus.CounterVec
	waiting, dead, disabled                     *prometheus.GaugeVec
	outboxBytes, outboxLimit                    prometheus.Gauge
	sent                                        *prometheus.HistogramVec
	retries                                     *prometheus.CounterVec
	conflicts, outboxDropped                    prometheus.Counter
	spoolBytes, spoolLimit                      prometheus.Gauge
	points, lostPoints, badPoints, influxErrors prometheus.Counter
	lines, lineBytes, journalErrors, damaged    prometheus.Counter
	fsync                                       prometheus.Histogram
	frames, droppedFrames                       *prometheus.CounterVec
	decode, infer                               *prometheus.HistogramVec
	reloadOK, reloadTime                        prometheus.Gauge
	setInfo                                     *prometheus.GaugeVec
	snapshotStall                               prometheus.Histogram
	snapshotBytes                               prometheus.Gauge
	snapshotErrors, snapshotsRefused            prometheus.Counter
}

// NewPrometheus makes the registry. version and revision are those of the build; store becomes a label of every metric
// when it is not empty.
func NewPrometheus(store, version, revision string) *Prometheus {
	m := &Prometheus{registry: prometheus.NewRegistry(), values: map[string]map[string]bool{}}
	var r prometheus.Registerer = m.registry
	if store != "" {
		r = prometheus.WrapRegistererWith(prometheus.Labels{"store": store}, r)
	}
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "magpie_" + name, Help: help})
		r.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "magpie_" + name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "magpie_" + name, Help: help})
		r.MustRegister(g)
		return g
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "magpie_" + name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "magpie_" + name, Help: help, Buckets: buckets})
		r.MustRegister(h)
		return h
	}
	histograms := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "magpie_" + name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	quick := prometheus.ExponentialBucketsRange(10e-6, 1, 16)
	waits := []float64{.005, .01, .025, .05, .1, .15, .2, .25, .3, .5, 1, 2, 5, 10}

	gauges("build_info", "What runs, always 1.", "version", "revision").WithLabelValues(version, revision).Set(1)
	m.received = counters("events_received_total", "Messages that arrived and could be used; the others are in events_rejected_total.", "kind", "source")
	m.late = counters("events_late_total", "Messages that came later than their source's lateness.", "kind", "source")
	m.duplicate = counters("events_duplicate_total", "Messages that had come before and were dropped.", "kind", "source")
	m.gap = counters("events_gap_total", "Numbers missing in seq.", "kind", "source")
	m.rejected = counters("events_rejected_total", "Messages that could not be used, by the contract's code.", "source", "code")
	m.up = gauges("source_up", "1 while a source gives signs of life, else 0.", "source")
	m.clockOffset = gauges("source_clock_offset_seconds", "How far a source's clock is ahead (below 0: behind), as it is taken off its ts.", "source")
	m.clockSD = gauges("source_clock_offset_sd_seconds", "Standard deviation of a source's clock offset; 0 while the clock is taken as right.", "source")
	m.clockDrift = gauges("source_clock_drift_ratio", "By how much a source's clock runs fast (1e-6 is one part per million); 0 too while nothing is known.", "source")
	m.lag = gauge("watermark_lag_seconds", "Newest arrival less the watermark's position in what was folded.")
	m.fold = histogram("fold_seconds", "Time to fold one message into the visits.", quick)
	m.provisional = histogram("provisional_latency_seconds", "From the arrival of a message to the provisional alert it raised; promised 0.3.", waits)
	m.visits = gauge("visits_open", "Visits going on.")
	m.checkpoints = counter("checkpoints_total", "Checkpoints of the core's state.")
	m.evictions = counters("evictions_total", "What was forgotten at a bound, by what it was.", "what")
	m.alerts = counters("alerts_total", "Lines of alerts, by tier, policy (_all once a line) and state.", "tier", "policy", "state")
	m.waiting = gauges("outbox_waiting", "Deliveries that wait.", "output")
	m.dead = gauges("outbox_dead", "Deliveries that were given up and can be sent again.", "output")
	m.disabled = gauges("outbox_disabled", "1 after an output answered 410, until the process starts again.", "output")
	m.outboxBytes = gauge("outbox_bytes", "Bytes of alerts that wait or are dead.")
	m.outboxLimit = gauge("outbox_limit_bytes", "The bound of the outbox.")
	m.sent = histograms("outbox_send_seconds", "Time of one successful delivery; its count is the deliveries.", waits, "output")
	m.retries = counters("outbox_retries_total", "Tries that failed.", "output")
	m.conflicts = counter("outbox_conflicts_total", "Revisions refused because other bytes were stored for them.")
	m.outboxDropped = counter("outbox_dropped_total", "Dead alerts that made room at the bound.")
	m.spoolBytes = gauge("influx_spool_bytes", "Bytes of points on disk.")
	m.spoolLimit = gauge("influx_spool_limit_bytes", "The bound of the spool.")
	m.points = counter("influx_written_points_total", "Points that InfluxDB took.")
	m.lostPoints = counter("influx_lost_points_total", "Points dropped unread at the spool's bound, or that it could not store.")
	m.badPoints = counter("influx_bad_points_total", "Points that InfluxDB refused, kept in the bad file.")
	m.influxErrors = counter("influx_errors_total", "Writes that failed and are tried again.")
	m.lines = counter("journal_lines_total", "Lines made durable.")
	m.lineBytes = counter("journal_bytes_total", "Bytes made durable.")
	m.fsync = histogram("journal_fsync_seconds", "Time of one fsync.", prometheus.ExponentialBucketsRange(100e-6, 3, 14))
	m.journalErrors = counter("journal_errors_total", "Lines refused because they could not be made durable.")
	m.damaged = counter("journal_damaged_lines_total", "Lines passed over because they cannot be read.")
	m.frames = counters("vision_frames_total", "Frames that were looked at.", "camera")
	m.droppedFrames = counters("vision_dropped_frames_total", "Frames that were skipped for a newer one.", "camera")
	m.decode = histograms("vision_decode_seconds", "Time to decode one frame.", waits, "camera")
	m.infer = histograms("vision_infer_seconds", "Time to detect on one frame.", waits, "camera")
	m.reloadOK = gauge("policy_reload_success", "1 if the last reload of policies was taken, 0 if it was refused and the old set goes on.")
	m.reloadTime = gauge("policy_reload_success_timestamp_seconds", "When policies were last taken.")
	m.setInfo = gauges("policy_set_info", "The hash of the set that judges, always 1.", "hash")
	m.snapshotStall = histogram("snapshot_seconds", "Time for which the core stood still for one snapshot of its state.", waits)
	m.snapshotBytes = gauge("snapshot_bytes", "Bytes of the newest snapshot.")
	m.snapshotErrors = counter("snapshot_errors_total", "Snapshots that could not be made or written.")
	m.snapshotsRefused = counter("snapshots_refused_total", "Snapshots that this process could not go on from, so that it read more of the journal.")
	return m
}

// Handler serves GET /metrics.
func (m *Prometheus) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// capped gives v, or _other when the label has had its 200 values.
func (m *Prometheus) capped(label, v string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := m.values[label]
	if seen == nil {
		seen = map[string]bool{}
		m.values[label] = seen
	}
	if !seen[v] {
		if len(seen) >= maxTagValues {
			return "_other"
		}
		seen[v] = true
	}
	return v
}

// Event counts a message's fate: what is received, late, duplicate or gap, as in the measurement events.
func (m *Prometheus) Event(kind, source, what string, n int) {
	vec := map[string]*prometheus.CounterVec{"received": m.received, "late": m.late, "duplicate": m.duplicate, "gap": m.gap}[what]
	if vec != nil {
		vec.WithLabelValues(m.capped("kind", kind), m.capped("source", source)).Add(float64(n))
	}
}

// Rejected counts a rejected message.
func (m *Prometheus) Rejected(source, code string) {
	m.rejected.WithLabelValues(m.capped("source", source), m.capped("code", code)).Inc()
}

// SourceUp says whether a source gives signs of life.
func (m *Prometheus) SourceUp(source string, up bool) {
	m.up.WithLabelValues(m.capped("source", source)).Set(number(up))
}

// SourceClock says how far a source's clock is ahead, how well that is known, and by how many parts per million it runs fast.
func (m *Prometheus) SourceClock(source string, offset, sd time.Duration, ppm float64) {
	source = m.capped("source", source)
	m.clockOffset.WithLabelValues(source).Set(offset.Seconds())
	m.clockSD.WithLabelValues(source).Set(sd.Seconds())
	m.clockDrift.WithLabelValues(source).Set(ppm / 1e6)
}

// WatermarkLag is how far folding is behind the newest arrival.
func (m *Prometheus) WatermarkLag(d time.Duration) { m.lag.Set(d.Seconds()) }

// Folded took so long for one message.
func (m *Prometheus) Folded(took time.Duration) { m.fold.Observe(took.Seconds()) }

// Provisional is the time from a message's arrival to the alert it raised.
func (m *Prometheus) Provisional(latency time.Duration) { m.provisional.Observe(latency.Seconds()) }

// VisitsOpen is the number of visits going on.
func (m *Prometheus) VisitsOpen(n int) { m.visits.Set(float64(n)) }

// Checkpoint counts a checkpoint of the core.
func (m *Prometheus) Checkpoint() { m.checkpoints.Inc() }

// Snapshot is a snapshot of the core's state that was written.
func (m *Prometheus) Snapshot(stall time.Duration, bytes int) {
	m.snapshotStall.Observe(stall.Seconds())
	m.snapshotBytes.Set(float64(bytes))
}

// SnapshotFailed counts a snapshot that could not be made or written.
func (m *Prometheus) SnapshotFailed() { m.snapshotErrors.Inc() }

// SnapshotRefused counts a snapshot from which this process could not go on.
func (m *Prometheus) SnapshotRefused() { m.snapshotsRefused.Inc() }

// Evicted counts what was forgotten at a bound.
func (m *Prometheus) Evicted(what string, n int) {
	m.evictions.WithLabelValues(m.capped("what", what)).Add(float64(n))
}

// Alert counts a line of an alert, once as policy _all and once for each of its policies.
func (m *Prometheus) Alert(tier, state string, policies []string) {
	for _, p := range append([]string{"_all"}, policies...) {
		m.alerts.WithLabelValues(m.capped("tier", tier), m.capped("policy", p), m.capped("state", state)).Inc()
	}
}

// PolicyReload says how a reload ended; hash is of the set that judges now.
func (m *Prometheus) PolicyReload(ok bool, hash string, at time.Time) {
	m.reloadOK.Set(number(ok))
	if ok {
		m.reloadTime.Set(float64(at.UnixNano()) / 1e9)
		m.setInfo.Reset()
		m.setInfo.WithLabelValues(hash).Set(1)
	}
}

// Frame counts a camera's frame: what it took to decode and to detect, and how many were skipped before it.
func (m *Prometheus) Frame(camera string, decode, infer time.Duration, dropped int) {
	camera = m.capped("camera", camera)
	m.frames.WithLabelValues(camera).Inc()
	m.droppedFrames.WithLabelValues(camera).Add(float64(dropped))
	m.decode.WithLabelValues(camera).Observe(decode.Seconds())
	m.infer.WithLabelValues(camera).Observe(infer.Seconds())
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
