package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"unsafe"
)

// decoder reads values. After its first error it reads nothing more.
type decoder struct {
	codec  *Codec
	b      []byte
	size   int
	shared []reflect.Value
	of     []*plan // of each of shared
	texts  []string
	depth  int
	err    error
}

// maxDepth is how deep values may lie in one another: far deeper than any state of ours, and no danger to the stack.
const maxDepth = 1000

// Read reads what Append wrote into the roots, of the same types. Fields that are functions stay as they are. Bytes that
// Append did not write give an error, after which the roots hold anything; whatever the bytes, the memory taken is bounded
// by a small multiple of their number.
func (c *Codec) Read(b []byte, roots ...any) error {
	of, _, err := c.plan(roots)
	if err != nil {
		return err
	}
	d := &decoder{codec: c, b: b, size: len(b), texts: []string{""}}
	for i, r := range roots {
		d.value(of[i], reflect.ValueOf(r).Elem())
	}
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes are left over", len(d.b))
	}
	return d.err
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("state: byte %d: "+format, append([]any{d.size - len(d.b)}, args...)...)
		d.b = nil
	}
}

func (d *decoder) number() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("no number")
		return 0
	}
	d.b = d.b[n:]
	return x
}

// length reads how many elements follow of which each takes at least so many bytes.
func (d *decoder) length(least int) int {
	n := d.number()
	if n > uint64(len(d.b)/max(1, least)) {
		d.fail("%d elements of %d bytes or more do not follow", n, least)
		return 0
	}
	return int(n)
}

func (d *decoder) take(n int) []byte {
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.texts)) {
		d.fail("text %d is not known", n-1)
	}
	if d.err != nil {
		return ""
	}
	if n > 0 {
		return d.texts[n-1]
	}
	s := string(d.take(d.length(1)))
	if d.err == nil {
		d.texts = append(d.texts, s)
	}
	return s
}

// value reads into v, which can be set.
func (d *decoder) value(p *plan, v reflect.Value) {
	switch {
	case d.err != nil:
		return
	case p.outside:
		d.outside(v)
		return
	case p.named != nil:
		d.named(p, v)
		return
	}
	switch p.kind {
	case reflect.Bool:
		if n := d.number(); n > 1 {
			d.fail("neither true nor false")
		} else {
			v.SetBool(n == 1)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		x, n := binary.Varint(d.b)
		if n <= 0 || v.OverflowInt(x) {
			d.fail("no number of type %s", p.t)
			return
		}
		d.b = d.b[n:]
		v.SetInt(x)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		x := d.number()
		if v.OverflowUint(x) {
			d.fail("no number of type %s", p.t)
			return
		}
		v.SetUint(x)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(math.Float64frombits(bits.ReverseBytes64(d.number())))
	case reflect.String:
		v.SetString(d.text())
	case reflect.Struct:
		for i, f := range p.fields {
			d.value(f, settable(v.Field(i)))
		}
	case reflect.Array:
		for i := range v.Len() {
			d.value(p.elem, v.Index(i))
		}
	case reflect.Pointer:
		d.pointer(p, v)
	case reflect.Slice:
		d.slice(p, v)
	case reflect.Map:
		d.table(p, v)
	}
}

// settable gives a field that its package does not export for writing: whoever reads a state is not the package whose state
// it is, and reflect lets nobody else set such a field. The type is the field's own, so that no type is got round.
func settable(f reflect.Value) reflect.Value {
	if f.CanSet() {
		return f
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

// share reads whether something is nil, was there before (then it is set), or follows.
func (d *decoder) share(p *plan, v reflect.Value) (follows bool) {
	n := d.number()
	switch {
	case d.err != nil:
		return false
	case n == none:
		v.SetZero()
		return false
	case n == fresh:
		return true
	case n-old >= uint64(len(d.shared)) || d.of[n-old] != p:
		d.fail("no %s of number %d was there before", p.t, n-old)
		return false
	}
	v.Set(d.shared[n-old])
	return false
}

func (d *decoder) know(p *plan, v reflect.Value) {
	d.shared, d.of = append(d.shared, v), append(d.of, p)
}

func (d *decoder) pointer(p *plan, v reflect.Value) {
	if !d.share(p, v) {
		return
	}
	if len(d.b) < p.elem.least {
		d.fail("a %s does not follow", p.elem.t)
		return
	}
	x := reflect.New(p.elem.t)
	if p.t.Name() != "" {
		x = x.Convert(p.t)
	}
	d.know(p, x)
	v.Set(x)
	d.deeper()
	d.value(p.elem, x.Elem())
	d.depth--
}

func (d *decoder) slice(p *plan, v reflect.Value) {
	if !d.share(p, v) {
		return
	}
	n := d.length(p.elem.least)
	if d.err != nil {
		return
	}
	x := reflect.MakeSlice(p.t, n, n)
	if n > 0 {
		d.know(p, x)
	}
	v.Set(x)
	if p.bytes {
		copy(x.Bytes(), d.take(n))
		return
	}
	d.deeper()
	for i := 0; i < n && d.err == nil; i++ {
		d.value(p.elem, x.Index(i))
	}
	d.depth--
}

func (d *decoder) deeper() {
	if d.depth++; d.depth > maxDepth {
		d.fail("values lie too deep in one another")
	}
}

func (d *decoder) table(p *plan, v reflect.Value) {
	switch n := d.number(); {
	case d.err != nil:
		return
	case n == none:
		v.SetZero()
		return
	case n != fresh:
		d.fail("no map of number %d was there before", n)
		return
	}
	n := d.length(p.key.least + p.elem.least)
	if d.err != nil {
		return
	}
	x := reflect.MakeMapWithSize(p.t, n)
	v.Set(x)
	d.deeper()
	for i := 0; i < n && d.err == nil; i++ {
		key, val := reflect.New(p.key.t).Elem(), reflect.New(p.elem.t).Elem()
		d.value(p.key, key)
		d.value(p.elem, val)
		if d.err == nil {
			x.SetMapIndex(key, val)
		}
	}
	d.depth--
	if d.err == nil && x.Len() != n {
		d.fail("a key of a map is there twice")
	}
}

func (d *decoder) outside(v reflect.Value) {
	n := d.number()
	switch {
	case d.err != nil:
	case n == 0:
		v.SetZero()
	case n > uint64(len(d.codec.Outside)) || reflect.TypeOf(d.codec.Outside[n-1]) != v.Type():
		d.fail("there is no %s of number %d outside", v.Type(), n)
	default:
		v.Set(reflect.ValueOf(d.codec.Outside[n-1]))
	}
}

func (d *decoder) named(p *plan, v reflect.Value) {
	name := d.text()
	if d.err != nil {
		return
	}
	if name == "" {
		v.SetZero()
		return
	}
	x, err := p.named.Find(name)
	if err == nil && reflect.TypeOf(x) != p.t {
		err = fmt.Errorf("%q is a %T, not a %s", name, x, p.t)
	}
	if err != nil {
		d.fail("%w", err)
		return
	}
	v.Set(reflect.ValueOf(x))
}
