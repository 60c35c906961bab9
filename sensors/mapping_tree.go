package sensors

import (
	"fmt"
	"slices"
	"strconv"
)

// values makes of a payload what expressions see, as encoding/json would: maps, lists, strings, floats, bools and nil. The
// strings are parts of one copy of the payload, and the maps and lists of a message of usual size are used again for the next:
// so what a payload costs is bounded by its size. The bound is counted, not measured: the same payload is taken or refused
// whatever came before it.
type values struct {
	c     cursor
	text  string           // the payload
	left  int              // bytes that the message may still cost
	only  []string         // of the outermost object the members that are read; nil: all
	maps  []map[string]any // of this message and those before, each with room for smallMap members
	used  int              // maps of this message
	wide  map[string]any   // the first of more members, likewise kept
	taken bool             // wide is of this message
	lists []any            // what the lists of this message are cut from
	cut   int              // how much of lists is used
	stack []any            // the values of the objects and lists that the cursor is in
	names []string         // of the members among them
	count int              // how many were put on the two in this message
}

const (
	freeMaps    = 1024 // of a message that are kept for the next; each further one costs mapBytes
	mapBytes    = 352  // of a map with up to smallMap members: the head, and a group of eight
	smallMap    = 8
	wideMap     = 4096 // members of a larger map that is kept, one of a message
	memberBytes = 100  // of each member of a larger map that is not kept
	freePlaces  = 8192 // of a message on the stacks that are kept; each further one costs placeBytes
	placeBytes  = 128  // with what was too small
	stringBytes = 16   // of the head of a string
	listBytes   = 32   // of the head of a list, with what it took to check the grammar of deep ones
)

// allowance is what a message of so many bytes may cost beside the decoder's own buffers, which it keeps: nine times its bytes,
// and enough for a short one of dozens of objects, whose expressions may do what they like with them.
func allowance(size int) int { return 9*size + 64<<10 }

// begin begins a message of so many bytes.
func (v *values) begin(size int) {
	if v.lists == nil {
		v.lists = make([]any, freePlaces/2)
	}
	for _, m := range v.maps[:min(v.used, len(v.maps))] {
		clear(m)
	}
	clear(v.wide)
	clear(v.lists[:v.cut])
	if max(cap(v.stack), cap(v.names)) > 2*freePlaces {
		v.stack, v.names = nil, nil
	}
	v.text, v.left, v.used, v.taken, v.cut, v.count, v.stack, v.names = "", allowance(size), 0, false, 0, 0, v.stack[:0], v.names[:0]
}

// spend charges a message, and rejects it where it costs more than its bytes allow.
func (v *values) spend(n int) *Rejection {
	if v.left -= n; v.left >= 0 {
		return nil
	}
	return tooMuch()
}

// tooMuch rejects a message that would cost more than its bytes allow.
func tooMuch() *Rejection {
	return &Rejection{Code: CodeTooBig, Reason: "the payload makes more values than its bytes allow for: send fewer in a message, " +
		"or read them by their names in the site file, as in payload.reads"}
}

// read is the value of a JSON payload, of which valid has found no fault; of an object it has the members in only, or where
// that is nil all.
func (v *values) read(payload []byte, only []string) (any, *Rejection) {
	v.text, v.only = string(payload), only
	v.c.reset(payload)
	if r := v.spend(len(payload)); r != nil {
		return nil, r
	}
	return v.value(only != nil)
}

// value reads the value at the cursor; outermost: an object's members are those of only.
func (v *values) value(outermost bool) (any, *Rejection) {
	c := &v.c
	switch c.text[c.at] {
	case '{':
		return v.object(outermost)
	case '[':
		return v.list()
	case '"':
		s, r := v.string()
		if r == nil {
			r = v.spend(stringBytes)
		}
		return s, r
	case 't':
		c.at += len("true")
		return true, nil
	case 'f':
		c.at += len("false")
		return false, nil
	case 'n':
		c.at += len("null")
		return nil, nil
	}
	if n, places, ok := c.decimal(); ok {
		return float64(n) / powers[places], v.spend(8)
	}
	from := c.at
	c.skip()
	f, err := strconv.ParseFloat(v.text[from:c.at], 64)
	if err != nil {
		return nil, &Rejection{Code: CodeRange, Reason: fmt.Sprintf("the payload has the number %s, beyond any", clip(c.text[from:c.at]))}
	}
	return f, v.spend(8)
}

func (v *values) object(outermost bool) (any, *Rejection) {
	c, base := &v.c, len(v.names)
	from := len(v.stack)
	c.at++
	c.space()
	for c.text[c.at] != '}' {
		name, r := v.string()
		if r != nil {
			return nil, r
		}
		c.space()
		c.at++ // the colon
		c.space()
		if outermost && !slices.Contains(v.only, name) {
			c.skip()
		} else {
			v.names = append(v.names, name)
			if r := v.place(); r != nil {
				return nil, r
			}
			if r := v.push(v.value(false)); r != nil {
				return nil, r
			}
		}
		c.comma()
	}
	c.at++
	m, r := v.make(len(v.names) - base)
	if r != nil {
		return nil, r
	}
	for i, name := range v.names[base:] {
		m[name] = v.stack[from+i] // of two of a name the last counts
	}
	v.names = v.names[:base]
	clear(v.stack[from:])
	v.stack = v.stack[:from]
	return m, nil
}

// make is an empty map for so many members.
func (v *values) make(members int) (map[string]any, *Rejection) {
	if members > smallMap && members <= wideMap && !v.taken {
		if v.taken = true; v.wide == nil {
			v.wide = map[string]any{}
		}
		return v.wide, nil
	}
	if members > smallMap {
		if r := v.spend(memberBytes * members); r != nil {
			return nil, r
		}
		return make(map[string]any, members), nil
	}
	v.used++
	if v.used > freeMaps {
		if r := v.spend(mapBytes); r != nil {
			return nil, r
		}
		return map[string]any{}, nil
	}
	if v.used > len(v.maps) {
		v.maps = append(v.maps, map[string]any{})
	}
	return v.maps[v.used-1], nil
}

// push puts a member or an element aside until its object or list is complete.
func (v *values) push(one any, r *Rejection) *Rejection {
	v.stack = append(v.stack, one)
	if r != nil {
		return r
	}
	return v.place()
}

// place counts a place on a stack.
func (v *values) place() *Rejection {
	if v.count++; v.count > freePlaces {
		return v.spend(placeBytes)
	}
	return nil
}

func (v *values) list() (any, *Rejection) {
	c, base := &v.c, len(v.stack)
	c.at++
	c.space()
	for c.text[c.at] != ']' {
		if r := v.push(v.value(false)); r != nil {
			return nil, r
		}
		c.comma()
	}
	c.at++
	n := len(v.stack) - base
	var list []any
	if v.cut+n <= len(v.lists) {
		list = v.lists[v.cut : v.cut+n : v.cut+n]
		v.cut += n
	} else {
		list = make([]any, n)
	}
	copy(list, v.stack[base:])
	clear(v.stack[base:])
	v.stack = v.stack[:base]
	return list, v.spend(listBytes)
}

// string reads a string, which is part of the payload's copy unless it has escapes.
func (v *values) string() (string, *Rejection) {
	from := v.c.at + 1
	b := v.c.name()
	raw := v.text[from : v.c.at-1]
	if len(b) == len(raw) { // an escape is longer than what it stands for
		return raw, nil
	}
	return string(b), v.spend(2*len(raw) + 16)
}

// comma passes over what stands between two values.
func (c *cursor) comma() {
	c.space()
	if c.text[c.at] == ',' {
		c.at++
		c.space()
	}
}
