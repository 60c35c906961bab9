// Package state writes everything that some values reach as bytes, and reads it back into values of the same types: what a
// core snapshot holds. Types say themselves what is written, unexported fields too, so that no list of fields has to follow
// them; a hash of their layout says whether bytes and types belong together.
package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
)

// Codec says what is written otherwise than by its content.
type Codec struct {
	// Outside are pointers to what the state refers to and that is not its own: a reference to one is written as its place
	// here. It must be the same list, of other objects of the same types, when the state is read.
	Outside []any
	// Named are pointer types whose values are written as a text by which they are found again.
	Named map[reflect.Type]Name
	// Guess is how many bytes there will be, about: to make room for them at once.
	Guess int
}

// Name gives the text of a pointer, and the pointer of a text. Neither is asked for nil.
type Name struct {
	Of   func(any) (string, error)
	Find func(string) (any, error)
}

// plan is how a type is written.
type plan struct {
	t         reflect.Type
	kind      reflect.Kind
	least     int // bytes that a value takes at least
	outside   bool
	named     *Name
	key, elem *plan
	fields    []*plan
	bytes     bool // a slice of bytes
}

// plans are those of the types that some roots reach.
type plans struct {
	codec *Codec
	known map[reflect.Type]*plan
	order []*plan
}

// Layout is a hash of the types that the roots, which are pointers, reach: of their names, kinds and fields.
func (c *Codec) Layout(roots ...any) (string, error) {
	_, all, err := c.plan(roots)
	if err != nil {
		return "", err
	}
	number := map[*plan]int{nil: -1}
	for i, p := range all.order {
		number[p] = i
	}
	h := sha256.New()
	fmt.Fprintf(h, "roots %d\n", len(roots))
	for _, p := range all.order {
		fmt.Fprintf(h, "%s.%s %s %d %d", p.t.PkgPath(), p.t.Name(), p.kind, number[p.key], number[p.elem])
		switch {
		case p.outside:
			fmt.Fprintf(h, " outside %s", p.t)
		case p.named != nil:
			fmt.Fprintf(h, " named %s", p.t)
		case p.kind == reflect.Array:
			fmt.Fprintf(h, " %d", p.t.Len())
		}
		for i, f := range p.fields {
			fmt.Fprintf(h, " %s:%d", p.t.Field(i).Name, number[f])
		}
		fmt.Fprintln(h)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

func (c *Codec) plan(roots []any) (of []*plan, all *plans, err error) {
	all = &plans{codec: c, known: map[reflect.Type]*plan{}}
	for _, r := range roots {
		v := reflect.ValueOf(r)
		if v.Kind() != reflect.Pointer || v.IsNil() {
			return nil, nil, fmt.Errorf("state: a root is %T, not a pointer to something", r)
		}
		p, err := all.of(v.Type().Elem())
		if err != nil {
			return nil, nil, fmt.Errorf("state: %s: %w", v.Type().Elem(), err)
		}
		of = append(of, p)
	}
	return of, all, all.check()
}

// check reports as an error a type of which there are values by themselves, behind pointers, and values that lie in others:
// a pointer into those would be read as one to a copy.
func (s *plans) check() error {
	within := map[*plan]*plan{}
	for _, p := range s.order {
		if p.kind != reflect.Pointer && p.elem != nil {
			within[p.elem] = p
		}
		for _, f := range p.fields {
			within[f] = p
		}
	}
	for _, p := range s.order {
		if p.kind != reflect.Pointer || p.elem == nil || p.elem.kind != reflect.Struct && p.elem.kind != reflect.Array {
			continue
		}
		if in := within[p.elem]; in != nil {
			return fmt.Errorf("state: there are pointers to %s, and it lies in %s: a pointer into that would be read as one to a copy; let it be in one of both", p.elem.t, in.t)
		}
	}
	return nil
}

// of makes the plan of a type; one that cannot be written is an error.
func (s *plans) of(t reflect.Type) (*plan, error) {
	if p := s.known[t]; p != nil {
		return p, nil
	}
	p := &plan{t: t, kind: t.Kind(), least: 1}
	s.known[t] = p
	s.order = append(s.order, p)
	for _, o := range s.codec.Outside {
		p.outside = p.outside || reflect.TypeOf(o) == t
	}
	if n, ok := s.codec.Named[t]; ok {
		p.named = &n
	}
	if p.outside || p.named != nil {
		return p, nil
	}
	var err error
	switch p.kind {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8,
		reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64, reflect.String:
	case reflect.Func: // the reader's own stays
		p.least = 0
	case reflect.Slice, reflect.Pointer:
		p.bytes = p.kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8
		if p.elem, err = s.of(t.Elem()); err == nil && t.Elem().Size() == 0 {
			err = errors.New("its elements have no size: they cannot be told apart")
		}
	case reflect.Array:
		p.elem, err = s.of(t.Elem())
		if err == nil {
			p.least = t.Len() * p.elem.least
		}
	case reflect.Map:
		if p.key, err = s.of(t.Key()); err == nil {
			err = p.key.sortable()
		}
		if err == nil {
			p.elem, err = s.of(t.Elem())
		}
	case reflect.Struct:
		p.least = 0
		for i := range t.NumField() {
			f, err := s.of(t.Field(i).Type)
			if err != nil {
				return nil, fmt.Errorf(".%s: %w", t.Field(i).Name, err)
			}
			p.fields = append(p.fields, f)
			p.least += f.least
		}
	default:
		err = errors.New("a value of this kind has no form on disk: keep it out of the state, or give it a name")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	return p, nil
}

// sortable reports as an error a type of which values cannot be put in an order.
func (p *plan) sortable() error {
	switch p.kind {
	case reflect.Slice, reflect.Pointer, reflect.Map, reflect.Func, reflect.Float32, reflect.Float64:
		return fmt.Errorf("a key of a map holds %s, which has no order that is the same everywhere", p.t)
	case reflect.Array:
		return p.elem.sortable()
	}
	for _, f := range p.fields {
		if err := f.sortable(); err != nil {
			return err
		}
	}
	return nil
}
