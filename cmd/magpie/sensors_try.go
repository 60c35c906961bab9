package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/sensors"
	"magpie/sensors/message"
)

// maxTry bounds a payload file: more than a decoder takes, so that it can say so.
const maxTry = 1 << 20

// runSensorsTry is `magpie sensors try`: what a payload on a topic becomes, without a broker.
func runSensorsTry(_ context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "sensors try", "magpie sensors try --site site.yaml --topic TOPIC PAYLOAD (a file, or - for standard input)",
		"A line break at the end of the file is not part of the payload, unless the file's name ends in .bin.\n")
	sitePath := fs.String("site", "site.yaml", "the site file")
	topic := fs.String("topic", "", "the `topic` on which the device publishes")
	arrival := fs.String("received", "", "the `time` of arrival, such as 2026-11-22T10:00:00Z (default: now)")
	asJSON := fs.Bool("json", false, "print one JSON object: the events in the contract's words, or the rejection as it is published")
	path, err := positional(fs, args)
	switch {
	case err != nil:
		return err
	case *topic == "" || path == "":
		fs.Usage()
		return errors.New("name the topic with --topic, and a file that holds the payload, or - for standard input")
	}
	received := time.Now()
	if *arrival != "" {
		if received, err = time.Parse(time.RFC3339Nano, *arrival); err != nil {
			return fmt.Errorf("--received %s: give a time such as 2026-11-22T10:00:00Z", *arrival)
		}
	}
	s, d, err := loadSensors(*sitePath)
	if err != nil {
		return err
	}
	payload, err := readPayload(path)
	if err != nil {
		return err
	}
	m, err := d.Decode(received.UnixNano(), *topic, false, payload)
	var r *sensors.Rejection
	switch {
	case errors.Is(err, sensors.ErrOwnTopic):
		return fmt.Errorf("%s is %w: only Magpie publishes there", *topic, err)
	case errors.As(err, &r):
		showRejection(out, r, payload, *asJSON)
		return failed("rejected")
	case err != nil:
		return err
	}
	if *asJSON {
		showMessageJSON(out, s.Store, d, &m)
		return nil
	}
	showMessage(out, s.Store, d, &m)
	return nil
}

func readPayload(path string) ([]byte, error) {
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxTry))
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if !strings.HasSuffix(path, ".bin") {
		b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	}
	return b, nil
}

func showRejection(out io.Writer, r *sensors.Rejection, payload []byte, asJSON bool) {
	if asJSON {
		fmt.Fprintf(out, "%s\n", r.Payload(payload))
		return
	}
	fmt.Fprintf(out, "rejected: %s\n", r.Code)
	if r.Path != "" {
		fmt.Fprintf(out, "  at      %s\n", sensors.Printable(r.Path))
	}
	fmt.Fprintf(out, "  reason  %s\n", sensors.Printable(r.Reason))
}

func showMessage(out io.Writer, store *fusion.Store, d *sensors.Decoder, m *fusion.Message) {
	fmt.Fprintf(out, "%s from %s: %s", m.Kind, store.Sources[m.Source].ID, many(len(m.Events), "event"))
	if len(m.Events) == 0 {
		fmt.Fprint(out, ", a sign of life")
	}
	if !m.Clocked {
		fmt.Fprint(out, ", at its arrival")
	}
	if seq, boot, ok := d.Sequence(); ok {
		fmt.Fprintf(out, ", seq %d", seq)
		if boot != "" {
			fmt.Fprintf(out, ", boot %q", boot)
		}
	}
	fmt.Fprintln(out)
	for i := range m.Events {
		e := &m.Events[i]
		fmt.Fprintf(out, "  %s  %s\n", message.At(e.TS), sensors.Words(store, e))
	}
}

func showMessageJSON(out io.Writer, store *fusion.Store, d *sensors.Decoder, m *fusion.Message) {
	x := struct {
		Kind    string            `json:"kind"`
		Source  string            `json:"source"`
		Arrival bool              `json:"arrival,omitempty"`
		Seq     *int64            `json:"seq,omitempty"`
		Boot    string            `json:"boot,omitempty"`
		Events  []json.RawMessage `json:"events"`
	}{Kind: m.Kind.String(), Source: store.Sources[m.Source].ID, Arrival: !m.Clocked, Events: []json.RawMessage{}}
	if seq, boot, ok := d.Sequence(); ok {
		x.Seq, x.Boot = &seq, boot
	}
	for i := range m.Events {
		x.Events = append(x.Events, sensors.EventJSON(store, &m.Events[i]))
	}
	b, _ := message.Encode(x) // strings and what is JSON already
	fmt.Fprintf(out, "%s\n", b)
}

// many is "1 event", "2 events".
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
