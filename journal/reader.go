package journal

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxLine bounds a line by the largest message that MQTT can carry, in base64.
const maxLine = 400 << 20

// Reader streams the lines of a recording.
type Reader struct {
	name   string
	line   int
	in     *bufio.Reader
	long   []byte
	cut    bool              // the line that was read last has no line break
	topics map[string]string // that NextInto has met
	file   *os.File          // nil: what is read is no file, or nobody knows
	closes []func() error
}

// OpenRecording opens a recording by its path; "-" is standard input. It may be compressed with gzip or zstd, which its first
// bytes tell, not its name.
func OpenRecording(path string) (*Reader, error) {
	if path == "-" {
		return NewReader(os.Stdin, "<stdin>")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	r, err := NewReader(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.file, r.closes = f, append(r.closes, f.Close)
	return r, nil
}

// Bytes is how much of the file, as it lies on disk, has been read; 0 where that is not known.
func (r *Reader) Bytes() int64 {
	if r.file == nil {
		return 0
	}
	n, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil { // a pipe
		return 0
	}
	return n
}

// NewReader reads a recording, compressed or not, from in; name stands in its errors.
func NewReader(in io.Reader, name string) (*Reader, error) {
	r := &Reader{name: name, in: bufio.NewReaderSize(in, 64<<10)}
	magic, _ := r.in.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r.in)
		if err != nil {
			return nil, fmt.Errorf("%s: gzip: %w", name, err)
		}
		r.in, r.closes = bufio.NewReaderSize(z, 64<<10), append(r.closes, z.Close)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r.in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("%s: zstd: %w", name, err)
		}
		r.in, r.closes = bufio.NewReaderSize(z, 64<<10), append(r.closes, func() error { z.Close(); return nil })
	}
	return r, nil
}

// Next returns the next line. Blank lines are passed over; the end is io.EOF; anything wrong is an error that begins with
// file:line.
func (r *Reader) Next() (Line, error) {
	var l Line
	err := r.NextInto(&l)
	return l, err
}

// NextInto is Next for who is done with one line before the next comes: it writes into l, of whose payload it uses the room again.
func (r *Reader) NextInto(l *Line) error {
	if r.topics == nil {
		r.topics = map[string]string{}
	}
	for {
		text, err := r.text()
		if err != nil {
			*l = Line{}
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if err = parseInto(l, text, r.topics); err != nil {
			var at *Error
			if errors.As(err, &at) {
				at.File, at.Line = r.name, r.line
			}
		}
		return err
	}
}

// text returns the next line's bytes, valid until the next call.
func (r *Reader) text() ([]byte, error) {
	r.long = r.long[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if err == nil && len(r.long) == 0 {
			r.line++
			r.cut = false
			return part, nil
		}
		r.long = append(r.long, part...)
		switch {
		case err == nil, err == io.EOF && len(r.long) > 0:
			r.line++
			r.cut = err == io.EOF
			return r.long, nil
		case err == io.EOF:
			return nil, io.EOF
		case err != bufio.ErrBufferFull:
			return nil, fmt.Errorf("%s:%d: %w", r.name, r.line+1, err)
		case len(r.long) > maxLine:
			return nil, &Error{File: r.name, Line: r.line + 1, Reason: "the line is longer than any MQTT message: is this a recording?"}
		}
	}
}

// Line is the number of the line that Next returned last, from 1.
func (r *Reader) Line() int { return r.line }

// Cut reports whether the line that Next read last is the end of the recording and has no line break: where it is no line either,
// a crash has torn it.
func (r *Reader) Cut() bool { return r.cut }

// Close closes what OpenRecording opened.
func (r *Reader) Close() error {
	var all []error
	for _, c := range r.closes {
		all = append(all, c())
	}
	return errors.Join(all...)
}

// Recorder writes a recording to one file, compressed when its name ends in .gz or .zst. It is not safe for use by
// several goroutines at once. Use a Journal where a line must survive a crash.
type Recorder struct {
	name  string
	file  *os.File
	out   io.Writer
	flush []func() error
	done  []func() error // in the order of closing
	buf   []byte
	last  int64
}

// CreateRecording makes a new recording at path and writes the control line that says it starts empty, received at now. It
// refuses to write over a file; "-" is standard output.
func CreateRecording(path string, now int64) (*Recorder, error) {
	r := &Recorder{name: path, file: os.Stdout}
	if path != "-" {
		var err error
		if r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640); err != nil {
			return nil, fmt.Errorf("recording: %w (an existing recording is never written over)", err)
		}
	}
	buffered := bufio.NewWriterSize(r.file, 64<<10)
	r.out = buffered
	switch {
	case strings.HasSuffix(path, ".gz"):
		z := gzip.NewWriter(buffered)
		r.out, r.flush, r.done = z, append(r.flush, z.Flush), append(r.done, z.Close)
	case strings.HasSuffix(path, ".zst"):
		z, err := zstd.NewWriter(buffered, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("%s: zstd: %w", path, err)
		}
		r.out, r.flush, r.done = z, append(r.flush, z.Flush), append(r.done, z.Close)
	}
	r.flush, r.done = append(r.flush, buffered.Flush), append(r.done, buffered.Flush)
	if path != "-" {
		r.done = append(r.done, r.file.Sync, r.file.Close)
	}
	return r, r.Write(Line{Received: now, Control: &Control{Kind: ControlState, State: StateEmpty}})
}

// Write appends a line; a Received before the last line's is raised to it.
func (r *Recorder) Write(l Line) error {
	l.Received = max(l.Received, r.last)
	r.last = l.Received
	r.buf = l.Append(r.buf[:0])
	if _, err := r.out.Write(r.buf); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// Flush writes out what is buffered, so that another program can read it.
func (r *Recorder) Flush() error { return r.each(r.flush) }

// Close writes out what is buffered and closes the file.
func (r *Recorder) Close() error { return r.each(r.done) }

func (r *Recorder) each(do []func() error) error {
	for _, f := range do {
		if err := f(); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}
