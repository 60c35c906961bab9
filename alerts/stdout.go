package alerts

import (
	"context"
	"fmt"
	"io"
)

// Stdout is the sink that prints each alert as one JSON line.
type Stdout struct {
	name string
	w    io.Writer
}

// NewStdout makes the sink. Only one goroutine at a time writes to w.
func NewStdout(name string, w io.Writer) *Stdout { return &Stdout{name, w} }

// Name is the output's name.
func (s *Stdout) Name() string { return s.name }

// Send writes the line in one Write, so that a kill leaves no half line of another alert behind.
func (s *Stdout) Send(_ context.Context, d Delivery) error {
	line := append(d.Body[:len(d.Body):len(d.Body)], '\n')
	if _, err := s.w.Write(line); err != nil {
		return fmt.Errorf("alert %s: cannot write: %w", d.Key(), err)
	}
	return nil
}
