package state

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type shop struct{ name string }

type policy struct{ id string }

type pair struct {
	a int
	b string
}

type page struct {
	mark  *int
	cells [3]float32
}

type node struct {
	next  *node
	value int16
}

type raw []byte

// all has everything that a state may hold.
type all struct {
	on          bool
	i           int64
	small       int8
	u           uint64
	f           []float64
	text        string
	nilList     []int
	empty       []int
	list        []pair
	same, other []pair
	table       map[pair]string
	nilTable    map[string]int
	emptyTable  map[string]int
	set         map[string]struct{}
	pages       []*page
	ring        *node
	bytes       raw
	shop        *shop
	policy      *policy
	tell        func() string
}

var (
	theShop  = &shop{"s042"}
	thePolly = &policy{"p"}
)

func codec(s *shop, p *policy) *Codec {
	return &Codec{Outside: []any{s}, Named: map[reflect.Type]Name{reflect.TypeFor[*policy](): {
		Of: func(x any) (string, error) { return x.(*policy).id, nil },
		Find: func(name string) (any, error) {
			if name != p.id {
				return nil, errors.New("no such policy")
			}
			return p, nil
		},
	}}}
}

func example() *all {
	mark := new(int)
	list := []pair{{1, "x"}, {2, "y"}, {-3, "x"}}
	a := &all{on: true, i: math.MinInt64, small: -128, u: math.MaxUint64, f: []float64{0.1, math.Copysign(0, -1), math.Inf(1), 3},
		text: "zwölf", empty: []int{}, list: list, same: list, other: list[:2],
		table: map[pair]string{{1, "b"}: "x", {1, "a"}: "y", {-1, ""}: "", {300, "\x00"}: "z"}, emptyTable: map[string]int{},
		set: map[string]struct{}{"x": {}, "k": {}}, pages: []*page{{mark: mark, cells: [3]float32{1, 2.5, -3}}, {mark: new(int)}, {mark: mark}, nil},
		bytes: raw("\x00\xff{}"), shop: theShop, policy: thePolly, tell: func() string { return "mine" }}
	a.pages = append(a.pages, a.pages[0])
	a.ring = &node{value: 7}
	a.ring.next = &node{a.ring, -300}
	return a
}

// TestRoundTrip: what is read is what was written, down to what is shared and to what is nil, and is written as it was.
func TestRoundTrip(t *testing.T) {
	a := example()
	c := codec(theShop, thePolly)
	b, err := c.Append([]byte("before"), a, &a.text)
	if err != nil {
		t.Fatal(err)
	}
	b, ok := bytes.CutPrefix(b, []byte("before"))
	if !ok {
		t.Fatal("what was there before is not")
	}
	for range 20 { // maps have no order of their own
		if again, err := c.Append(nil, example(), &a.text); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("the same state has other bytes (%v)", err)
		}
	}
	shop2, polly2 := &shop{"other"}, &policy{"p"}
	got := &all{tell: func() string { return "the reader's" }, nilList: []int{1}, nilTable: map[string]int{"x": 1}}
	var text string
	if err := codec(shop2, polly2).Read(b, got, &text); err != nil {
		t.Fatal(err)
	}
	if got.shop != shop2 || got.policy != polly2 || got.tell() != "the reader's" || text != a.text {
		t.Error("what is outside, named or a function is not the reader's own")
	}
	if got.pages[0].mark != got.pages[2].mark || got.pages[0].mark == got.pages[1].mark || got.pages[4] != got.pages[0] {
		t.Error("pointers do not share what they shared")
	}
	if got.ring.next.next != got.ring || got.ring.next.value != -300 {
		t.Error("the ring is none")
	}
	if got.list[0].a = 9; got.same[0].a != 9 || got.other[0].a != 1 {
		t.Error("slices of the same elements are not, or a part of them is")
	}
	got.list[0].a = 1
	if math.Float64bits(got.f[1]) != math.Float64bits(a.f[1]) {
		t.Error("−0 has become 0")
	}
	again, err := codec(shop2, polly2).Append(nil, got, &text)
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("what was read is written otherwise (%v)", err)
	}
	got.ring, a.ring, got.tell, a.tell, got.shop, a.shop = nil, nil, nil, nil, nil, nil
	if diff := cmp.Diff(a, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("read otherwise than written:\n%s", diff)
	}
}

// TestLayout: types that differ in a name, a kind, an order or a length have another layout.
func TestLayout(t *testing.T) {
	type inner struct{ X int }
	roots := []any{new(struct {
		a int
		b []inner
	}), new(struct {
		b []inner
		a int
	}), new(struct {
		a int
		c []inner
	}), new(struct {
		a int32
		b []inner
	}), new(struct {
		a int
		b []struct{ X int }
	}), new([2]inner), new([3]inner), new(*inner), new(map[int]inner), new(map[inner]int), new(*shop)}
	seen := map[string]int{}
	for i, r := range roots {
		h, err := new(Codec).Layout(r)
		if err != nil {
			t.Fatal(err)
		}
		if k, twice := seen[h]; twice {
			t.Errorf("%T and %T have the same layout", r, roots[k])
		}
		if again, err := new(Codec).Layout(r); err != nil || again != h {
			t.Errorf("%T has two layouts", r)
		}
		seen[h] = i
	}
	if h, err := codec(theShop, thePolly).Layout(new(*shop)); err != nil || seen[h] > 0 {
		t.Errorf("what is outside has the layout of what is not (%v)", err)
	}
}

// TestUnwritable: what has no form on disk, or is not what it should refer to, is an error that says what it is.
func TestUnwritable(t *testing.T) {
	for want, root := range map[string]any{
		"not a pointer":      3,
		"[]interface {}":     new(struct{ X []any }),
		".stop: chan int":    new(struct{ stop chan int }),
		"which has no order": new(map[float64]int),
		"to a copy": new(struct {
			All  []pair
			Best *pair
		}),
		"have no size":     new([]struct{}),
		"not the one that": &all{shop: &shop{}},
		"has no name":      &all{policy: &policy{}},
	} {
		if _, err := codec(theShop, thePolly).Append(nil, root); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: %v; want %q", root, err, want)
		}
	}
}

// taken is what reading some bytes takes of the heap.
func taken(t testing.TB, b []byte) (bytes uint64, err error) {
	t.Helper()
	c, a, text := codec(theShop, thePolly), new(all), ""
	if _, err := c.Layout(a, &text); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = c.Read(b, a, &text)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// multiple and slack bound the heap that reading takes, by the bytes read.
const multiple, slack = 100, 64 << 10

// TestDamage: bytes that were cut or changed are an error or another state, never a panic, and take little more memory than
// they are.
func TestDamage(t *testing.T) {
	b, err := codec(theShop, thePolly).Append(nil, example(), new(string))
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := taken(t, b[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken for all", n, len(b))
		}
	}
	if _, err := taken(t, append(bytes.Clone(b), 0)); err == nil {
		t.Error("a byte too many is not noticed")
	}
	rng, wrong := rand.New(rand.NewPCG(1, 1)), 0
	for range 3000 {
		d := bytes.Clone(b)
		for range 1 + rng.IntN(3) {
			d[rng.IntN(len(d))] = byte(rng.Uint32())
		}
		n, err := taken(t, d)
		if err != nil {
			wrong++
		}
		if n > uint64(multiple*len(d)+slack) {
			t.Errorf("%d bytes take %d of the heap", len(d), n)
		}
	}
	if wrong == 0 {
		t.Error("no change was noticed")
	}
}

// TestDepth: a chain that has no end in sight is an error, and no danger to the stack.
func TestDepth(t *testing.T) {
	var n *node
	for range 10 * maxDepth {
		n = &node{next: n}
	}
	if _, err := new(Codec).Append(nil, &n); err == nil || !strings.Contains(err.Error(), "too deep") {
		t.Errorf("%v; want too deep", err)
	}
	if err := new(Codec).Read(bytes.Repeat([]byte{fresh}, 10*maxDepth), new(*node)); err == nil || !strings.Contains(err.Error(), "too deep") {
		t.Errorf("%v; want too deep", err)
	}
}

func FuzzRead(f *testing.F) {
	b, err := codec(theShop, thePolly).Append(nil, example(), new(string))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{1, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, _ := taken(t, b); n > uint64(multiple*len(b)+1<<20) { // the fuzzer itself takes some
			t.Errorf("%d bytes take %d of the heap", len(b), n)
		}
	})
}
