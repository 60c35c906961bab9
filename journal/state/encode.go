package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
)

// encoder writes values. Pointers and slices that it meets again, and texts, are written as their number.
type encoder struct {
	codec  *Codec
	b      []byte
	shared map[shared]uint64
	texts  map[string]uint64
	depth  int
	err    error
}

// shared is what several values may hold: what a pointer points to, or the elements of a slice. Two slices of one array but
// of another length are written twice.
type shared struct {
	p   *plan
	at  uintptr
	len int
}

// bytesPerShared is how many bytes there are for each thing that may be shared, about.
const bytesPerShared = 100

// What stands before what may be nil or shared: a number from old on stands for what was written before.
const (
	none = iota
	fresh
	old
)

// Append appends what the roots, which are pointers, reach. The same state gives the same bytes.
func (c *Codec) Append(b []byte, roots ...any) ([]byte, error) {
	of, _, err := c.plan(roots)
	if err != nil {
		return b, err
	}
	e := &encoder{codec: c, b: slices.Grow(b, c.Guess), shared: make(map[shared]uint64, c.Guess/bytesPerShared), texts: map[string]uint64{"": 0}}
	for i, r := range roots {
		e.value(of[i], reflect.ValueOf(r).Elem())
	}
	return e.b, e.err
}

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("state: "+format, args...)
	}
}

func (e *encoder) number(n uint64) { e.b = binary.AppendUvarint(e.b, n) }

func (e *encoder) text(s string) {
	n, ok := e.texts[s]
	if ok {
		e.number(n + 1)
		return
	}
	e.texts[s] = uint64(len(e.texts))
	e.number(0)
	e.number(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) value(p *plan, v reflect.Value) {
	switch {
	case e.err != nil:
		return
	case p.outside:
		e.outside(v)
		return
	case p.named != nil:
		e.named(p, v)
		return
	}
	switch p.kind {
	case reflect.Bool:
		n := byte(0)
		if v.Bool() {
			n = 1
		}
		e.b = append(e.b, n)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.b = binary.AppendVarint(e.b, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.number(v.Uint())
	case reflect.Float32, reflect.Float64:
		e.number(bits.ReverseBytes64(math.Float64bits(v.Float()))) // round numbers are short
	case reflect.String:
		e.text(v.String())
	case reflect.Struct:
		for i, f := range p.fields {
			e.value(f, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			e.value(p.elem, v.Index(i))
		}
	case reflect.Pointer:
		if e.share(p, v, 1) {
			e.deeper()
			e.value(p.elem, v.Elem())
			e.depth--
		}
	case reflect.Slice:
		if !e.share(p, v, v.Len()) {
			return
		}
		e.number(uint64(v.Len()))
		if p.bytes {
			e.b = append(e.b, v.Bytes()...)
			return
		}
		e.deeper()
		for i := range v.Len() {
			e.value(p.elem, v.Index(i))
		}
		e.depth--
	case reflect.Map:
		e.table(p, v)
	}
}

// share writes nil, or the number of what was written before; if it is neither, its content is still to be written.
func (e *encoder) share(p *plan, v reflect.Value, n int) bool {
	if v.IsNil() {
		e.number(none)
		return false
	}
	if n == 0 { // empty slices share nothing
		e.number(fresh)
		return true
	}
	s := shared{p, v.Pointer(), n}
	if k, ok := e.shared[s]; ok {
		e.number(old + k)
		return false
	}
	e.shared[s] = uint64(len(e.shared))
	e.number(fresh)
	return true
}

// table writes a map in the order of its keys' bytes.
func (e *encoder) table(p *plan, v reflect.Value) {
	if v.IsNil() {
		e.number(none)
		return
	}
	e.number(fresh)
	e.number(uint64(v.Len()))
	type entry struct {
		sort     []byte
		key, val reflect.Value
	}
	list := make([]entry, 0, v.Len())
	k := &encoder{codec: e.codec}
	for i := v.MapRange(); i.Next(); {
		from := len(k.b)
		k.plain(p.key, i.Key())
		list = append(list, entry{k.b[from:len(k.b):len(k.b)], i.Key(), i.Value()})
	}
	slices.SortFunc(list, func(a, b entry) int { return bytes.Compare(a.sort, b.sort) })
	e.deeper()
	for i := range list {
		e.value(p.key, list[i].key)
		e.value(p.elem, list[i].val)
	}
	e.depth--
}

func (e *encoder) deeper() {
	if e.depth++; e.depth > maxDepth {
		e.fail("values lie too deep in one another: the stack could not bear to read them")
	}
}

// plain writes a key with its texts in full, so that its bytes say where it belongs.
func (e *encoder) plain(p *plan, v reflect.Value) {
	switch p.kind {
	case reflect.String:
		e.b = append(append(e.b, v.String()...), 0)
	case reflect.Struct:
		for i, f := range p.fields {
			e.plain(f, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			e.plain(p.elem, v.Index(i))
		}
	default:
		e.value(p, v)
	}
}

func (e *encoder) outside(v reflect.Value) {
	if v.IsNil() {
		e.number(0)
		return
	}
	for i, o := range e.codec.Outside {
		if x := reflect.ValueOf(o); x.Type() == v.Type() && x.Pointer() == v.Pointer() {
			e.number(uint64(i) + 1)
			return
		}
	}
	e.fail("a %s is not the one that it may refer to", v.Type())
}

func (e *encoder) named(p *plan, v reflect.Value) {
	if v.IsNil() {
		e.text("")
		return
	}
	name, err := p.named.Of(reflect.NewAt(p.t.Elem(), v.UnsafePointer()).Interface())
	if err == nil && name == "" {
		err = fmt.Errorf("a %s has no name", p.t)
	}
	if err != nil {
		e.fail("%w", err)
		return
	}
	e.text(name)
}
