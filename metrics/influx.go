package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
)

// Influx is a database: only write, Flux query, ping and health are used, which InfluxDB 1.8, 2 and Cloud all have.
type Influx struct {
	url    string
	client influxdb2.Client
	write  api.WriteAPIBlocking
	query  api.QueryAPI
}

// NewInflux makes a client; nothing is sent yet. For InfluxDB 1.8 the bucket is "database/retention", the token
// "user:password" or empty, the org empty.
func NewInflux(url, org, bucket, token string) *Influx {
	c := influxdb2.NewClientWithOptions(url, token, influxdb2.DefaultOptions().SetHTTPRequestTimeout(20).SetPrecision(time.Nanosecond))
	return &Influx{url: url, client: c, write: c.WriteAPIBlocking(org, bucket), query: c.QueryAPI(org)}
}

// Close frees the connections.
func (x *Influx) Close() { x.client.Close() }

// Write sends lines of line protocol and returns when they are stored. What the database will never take is Refused,
// what it wants later carries After.
func (x *Influx) Write(ctx context.Context, lines string) error {
	err := x.write.WriteRecord(ctx, lines)
	if err == nil {
		return nil
	}
	reply := new(influxhttp.Error)
	if !errors.As(err, &reply) || reply.StatusCode == 0 {
		return WriteError{Err: fmt.Errorf("%s not reached: %w", x.url, err)}
	}
	we := WriteError{Err: fmt.Errorf("%s answered %d: %w", x.url, reply.StatusCode, err), After: time.Duration(min(reply.RetryAfter, 3600)) * time.Second}
	switch reply.StatusCode {
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound: // a wrong token or bucket is mended outside: nothing is thrown away for it
		we.Err = fmt.Errorf("%w (check token, org and bucket)", we.Err)
	default:
		we.Refused = reply.StatusCode >= 400 && reply.StatusCode < 500
	}
	return we
}

// WriteError is why a write failed.
type WriteError struct {
	Err     error
	Refused bool          // these very lines will never be taken
	After   time.Duration // what the database asked to wait, 0: nothing
}

func (e WriteError) Error() string { return e.Err.Error() }
func (e WriteError) Unwrap() error { return e.Err }

// Ready says whether the database answers: health first, then ping, which needs no right.
func (x *Influx) Ready(ctx context.Context) error {
	if h, err := x.client.Health(ctx); err == nil && h.Status == "pass" {
		return nil
	}
	if ok, err := x.client.Ping(ctx); err != nil || !ok {
		return fmt.Errorf("%s does not answer: is it running, and is the URL right? (%v)", x.url, err)
	}
	return nil
}

// Query runs Flux and gives its rows by column.
func (x *Influx) Query(ctx context.Context, flux string) ([]map[string]any, error) {
	res, err := x.query.Query(ctx, flux)
	if err != nil {
		return nil, fmt.Errorf("flux query on %s: %w", x.url, err)
	}
	defer res.Close()
	var rows []map[string]any
	for res.Next() {
		rows = append(rows, res.Record().Values())
	}
	if res.Err() != nil {
		return nil, fmt.Errorf("flux query on %s: %w", x.url, res.Err())
	}
	return rows, nil
}

// WriterOptions are the writer's settings; zero values take the defaults in brackets.
type WriterOptions struct {
	FirstWait   time.Duration    // largest wait before the first retry, doubled for each further one [500ms]
	LongestWait time.Duration    // [30s]
	BatchLines  int              // [5000]
	Jitter      func() float64   // 0–1 [math/rand]
	Written     func(points int) // hook, may be nil
	Failed      func(err error)  // hook, may be nil
	Log         *slog.Logger     // [discards]
}

// RunWriter sends what is in the spool until ctx ends, oldest first, by write, which is Influx.Write. Failures are tried
// again with exponential back-off and full jitter; refused lines are found by halving and moved to the bad file, one by
// one. It returns ctx's error.
func RunWriter(ctx context.Context, s *Spool, write func(ctx context.Context, lines string) error, opt WriterOptions) error {
	if opt.FirstWait <= 0 {
		opt.FirstWait = 500 * time.Millisecond
	}
	if opt.LongestWait <= 0 {
		opt.LongestWait = 30 * time.Second
	}
	if opt.BatchLines <= 0 {
		opt.BatchLines = 5000
	}
	if opt.Jitter == nil {
		opt.Jitter = rand.Float64
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	size, wait := opt.BatchLines, opt.FirstWait
	for ctx.Err() == nil {
		b, err := s.Next(size, 1<<20)
		if err == nil && b.Count == 0 {
			select {
			case <-ctx.Done():
			case <-s.more:
			}
			continue
		}
		if err == nil {
			err = write(ctx, strings.TrimSuffix(string(b.Lines), "\n"))
		}
		if ctx.Err() != nil {
			break
		}
		var we WriteError
		switch {
		case err == nil:
			if err = s.Done(b); err == nil {
				if opt.Written != nil {
					opt.Written(b.Count)
				}
				size, wait = min(size*2, opt.BatchLines), opt.FirstWait
				continue
			}
		case errors.As(err, &we) && we.Refused && b.Count > 1:
			size = b.Count / 2
			continue
		case errors.As(err, &we) && we.Refused:
			opt.Log.Error("InfluxDB refuses a point; it is in the spool's bad file", "err", err)
			if err = s.Reject(b, err.Error()); err == nil {
				continue
			}
		}
		if opt.Failed != nil {
			opt.Failed(err)
		}
		pause := max(we.After, time.Duration(opt.Jitter()*float64(wait)))
		opt.Log.Warn("InfluxDB not written; points wait in the spool", "err", err, "wait", pause)
		wait = min(wait*2, opt.LongestWait)
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return ctx.Err()
}
