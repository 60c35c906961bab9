package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"magpie/journal"
)

// segments reads one recording, or all of a directory as one, such as the segment files of a journal: their names order
// them. What a crash has left is passed over, as by who follows a journal: a torn line at the end, and in a directory any line
// that is none.
type segments struct {
	dir   string   // where snapshots lie that they name; "" for standard input
	files []string // still to come
	open  *journal.Reader
	read  int64 // bytes of the files before it
	size  int64 // of all files as they lie on disk; 0: not known

	folder bool
	passed int   // lines that were passed over
	first  error // of the first of them
}

// openSegments opens a recording by its path, "-" for standard input, or a directory that holds *.jsonl, also .gz or .zst.
func openSegments(path string) (*segments, error) {
	s := &segments{files: []string{path}, dir: filepath.Dir(path)}
	if path == "-" {
		s.dir = ""
	}
	if info, err := os.Stat(path); path != "-" && err == nil && info.IsDir() {
		entries, err := os.ReadDir(path) // in the order of names
		if err != nil {
			return nil, fmt.Errorf("recording: %w", err)
		}
		s.files, s.dir, s.folder = nil, path, true
		for _, e := range entries {
			name := strings.TrimSuffix(strings.TrimSuffix(e.Name(), ".gz"), ".zst")
			if !e.IsDir() && strings.HasSuffix(name, ".jsonl") {
				s.files = append(s.files, filepath.Join(path, e.Name()))
			}
		}
		if len(s.files) == 0 {
			return nil, fmt.Errorf("recording: %s holds no *.jsonl; name a recording, or the folder journal of a data directory", path)
		}
	}
	for _, f := range s.files {
		if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
			s.size += info.Size()
		}
	}
	return s, s.next()
}

// next goes on to the next file.
func (s *segments) next() (err error) {
	s.open, err = journal.OpenRecording(s.files[0])
	s.files = s.files[1:]
	return err
}

// Next returns the next line of all; the end is io.EOF.
func (s *segments) Next() (l journal.Line, err error) {
	err = s.NextInto(&l)
	return l, err
}

// NextInto is Next for who is done with one line before the next comes, as that of journal.Reader.
func (s *segments) NextInto(l *journal.Line) error {
	for {
		err := s.open.NextInto(l)
		if bad := (*journal.Error)(nil); errors.As(err, &bad) && (s.folder || s.open.Cut()) {
			if s.passed++; s.first == nil {
				s.first = err
			}
			continue
		}
		if err != io.EOF || len(s.files) == 0 {
			return err
		}
		s.read = s.bytes()
		if err := s.open.Close(); err != nil {
			return err
		}
		if err := s.next(); err != nil {
			return err
		}
	}
}

// tell says what was passed over.
func (s *segments) tell(errw io.Writer) {
	if s.passed > 0 {
		fmt.Fprintf(errw, "%s passed over, as a crash leaves them: %v\n", counted(s.passed, "line that is none was", "lines that are none were"), s.first)
	}
}

// Close closes the file that is open.
func (s *segments) Close() error {
	if s.open == nil {
		return nil
	}
	return s.open.Close()
}

// bytes is how much of the files, as they lie on disk, has been read; of a file that is no pipe.
func (s *segments) bytes() int64 { return s.read + s.open.Bytes() }
