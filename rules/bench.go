package rules

import (
	"math"
	"sync"

	"magpie/fusion"
)

// bench is the scratch of one call. Calls have numbers, so that nothing need be cleared.
type bench struct {
	call   uint32
	due    []uint32 // by operand of the subject kind: the call in which it may have changed
	marked []uint32 // by policy: the call in which it became dirty
	read   []value  // of operands that several policies read
	dirty  []int32  // policies that read one that may have changed
	goods  [2][]held
	events []int32  // of the fact at hand
	tapes  [8]*tape // of the operand at hand
	risk   float64  // value at risk
	risked uint32   // the call in which it was read
	view   fusion.View
}

// value is an operand's, and the call in which it was read.
type value struct {
	x    float64
	call uint32
}

// bench is scratch for one call; give it back with put.
func (j *judged) bench(v fusion.View) *bench {
	b, _ := j.benches.Get().(*bench)
	if b == nil || b.call == math.MaxUint32 {
		b = &bench{due: make([]uint32, len(j.ops)), marked: make([]uint32, len(j.policies)), read: make([]value, j.shared)}
	}
	b.call++
	b.dirty = b.dirty[:0]
	b.view = v
	return b
}

func (j *judged) put(b *bench) {
	b.view = fusion.View{} // it holds on to no world
	j.benches.Put(b)
}

// touched notes that an operand may have changed.
func (b *bench) touched(j *judged, op int) {
	if b.due[op] != b.call {
		b.due[op] = b.call
		b.soil(j.readers.at(op))
	}
}

// occurred notes what a fact may have changed: the operands that read its events, and those that its kind touches.
func (b *bench) occurred(j *judged, f *fusion.Fact, events []int32) {
	for _, e := range events {
		for _, n := range j.eventOps.at(int(e)) {
			b.due[n] = b.call
		}
		b.soil(j.eventPolicies.at(int(e)))
	}
	for _, n := range j.byKind[f.Kind] {
		b.touched(j, n)
	}
}

func (b *bench) soil(policies []int32) {
	for _, p := range policies {
		if b.marked[p] != b.call {
			b.marked[p] = b.call
			b.dirty = append(b.dirty, p)
		}
	}
}

// benches keeps scratch for whoever judges next.
type benches struct{ sync.Pool }
