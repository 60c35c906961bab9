package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// File is one text while it is read. It keeps every error, so that one run names all of them. Its readers take a nil node
// as a member left out and give the zero value; after an error they give it too.
type File struct {
	Name     string
	Errors   Errors
	Warnings []string // what is not wrong and yet hardly meant, each with its place

	data   []byte
	lines  []string
	breaks *regexp.Regexp // what ends a line
}

// YAML ends a line at more than the line feed that ends it elsewhere.
var (
	lineBreak  = regexp.MustCompile("\n")
	yamlBreaks = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")
)

// NewFile begins to read a text. The name stands in its errors.
func NewFile(name string, data []byte) *File {
	return &File{Name: name, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), breaks: lineBreak}
}

// Lines gives the lines of the text. They are cut when first asked for: most files have nothing wrong with them.
func (f *File) Lines() []string {
	if f.lines == nil {
		f.lines = f.breaks.Split(string(f.data), -1)
	}
	return f.lines
}

// Line gives one line of the text, from 1, without what ends it; "" beyond the last.
func (f *File) Line(n int) string {
	if lines := f.Lines(); n >= 1 && n <= len(lines) {
		return strings.TrimRight(lines[n-1], "\r")
	}
	return ""
}

// FailAt keeps an error at a line and column, from 1; columns count characters.
func (f *File) FailAt(line, col int, format string, args ...any) {
	line, col = max(1, line), max(1, col)
	f.Errors = append(f.Errors, Error{File: f.Name, Line: line, Col: col, Text: fmt.Sprintf(format, args...), Code: f.Line(line)})
}

// Fail keeps an error at a node.
func (f *File) Fail(n *yaml.Node, format string, args ...any) {
	f.FailAt(n.Line, n.Column, format, args...)
}

// Warn keeps a warning at a line and column, from 1.
func (f *File) Warn(line, col int, format string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf("%s:%d:%d: ", f.Name, line, col)+fmt.Sprintf(format, args...))
}

// Root parses the text, which must hold one document of YAML, and gives its top node; nil after an error. least says what
// an empty file lacks.
func (f *File) Root(least string) *yaml.Node {
	if i := Invalid(f.data); i >= 0 {
		f.FailAt(1+bytes.Count(f.data[:i], []byte("\n")), 1, "this line is not UTF-8; save the file as UTF-8")
		return nil
	}
	f.breaks = yamlBreaks
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(f.data))
	err := d.Decode(&doc)
	if err != nil && !errors.Is(err, io.EOF) {
		f.notYAML(err)
		return nil
	}
	var root *yaml.Node
	if len(doc.Content) == 1 {
		root = resolve(doc.Content[0])
	}
	if root == nil || IsNull(root) {
		f.FailAt(1, 1, "the file is empty; it needs at least %s", least)
		return nil
	}
	switch err := d.Decode(&more); {
	case err == nil:
		f.Fail(&more, "a second document begins here; write each in a file of its own")
	case !errors.Is(err, io.EOF):
		f.notYAML(err)
	}
	return root
}

// notYAML keeps what the parser says, with the place that it means.
func (f *File) notYAML(err error) {
	text, line := said(err)
	if i := slices.IndexFunc(f.Lines(), func(s string) bool { return strings.ContainsFunc(s, control) }); i >= 0 && line == 0 {
		f.FailAt(i+1, 1, "not YAML: %s; this line holds one", text)
		return
	}
	if name, ok := strings.CutPrefix(text, "unknown anchor '"); ok { // of which the parser gives no line
		name, _, _ = strings.Cut(name, "'")
		i := slices.IndexFunc(f.Lines(), func(s string) bool { return strings.Contains(s, "*"+name) })
		f.FailAt(i+1, 1, "not YAML: %s; put text that begins with * in quotes", text)
		return
	}
	from, at := f.mistake(text)
	switch {
	case strings.Contains(text, "',' or") && at > from:
		f.FailAt(from, 1, "not YAML: %s before line %d: close what opens here", text, at)
	case strings.HasPrefix(text, "found unexpected end of stream"):
		f.FailAt(from, 1, "not YAML: %s: close the quote that opens here", text)
	case strings.HasPrefix(text, "did not find expected key") || strings.HasPrefix(text, "did not find expected '-'"):
		f.FailAt(at, 1, "not YAML: %s; see whether it stands as far in as its neighbours, and whether a quote before it is closed", text)
	case strings.Contains(text, "tab character") || strings.HasPrefix(strings.TrimLeft(f.Line(at), " "), "\t"):
		f.FailAt(at, 1, "not YAML: a tab stands here; indent with spaces")
	case strings.HasPrefix(text, "could not find expected ':'"):
		f.FailAt(from, 1, "not YAML: %s; write key: value", text)
	default:
		for from > 1 && strings.TrimSpace(f.Line(from)) == "" {
			from-- // the end of the file, after what is not finished
		}
		f.FailAt(from, 1, "not YAML: %s", text)
	}
}

// parsers are the words of errors about the order of tokens, whose lines the parser counts from 0; others it counts from 1.
var parsers = regexp.MustCompile(`^did not find expected (key|node content|'-' indicator|',' or|<)`)

// said takes an error of the parser apart; the line is 0 where it names none.
func said(err error) (text string, line int) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
		text = strings.TrimSpace(text[strings.Index(text, ":")+1:])
	}
	if parsers.MatchString(text) {
		line++
	}
	return text, line
}

// mistake finds the line in which what is not YAML begins, such as a list, and the line in which it goes wrong. The parser
// names one of them: the first, unless that is the first line of the text. So the text is parsed again, once behind
// another line, and once from where it begins.
func (f *File) mistake(text string) (from, at int) {
	if again, line := parse(append([]byte("#\n"), f.data...)); again == text {
		from = line - 1
	}
	from = max(1, from)
	start := 0
	for _, b := range f.breaks.FindAllIndex(f.data, from-1) {
		start = b[1]
	}
	if again, line := parse(f.data[start:]); again == text && line > 0 {
		return from, from + line - 1
	}
	return from, from
}

// parse says what is not YAML in a text; "" if nothing is.
func parse(text []byte) (string, int) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		switch err := d.Decode(new(yaml.Node)); {
		case errors.Is(err, io.EOF):
			return "", 0
		case err != nil:
			return said(err)
		}
	}
}

// control reports characters that YAML forbids.
func control(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f }

// Invalid is the index of the first byte that is not UTF-8, -1 if there is none.
func Invalid(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}
