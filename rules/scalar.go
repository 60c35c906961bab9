package rules

import (
	"unicode"

	"go.yaml.in/yaml/v3"

	"magpie/strict"
)

// maxFile bounds a policy file, bytes; nobody writes one by hand that is longer.
const maxFile = 1 << 20

// file is a policy, common.yaml or a test file while it is read.
type file struct {
	*strict.File
}

// parse gives the top node of a file, nil after an error; least says what an empty file lacks.
func parse(name string, data []byte, least string) (*file, *yaml.Node) {
	f := &file{strict.NewFile(name, data)}
	if len(data) > maxFile {
		f.FailAt(1, 1, "the file has %d bytes; at most %d are read", len(data), maxFile)
		return f, nil
	}
	return f, f.Root(least)
}

// place finds the line and column, from 1, in the file of the character with this offset in a scalar's value. It walks
// value and file side by side: a doubled quote or an escape stands for one character, and white space that holds a line
// break, which YAML folds, for what it was folded to.
func (f *file) place(n *yaml.Node, offset int) (line, col int) {
	line, col = n.Line, n.Column
	lines := f.Lines()
	if line < 1 || line > len(lines) {
		return max(1, line), max(1, col)
	}
	raw := cursor{lines: lines, line: line - 1, row: []rune(lines[line-1]), col: col - 1}
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		raw.step()
	case yaml.LiteralStyle, yaml.FoldedStyle: // the text begins on the next line
		raw.col = len(raw.row)
		raw.skipSpace()
	}
	value := []rune(n.Value)
	for i := 0; i < offset && i < len(value); i++ {
		switch {
		case unicode.IsSpace(value[i]):
			if i+1 >= len(value) || !unicode.IsSpace(value[i+1]) {
				raw.skipSpace()
			} else if r := raw.at(); r == ' ' || r == '\t' {
				raw.step()
			}
		case n.Style&yaml.SingleQuotedStyle != 0 && raw.at() == '\'', n.Style&yaml.DoubleQuotedStyle != 0 && raw.at() == '\\':
			raw.step()
			raw.step()
		default:
			raw.step()
		}
	}
	return raw.line + 1, raw.col + 1
}

// cursor walks the characters of a file; the end of a line reads as a line break.
type cursor struct {
	lines []string
	line  int
	row   []rune
	col   int
}

func (c *cursor) at() rune {
	if c.col < len(c.row) {
		return c.row[c.col]
	}
	return '\n'
}

func (c *cursor) step() {
	if c.col < len(c.row) {
		c.col++
	} else if c.line+1 < len(c.lines) {
		c.line, c.col = c.line+1, 0
		c.row = []rune(c.lines[c.line])
	}
}

func (c *cursor) skipSpace() {
	for unicode.IsSpace(c.at()) && (c.col < len(c.row) || c.line+1 < len(c.lines)) {
		c.step()
	}
}
