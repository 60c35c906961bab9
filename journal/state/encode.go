package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"unsafe"
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
	at  unsafe.Pointer
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
		e.value(of[i], reflect.ValueOf(r).UnsafePointer())
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

// value writes what lies at a place, of the plan's type. It reads the memory itself, at the places that the type gives: by
// reflect.Value the core would stand still four times as long.
func (e *encoder) value(p *plan, at unsafe.Pointer) {
	switch {
	case e.err != nil:
		return
	case p.outside:
		e.outside(reflect.NewAt(p.t, at).Elem())
		return
	case p.named != nil:
		e.named(p, reflect.NewAt(p.t, at).Elem())
		return
	}
	switch p.kind {
	case reflect.Bool:
		n := byte(0)
		if *(*bool)(at) {
			n = 1
		}
		e.b = append(e.b, n)
	case reflect.Int:
		e.b = binary.AppendVarint(e.b, int64(*(*int)(at)))
	case reflect.Int8:
		e.b = binary.AppendVarint(e.b, int64(*(*int8)(at)))
	case reflect.Int16:
		e.b = binary.AppendVarint(e.b, int64(*(*int16)(at)))
	case reflect.Int32:
		e.b = binary.AppendVarint(e.b, int64(*(*int32)(at)))
	case reflect.Int64:
		e.b = binary.AppendVarint(e.b, *(*int64)(at))
	case reflect.Uint:
		e.number(uint64(*(*uint)(at)))
	case reflect.Uint8:
		e.number(uint64(*(*uint8)(at)))
	case reflect.Uint16:
		e.number(uint64(*(*uint16)(at)))
	case reflect.Uint32:
		e.number(uint64(*(*uint32)(at)))
	case reflect.Uint64:
		e.number(*(*uint64)(at))
	case reflect.Float32:
		e.float(float64(*(*float32)(at)))
	case reflect.Float64:
		e.float(*(*float64)(at))
	case reflect.String:
		e.text(*(*string)(at))
	case reflect.Struct:
		for i, f := range p.fields {
			e.value(f, unsafe.Add(at, p.offsets[i]))
		}
	case reflect.Array:
		e.elements(p.elem, at, p.t.Len())
	case reflect.Pointer:
		if to := *(*unsafe.Pointer)(at); e.share(p, to, 1) {
			e.deeper()
			e.value(p.elem, to)
			e.depth--
		}
	case reflect.Slice:
		v := reflect.NewAt(p.t, at).Elem()
		n := v.Len()
		if !e.share(p, v.UnsafePointer(), n) {
			return
		}
		e.number(uint64(n))
		if p.bytes {
			e.b = append(e.b, v.Bytes()...)
			return
		}
		e.deeper()
		e.elements(p.elem, v.UnsafePointer(), n)
		e.depth--
	case reflect.Map:
		e.table(p, reflect.NewAt(p.t, at).Elem())
	}
}

func (e *encoder) float(f float64) {
	e.number(bits.ReverseBytes64(math.Float64bits(f))) // round numbers are short
}

func (e *encoder) elements(p *plan, at unsafe.Pointer, n int) {
	for i := range n {
		e.value(p, unsafe.Add(at, uintptr(i)*p.size))
	}
}

// share writes nil, or the number of what was written before; if it is neither, its content is still to be written.
func (e *encoder) share(p *plan, at unsafe.Pointer, n int) bool {
	switch {
	case at == nil:
		e.number(none)
		return false
	case n == 0: // empty slices share nothing
		e.number(fresh)
		return true
	}
	s := shared{p, at, n}
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
	n := v.Len()
	e.number(fresh)
	e.number(uint64(n))
	keys := reflect.MakeSlice(reflect.SliceOf(p.key.t), n, n)
	vals := reflect.MakeSlice(reflect.SliceOf(p.elem.t), n, n)
	order, sort := make([]int, n), make([][]byte, n)
	k := &encoder{codec: e.codec}
	for i, it := 0, v.MapRange(); it.Next(); i++ {
		keys.Index(i).SetIterKey(it)
		vals.Index(i).SetIterValue(it)
		from := len(k.b)
		k.plain(p.key, keys.Index(i).Addr().UnsafePointer())
		order[i], sort[i] = i, k.b[from:len(k.b):len(k.b)]
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(sort[a], sort[b]) })
	e.deeper()
	for _, i := range order {
		e.value(p.key, keys.Index(i).Addr().UnsafePointer())
		e.value(p.elem, vals.Index(i).Addr().UnsafePointer())
	}
	e.depth--
}

func (e *encoder) deeper() {
	if e.depth++; e.depth > maxDepth {
		e.fail("values lie too deep in one another: the stack could not bear to read them")
	}
}

// plain writes a key with its texts in full, so that its bytes say where it belongs.
func (e *encoder) plain(p *plan, at unsafe.Pointer) {
	switch p.kind {
	case reflect.String:
		e.b = append(append(e.b, *(*string)(at)...), 0)
	case reflect.Struct:
		for i, f := range p.fields {
			e.plain(f, unsafe.Add(at, p.offsets[i]))
		}
	case reflect.Array:
		for i := range p.t.Len() {
			e.plain(p.elem, unsafe.Add(at, uintptr(i)*p.elem.size))
		}
	default:
		e.value(p, at)
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
