// Package edit answers what an editor asks about policy files while they are being written: what may stand at a place, what a
// word means, and where it comes from. Such texts are broken most of the time, so it reads them by itself, line by line,
// and takes from a broken one whatever can be understood; nothing here fails.
package edit

import "strings"

// node is a key with what it holds, or an item of a list.
type node struct {
	parent   int    // index of the node that it is in; -1 at the top
	item     bool   // of a list
	key      string // "" of an item
	from, to int    // bytes of the key
	at, end  int    // bytes of the scalar that it holds, without quotes; both 0 where it holds none
	quote    byte   // ' " of the scalar, | or > of a block of lines; 0: it is plain
}

// outline is a text taken apart.
type outline struct {
	text  string
	nodes []node
	here  place // where the text ends
}

// place is where a text ends: in a key of parent, or in the value of a node.
type place struct {
	parent int  // of the key that is being written
	value  int  // the node whose value is being written; -1: none is
	from   int  // byte at which the key or the scalar begins
	quote  byte // of the scalar
}

// block is one level of indentation.
type block struct {
	indent, node int
	item         bool
}

// scanner goes through a text once.
type scanner struct {
	outline
	p      int // the next byte
	levels []block
}

// scan takes a text apart.
func scan(text string) *outline {
	s := &scanner{outline: outline{text: text, here: place{parent: -1, value: -1}}}
	for s.p < len(text) {
		s.line()
	}
	return &s.outline
}

// line reads a line of block style from its first byte, and what goes on behind it.
func (s *scanner) line() {
	start := s.p
	for s.p < len(s.text) && s.text[s.p] == ' ' {
		s.p++
	}
	indent := s.p - start
	if s.p < len(s.text) && (s.text[s.p] == '\n' || s.text[s.p] == '\r') {
		s.endLine()
		s.here = place{parent: s.parent(0, false), value: -1, from: s.p}
		return
	}
	dash := s.dash()
	s.here = place{parent: s.parent(indent, dash), value: -1, from: s.p}
	if s.p < len(s.text) && s.text[s.p] == '#' {
		s.endLine()
		return
	}
	for s.dash() {
		s.close(indent, true)
		n := s.add(node{parent: s.top(), item: true})
		s.levels = append(s.levels, block{indent, n, true})
		before := s.p
		for s.p++; s.p < len(s.text) && s.text[s.p] == ' '; s.p++ {
		}
		indent += s.p - before
		s.here = place{parent: n, value: n, from: s.p}
	}
	if !dash {
		s.close(indent, false)
	}
	if s.p >= len(s.text) {
		return
	}
	if key, to, ok := s.key("\n"); ok {
		n := s.add(node{parent: s.top(), key: key, from: s.p, to: to})
		s.levels = append(s.levels, block{indent, n, false})
		s.p = s.behindColon(to)
		s.value(n, indent, "\n")
	} else if dash {
		s.value(s.top(), s.levels[len(s.levels)-1].indent, "\n")
	}
	s.endLine()
}

// dash reports whether an item of a list begins here.
func (s *scanner) dash() bool {
	return s.p < len(s.text) && s.text[s.p] == '-' && (s.p+1 == len(s.text) || strings.IndexByte(" \n\r", s.text[s.p+1]) >= 0)
}

// close ends the levels that a line of so much indentation does not go on with. An item may stand as far in as the key
// whose list it is in.
func (s *scanner) close(indent int, item bool) { s.levels = s.levels[:s.open(indent, item)] }

func (s *scanner) open(indent int, item bool) int {
	n := len(s.levels)
	for n > 0 && (s.levels[n-1].indent > indent || s.levels[n-1].indent == indent && (!item || s.levels[n-1].item)) {
		n--
	}
	return n
}

// parent is the node in which a line of so much indentation stands.
func (s *scanner) parent(indent int, item bool) int {
	if n := s.open(indent, item); n > 0 {
		return s.levels[n-1].node
	}
	return -1
}

func (s *scanner) top() int {
	if n := len(s.levels); n > 0 {
		return s.levels[n-1].node
	}
	return -1
}

func (s *scanner) add(n node) int {
	s.nodes = append(s.nodes, n)
	return len(s.nodes) - 1
}

func (s *scanner) endLine() {
	if i := strings.IndexByte(s.text[s.p:], '\n'); i >= 0 {
		s.p += i + 1
		s.here = place{parent: s.parent(0, false), value: -1, from: s.p}
		return
	}
	s.p = len(s.text)
}

// key finds the key that begins here, and where it ends; stops are the bytes that no key holds.
func (s *scanner) key(stops string) (key string, to int, ok bool) {
	rest := s.text[s.p:]
	if rest != "" && (rest[0] == '\'' || rest[0] == '"') {
		i := strings.IndexByte(rest[1:], rest[0])
		if i < 0 || strings.ContainsAny(rest[1:1+i], "\n") || !s.colon(s.p+i+2, stops) {
			return "", 0, false
		}
		return rest[1 : 1+i], s.p + i + 2, true
	}
	if rest == "" || strings.IndexByte("{}[],#&*!|>@`", rest[0]) >= 0 {
		return "", 0, false
	}
	for i := range len(rest) {
		switch {
		case s.colon(s.p+i, stops):
			return strings.TrimRight(rest[:i], " "), s.p + len(strings.TrimRight(rest[:i], " ")), i > 0
		case strings.IndexByte(stops, rest[i]) >= 0, rest[i] == '\n', rest[i] == '#' && i > 0 && rest[i-1] == ' ':
			return "", 0, false
		}
	}
	return "", 0, false
}

// colon reports whether a colon that ends a key is at a byte, blanks before it left out.
func (s *scanner) colon(at int, stops string) bool {
	return at < len(s.text) && s.text[at] == ':' && (at+1 == len(s.text) || strings.IndexByte(" \r\n", s.text[at+1]) >= 0 || strings.IndexByte(stops, s.text[at+1]) >= 0)
}

func (s *scanner) behindColon(at int) int { return at + strings.IndexByte(s.text[at:], ':') + 1 }

// value reads what a node holds. indent is that of the line whose value it is: what goes on in other lines stands further in.
func (s *scanner) value(n, indent int, stops string) {
	for s.p < len(s.text) && s.text[s.p] == ' ' {
		s.p++
	}
	s.here = place{parent: n, value: n, from: s.p}
	if s.p >= len(s.text) {
		return
	}
	switch c := s.text[s.p]; c {
	case '{', '[':
		s.flow(n, indent, c)
	case '\'', '"':
		s.quoted(n, indent, c)
	case '|', '>':
		if stops == "\n" {
			s.lines(n, indent, c)
			return
		}
		s.plain(n, stops)
	case '#', '\n', '\r':
	default:
		s.plain(n, stops)
	}
}

// plain reads a scalar without quotes.
func (s *scanner) plain(n int, stops string) {
	from := s.p
	s.here = place{parent: n, value: n, from: from}
	for s.p < len(s.text) && strings.IndexByte(stops, s.text[s.p]) < 0 && s.text[s.p] != '\n' && !strings.HasPrefix(s.text[s.p:], " #") {
		s.p++
	}
	s.nodes[n].at, s.nodes[n].end = from, from+len(strings.TrimRight(s.text[from:s.p], " \r"))
}

// quoted reads a scalar in quotes, which may go on in lines that stand further in.
func (s *scanner) quoted(n, indent int, quote byte) {
	s.p++
	from := s.p
	s.here = place{parent: n, value: n, from: from, quote: quote}
	s.nodes[n].at, s.nodes[n].end, s.nodes[n].quote = from, from, quote
	for s.p < len(s.text) {
		switch c := s.text[s.p]; {
		case c == '\\' && quote == '"':
			s.p++
		case c == quote && quote == '\'' && strings.HasPrefix(s.text[s.p:], "''"):
			s.p++
		case c == quote:
			s.nodes[n].end = s.p
			s.p++
			s.here = place{parent: s.nodes[n].parent, value: -1, from: s.p}
			return
		case c == '\n' && !s.goesOn(indent):
			s.nodes[n].end = s.p
			return
		}
		s.p++
	}
	s.p = min(s.p, len(s.text))
	s.nodes[n].end = s.p
}

// goesOn reports whether the line behind this line's end stands further in than indent, or is empty.
func (s *scanner) goesOn(indent int) bool {
	rest := s.text[s.p+1:]
	in := len(rest) - len(strings.TrimLeft(rest, " "))
	return in == len(rest) || rest[in] == '\n' || rest[in] == '\r' || in > indent
}

// lines reads a block of lines behind | or >.
func (s *scanner) lines(n, indent int, quote byte) {
	i := strings.IndexByte(s.text[s.p:], '\n')
	if i < 0 {
		s.p = len(s.text)
		return
	}
	s.p += i
	from := s.p + 1
	for s.p < len(s.text) && s.goesOn(indent) {
		next := strings.IndexByte(s.text[s.p+1:], '\n')
		if next < 0 {
			s.p = len(s.text)
			break
		}
		s.p += 1 + next
	}
	s.here = place{parent: n, value: n, from: min(from, len(s.text)), quote: quote}
	s.nodes[n].at, s.nodes[n].end, s.nodes[n].quote = min(from, len(s.text)), max(s.p, min(from, len(s.text))), quote
}

// flow reads { … } or [ … ]. One that is not closed ends before a line that stands no further in than indent.
func (s *scanner) flow(n, indent int, open byte) {
	s.p++
	stops := ",}"
	if open == '[' {
		stops = ",]"
	}
	for {
		item := -1
		if !s.blank(indent) {
			s.here = s.inFlow(n, open, &item)
			return
		}
		s.here = s.inFlow(n, open, &item)
		switch c := s.text[s.p]; {
		case c == ',':
			s.p++
			continue
		case c == '}' || c == ']':
			s.p++
			s.here = place{parent: s.nodes[n].parent, value: -1, from: s.p}
			return
		}
		before := s.p
		if open == '[' {
			s.value(item, indent, stops)
		} else if key, to, ok := s.key(stops); ok {
			k := s.add(node{parent: n, key: key, from: s.p, to: to})
			s.p = s.behindColon(to)
			s.here = place{parent: n, value: k, from: s.p}
			if s.blank(indent) && strings.IndexByte(stops, s.text[s.p]) < 0 {
				s.value(k, indent, stops)
			} else if s.p >= len(s.text) {
				s.here = place{parent: n, value: k, from: s.p}
			}
		} else { // a word without its colon
			for s.p < len(s.text) && strings.IndexByte(stops, s.text[s.p]) < 0 && s.text[s.p] != '\n' {
				s.p++
			}
		}
		if s.p >= len(s.text) || s.p == before && !s.blank(indent) {
			return
		}
		if s.p == before { // what can stand nowhere
			s.p++
		}
	}
}

// inFlow is the place of what comes next in { … } or [ … ]; of a list it begins an item.
func (s *scanner) inFlow(n int, open byte, item *int) place {
	if open == '{' {
		return place{parent: n, value: -1, from: s.p}
	}
	if s.p < len(s.text) && strings.IndexByte(",]}", s.text[s.p]) >= 0 {
		return place{parent: n, value: -1, from: s.p}
	}
	*item = s.add(node{parent: n, item: true})
	return place{parent: *item, value: *item, from: s.p}
}

// blank skips blanks and the ends of lines; false at the end of the text, and before a line that ends what is not closed.
func (s *scanner) blank(indent int) bool {
	for s.p < len(s.text) {
		switch s.text[s.p] {
		case '\n':
			if !s.goesOn(indent) {
				return false
			}
		case ' ', '\r', '\t':
		case '#':
			i := strings.IndexByte(s.text[s.p:], '\n')
			if i < 0 {
				s.p = len(s.text)
				return false
			}
			s.p += i - 1
		default:
			return true
		}
		s.p++
	}
	return false
}

// path is the way from the top to a node: keys, and "" for items.
func (o *outline) path(n int) []string {
	var all []string
	for ; n >= 0; n = o.nodes[n].parent {
		all = append(all, o.nodes[n].key)
	}
	for i, k := 0, len(all)-1; i < k; i, k = i+1, k-1 {
		all[i], all[k] = all[k], all[i]
	}
	return all
}

// children are the nodes directly in another; of -1, those at the top.
func (o *outline) children(n int) (all []int) {
	for i := range o.nodes {
		if o.nodes[i].parent == n {
			all = append(all, i)
		}
	}
	return all
}

// find is the node at the end of a way of keys from the top; -1 where there is none.
func (o *outline) find(keys ...string) int {
	at := -1
	for _, k := range keys {
		next := -1
		for _, c := range o.children(at) {
			if !o.nodes[c].item && o.nodes[c].key == k {
				next = c
			}
		}
		if next < 0 {
			return -1
		}
		at = next
	}
	return at
}

// scalar is what a node holds, "" where that is no scalar.
func (o *outline) scalar(n int) string {
	if n < 0 || o.nodes[n].end <= o.nodes[n].at {
		return ""
	}
	t := o.text[o.nodes[n].at:o.nodes[n].end]
	if o.nodes[n].quote == '\'' {
		t = strings.ReplaceAll(t, "''", "'")
	}
	return t
}
