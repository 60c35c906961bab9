package metrics

import "time"

// The methods here fit the hooks of the outbox, the spool, the writer and the journal as they are.

// OutboxQueue says how many deliveries of an output wait and are dead.
func (m *Prometheus) OutboxQueue(output string, waiting, dead int) {
	m.waiting.WithLabelValues(output).Set(float64(waiting))
	m.dead.WithLabelValues(output).Set(float64(dead))
}

// OutboxBytes says what the outbox holds of its bound.
func (m *Prometheus) OutboxBytes(held, bound int64) {
	m.outboxBytes.Set(float64(held))
	m.outboxLimit.Set(float64(bound))
}

// OutboxSent counts a delivery.
func (m *Prometheus) OutboxSent(output string, took time.Duration) {
	m.sent.WithLabelValues(output).Observe(took.Seconds())
}

// OutboxRetry counts a failed try.
func (m *Prometheus) OutboxRetry(output string, _ error) { m.retries.WithLabelValues(output).Inc() }

// OutboxDisabled says whether an output is disabled.
func (m *Prometheus) OutboxDisabled(output string, disabled bool) {
	m.disabled.WithLabelValues(output).Set(number(disabled))
}

// OutboxConflict counts a revision with other bytes.
func (m *Prometheus) OutboxConflict(string, int) { m.conflicts.Inc() }

// OutboxDropped counts a dead alert that made room.
func (m *Prometheus) OutboxDropped(string, int) { m.outboxDropped.Inc() }

// SpoolHooks are the spool's hooks.
func (m *Prometheus) SpoolHooks() SpoolHooks {
	return SpoolHooks{
		Bytes: func(held, bound int64) {
			m.spoolBytes.Set(float64(held))
			m.spoolLimit.Set(float64(bound))
		},
		Lost: m.InfluxLost,
		Bad:  func(n int) { m.badPoints.Add(float64(n)) },
	}
}

// InfluxLost counts points that will never be written.
func (m *Prometheus) InfluxLost(n int) { m.lostPoints.Add(float64(n)) }

// InfluxWritten counts points that the database took.
func (m *Prometheus) InfluxWritten(n int) { m.points.Add(float64(n)) }

// InfluxFailed counts a write that is tried again.
func (m *Prometheus) InfluxFailed(error) { m.influxErrors.Inc() }

// JournalAppended counts lines that are durable now.
func (m *Prometheus) JournalAppended(lines, bytes int) {
	m.lines.Add(float64(lines))
	m.lineBytes.Add(float64(bytes))
}

// JournalSynced is the time of one fsync.
func (m *Prometheus) JournalSynced(took time.Duration) { m.fsync.Observe(took.Seconds()) }

// JournalFailed counts lines that could not be made durable.
func (m *Prometheus) JournalFailed(lines int, _ error) { m.journalErrors.Add(float64(lines)) }

// JournalDamaged counts a line that a reader passed over.
func (m *Prometheus) JournalDamaged(int64, error) { m.damaged.Inc() }
