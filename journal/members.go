package journal

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Cut removes the members named in drop, at any depth, from a JSON payload and keeps every other byte; cut says whether
// there were any. A payload of several JSON values, one a line, is cut in each. What is not JSON stays, unless one of the
// names is in it in quotes: where its value ends nobody can tell, so nothing is kept of such a payload.
func Cut(payload []byte, drop []string) (kept []byte, cut bool) {
	if len(drop) == 0 || !mayHave(payload, drop) {
		return payload, false
	}
	kept, cut = eachValue(payload, func(value []byte) ([]byte, bool) { return cutValue(value, drop) })
	if !allJSON(payload) && quotes(kept, drop) {
		return nil, true
	}
	return kept, cut
}

// allJSON reports whether a payload is a JSON document, or each of its lines is one.
func allJSON(payload []byte) bool {
	if json.Valid(payload) {
		return true
	}
	for line := range bytes.Lines(payload) {
		if len(bytes.TrimSpace(line)) > 0 && !json.Valid(line) {
			return false
		}
	}
	return true
}

// quotes reports whether text that may be no JSON has one of the names in quotes, also one written with escapes.
func quotes(text []byte, names []string) bool {
	longest := 0
	for _, n := range names {
		longest = max(longest, len(n))
	}
	for i, c := range text {
		if c != '"' && c != '\'' {
			continue
		}
		rest := text[i+1:]
		for _, n := range names {
			if after, ok := bytes.CutPrefix(rest, []byte(n)); ok && len(after) > 0 && after[0] == c {
				return true
			}
		}
		// An escape takes six bytes for each one of the name at most.
		window := rest[:min(len(rest), 6*longest+1)]
		if end := stringEnd(window); end >= 0 && slices.Contains(names, unquote(text[i:i+1+end+1])) {
			return true
		}
	}
	return false
}

// mayHave is a quick look that spares most payloads the walk. A backslash may hide a name.
func mayHave(payload []byte, names []string) bool {
	if bytes.IndexByte(payload, '\\') >= 0 {
		return true
	}
	return slices.ContainsFunc(names, func(n string) bool { return bytes.Contains(payload, []byte(n)) })
}

// eachValue applies edit to a JSON document, or to each line that is one.
func eachValue(payload []byte, edit func([]byte) ([]byte, bool)) ([]byte, bool) {
	if json.Valid(payload) {
		return edit(payload)
	}
	var out []byte
	changed := false
	for line := range bytes.Lines(payload) {
		if json.Valid(line) {
			edited, did := edit(line)
			line, changed = edited, changed || did
		}
		out = append(out, line...)
	}
	if !changed {
		return payload, false
	}
	return out, true
}

func cutValue(value []byte, drop []string) ([]byte, bool) {
	var out []byte
	from := 0
	take := func(name string, _ byte) bool { return slices.Contains(drop, name) }
	members(value, take, func(m member) {
		// With its comma: the one after it, or for the last member the one before it, unless that went already.
		start, end := m.start, m.end
		if m.after < len(value) && value[m.after] == ',' {
			end = m.after + 1
		} else if m.before >= from {
			start = m.before
		} else if n := len(bytes.TrimRight(out, " \t\r\n")); from > 0 && n > 0 && out[n-1] == ',' && len(bytes.TrimSpace(value[from:start])) == 0 {
			out = out[:n-1]
		}
		out = append(out, value[from:start]...)
		from = end
	})
	if from == 0 {
		return value, false
	}
	return append(out, value[from:]...), true
}

// member is one name and value of an object, by places in the text: the comma before it (-1 for the first), where its
// name starts, where its value starts and ends, and the first byte after it that is no space.
type member struct{ before, start, value, end, after int }

// members walks once over text, which json.Valid has accepted. It asks take about every member, by its name and the
// first byte of its value; those taken are given to act, in order, and not looked into.
func members(text []byte, take func(name string, first byte) bool, act func(member)) {
	walk(text, space(text, 0), take, act)
}

func walk(text []byte, at int, take func(string, byte) bool, act func(member)) (end int) {
	switch text[at] {
	case '"':
		return at + 1 + stringEnd(text[at+1:]) + 1
	case '[':
		at = space(text, at+1)
		for text[at] != ']' {
			at = space(text, walk(text, at, take, act))
			if text[at] == ',' {
				at = space(text, at+1)
			}
		}
		return at + 1
	case '{':
		before := -1
		at = space(text, at+1)
		for text[at] != '}' {
			m := member{before: before, start: at}
			nameEnd := at + 1 + stringEnd(text[at+1:]) + 1
			m.value = space(text, space(text, nameEnd)+1)
			taken := take(unquote(text[at:nameEnd]), text[m.value])
			if taken {
				m.end = walk(text, m.value, none, act)
			} else {
				m.end = walk(text, m.value, take, act)
			}
			m.after = space(text, m.end)
			if taken {
				act(m)
			}
			at = m.after
			if text[at] == ',' {
				before, at = at, space(text, at+1)
			}
		}
		return at + 1
	}
	for at < len(text) && bytes.IndexByte([]byte(",]} \t\r\n"), text[at]) < 0 {
		at++
	}
	return at
}

func none(string, byte) bool { return false }

func unquote(raw []byte) string {
	var name string
	if bytes.IndexByte(raw, '\\') < 0 || json.Unmarshal(raw, &name) != nil {
		return string(raw[1 : len(raw)-1])
	}
	return name
}

func space(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n') {
		at++
	}
	return at
}
