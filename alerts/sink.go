package alerts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Delivery is one revision of one alert on its way to one output. Body is the alert's line without a line break, the
// same bytes at every attempt; a sink must not change it in place.
type Delivery struct {
	ID      string
	Rev     int
	State   State
	Tier    string
	Body    []byte
	Attempt int // 1 for the first try since the process started
}

// Key is "<id>.<rev>": the webhook-id, the same over retries and restarts, by which a receiver drops repeats.
func (d Delivery) Key() string { return d.ID + "." + strconv.Itoa(d.Rev) }

// Sink carries alerts to one output. Send returns nil only when the receiver has taken the delivery. Any other error is
// tried again with back-off; Permanent, Throttle and Gone say more. Send is called by one goroutine at a time, with a
// context that ends when the attempt has taken too long.
type Sink interface {
	Name() string // the output's name in the site file
	Send(ctx context.Context, d Delivery) error
}

// Permanent says that no further try can succeed: the delivery goes to the dead list at once.
type Permanent struct{ Err error }

func (e Permanent) Error() string { return e.Err.Error() }
func (e Permanent) Unwrap() error { return e.Err }

// Throttle says that the whole output should be left alone for a while: After is what the receiver asked for, 0 when it
// asked for nothing or could not be reached, and the outbox chooses. Unsent: nothing of the alert left this machine, so
// that a retraction need not follow it.
type Throttle struct {
	After  time.Duration
	Unsent bool
	Err    error
}

func (e Throttle) Error() string { return e.Err.Error() }
func (e Throttle) Unwrap() error { return e.Err }

// Gone says that the receiver wants nothing any more (410): the output is disabled until the process starts again.
type Gone struct{ Err error }

func (e Gone) Error() string { return e.Err.Error() }
func (e Gone) Unwrap() error { return e.Err }

// replyError turns an HTTP answer into Send's error: 2xx alone is success; 410 is Gone; 429, 502, 504 and whatever
// carries Retry-After throttle the output; the rest is tried again.
func replyError(resp *http.Response, url string, now time.Time) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	err := fmt.Errorf("%s answered %s; only 2xx counts as received", url, resp.Status)
	after, asked := retryAfter(resp.Header.Get("Retry-After"), now)
	switch {
	case resp.StatusCode == http.StatusGone:
		return Gone{fmt.Errorf("%s answered %s: it takes no more alerts; remove the output or restart", url, resp.Status)}
	case asked, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusBadGateway,
		resp.StatusCode == http.StatusGatewayTimeout:
		return Throttle{After: after, Err: err}
	}
	return err
}

// unsent says that err came before anything was sent.
func unsent(err error) bool {
	op := new(net.OpError)
	return errors.As(err, &op) && op.Op == "dial"
}

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110 §10.2.3).
func retryAfter(v string, now time.Time) (time.Duration, bool) {
	const most = 24 * time.Hour // beyond it a receiver is mistaken, and the seconds would overflow
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return time.Duration(min(s, int(most/time.Second))) * time.Second, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(0, t.Sub(now)), most), true
	}
	return 0, false
}
