package site

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// table is a CSV file with a header, separated by comma or semicolon, with or without a byte order mark.
type table struct {
	*strict.File
	csv    *csv.Reader
	header []string
	row    []string
	comma  bool // numbers may have a decimal comma: the separator is a semicolon
}

// fail keeps an error at a field of the row.
func (t *table) fail(field int, format string, args ...any) {
	line, at := 1, 1
	if t.row != nil && field < len(t.row) {
		line, at = t.csv.FieldPos(field)
	}
	t.failByte(line, at, format, args...)
}

// failByte keeps an error at a byte of a line, from 1; errors count characters.
func (t *table) failByte(line, at int, format string, args ...any) {
	text := t.Line(line)
	t.FailAt(line, 1+utf8.RuneCountInString(text[:max(0, min(at-1, len(text)))]), format, args...)
}

// readTable calls row for each line below the header. Columns may come in any order.
func (l *loader) readTable(file string, text []byte, columns, needed []string, row func(t *table)) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	t := &table{File: strict.NewFile(file, text)}
	defer func() { l.Errors = append(l.Errors, t.Errors...) }()
	if i := strict.Invalid(text); i >= 0 {
		t.FailAt(1+bytes.Count(text[:i], []byte("\n")), 1, "this line is not UTF-8; save the table as UTF-8")
		return
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	t.comma = bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(","))
	t.csv = csv.NewReader(bytes.NewReader(text))
	if t.comma {
		t.csv.Comma = ';'
	}
	t.csv.FieldsPerRecord = -1
	t.csv.TrimLeadingSpace = true
	for {
		fields, err := t.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			var bad *csv.ParseError
			line, at, what := 1, 1, err.Error()
			if errors.As(err, &bad) {
				line, at, what = bad.Line, bad.Column, bad.Err.Error()
			}
			t.failByte(line, at, "%s; a field with a separator or a quote in it must be in quotes, with inner quotes doubled", what)
			return
		}
		t.row = fields
		if t.header == nil {
			if !t.readHeader(fields, columns, needed) {
				return
			}
			continue
		}
		if len(fields) != len(t.header) {
			t.fail(0, "this line has %d fields and the header %d", len(fields), len(t.header))
			continue
		}
		row(t)
	}
	if t.header == nil {
		t.FailAt(1, 1, "the table is empty; its first line must be the header %s", strings.Join(columns, ","))
	}
}

func (t *table) readHeader(fields, columns, needed []string) bool {
	for i, f := range fields {
		name := strings.ToLower(strings.TrimSpace(f))
		if !slices.Contains(columns, name) {
			t.fail(i, "unknown column %q; %s", strict.Clip(f), strict.Suggest(name, columns))
		} else if slices.Contains(t.header, name) {
			t.fail(i, "column %q is given twice; keep one", name)
		}
		t.header = append(t.header, name)
	}
	for _, n := range needed {
		if !slices.Contains(t.header, n) {
			t.fail(0, "the header has no column %s", n)
		}
	}
	return len(t.Errors) == 0
}

// get returns a field by its column's name and its place; "" where the table has no such column.
func (t *table) get(column string) (string, int) {
	for i, h := range t.header {
		if h == column {
			return strings.TrimSpace(t.row[i]), i
		}
	}
	return "", 0
}

func (t *table) number(column string, most float64) float64 {
	text, col := t.get(column)
	if text == "" {
		return 0
	}
	if t.comma {
		text = strings.Replace(text, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > most {
		t.fail(col, "%s wants a number from 0 to %g, not %q", column, most, strict.Clip(text))
		return 0
	}
	return v
}

func (l *loader) products(n *yaml.Node) []fusion.Product {
	file, text := l.table(n, "products")
	if text == nil {
		return nil
	}
	columns := []string{"sku", "gtin", "name", "category", "style", "price", "grams", "grams_sd", "tagged", "epc_prefix"}
	var all []fusion.Product
	lines := map[string]int{}
	l.readTable(file, text, columns, []string{"sku"}, func(t *table) {
		sku, col := t.get("sku")
		if sku == "" {
			if sku, col = t.get("gtin"); sku == "" {
				t.fail(0, "sku is empty; give each product a sku or a gtin")
				return
			}
		}
		p := fusion.Product{SKU: fusion.GTIN14(sku), Written: sku}
		if gtin, gcol := t.get("gtin"); gtin != "" {
			p.SKU = fusion.GTIN14(gtin)
			if len(p.SKU) != 14 || strings.Trim(p.SKU, "0123456789") != "" {
				t.fail(gcol, "gtin wants at most 14 digits, not %q", strict.Clip(gtin))
			}
		}
		line, _ := t.csv.FieldPos(0)
		for _, n := range p.Numbers() {
			if first := lines[n]; first > 0 {
				t.fail(col, "SKU %q is given twice, first in line %d (SKUs are compared as GTIN-14)", strict.Clip(sku), first)
				return
			}
			lines[n] = line
		}
		p.Name, _ = t.get("name")
		p.Category, _ = t.get("category")
		p.Style, _ = t.get("style")
		p.Price = int64(math.Round(t.number("price", 1e9) * 100))
		p.Grams, p.GramsSD = t.number("grams", 1e7), t.number("grams_sd", 1e7)
		p.Tagged = t.flag("tagged")
		p.EPCPrefix = t.hex("epc_prefix")
		all = append(all, p)
	})
	return all
}

func (t *table) flag(column string) bool {
	text, col := t.get(column)
	switch strings.ToLower(text) {
	case "1", "true", "yes", "y", "x", "tagged":
		return true
	case "", "0", "false", "no", "n":
		return false
	}
	t.fail(col, "%s wants true or false, not %q", column, strict.Clip(text))
	return false
}

func (t *table) hex(column string) string {
	text, col := t.get(column)
	if len(text) > 64 || strings.Trim(strings.ToUpper(text), "0123456789ABCDEF") != "" {
		t.fail(col, "%s wants hexadecimal digits, not %q", column, strict.Clip(text))
		return ""
	}
	return strings.ToUpper(text)
}

// tasks reads the planned work of staff: from,to,zone,what with local times.
func (l *loader) tasks(n *yaml.Node) []fusion.Task {
	file, text := l.table(n, "tasks")
	if text == nil {
		return nil
	}
	columns := []string{"from", "to", "zone", "what"}
	var all []fusion.Task
	l.readTable(file, text, columns, columns[:3], func(t *table) {
		task := fusion.Task{From: l.moment(t, "from"), To: l.moment(t, "to")}
		if _, col := t.get("to"); len(t.Errors) == 0 && task.To <= task.From {
			t.fail(col, "to must be after from")
		}
		zone, col := t.get("zone")
		i, ok := l.zones[zone]
		if !ok {
			t.fail(col, "unknown zone %q; %s", strict.Clip(zone), strict.Suggest(zone, l.zoneIDs()))
		}
		task.Zone = i
		task.What, _ = t.get("what")
		all = append(all, task)
	})
	return all
}

// moment reads a time with an offset, or a local one, in ns.
func (l *loader) moment(t *table, column string) int64 {
	text, col := t.get(column)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		at, err := time.ParseInLocation(layout, text, l.site.Store.Location)
		if err == nil && at.Year() > 1970 && at.Year() < 2200 {
			return at.UnixNano()
		}
	}
	t.fail(col, "%s wants a time such as 2026-11-22T10:00, not %q", column, strict.Clip(text))
	return 0
}
