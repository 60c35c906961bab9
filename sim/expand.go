package sim

import (
	"fmt"
	"slices"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
	"magpie/strict"
)

// Options are what a script needs to know beside the site.
type Options struct {
	// Start is when the script begins; zero means DefaultStart in the site's time zone.
	Start time.Time
	// Goods gives the SKUs of a list of common.yaml, nil for a word that is none. May be nil: there are no lists.
	Goods func(list string) []string
	// Until keeps the sources alive for so long after the start, when that is longer than the script.
	Until time.Duration
}

// Lines expands the script to the messages that the site's devices would send, in the order of their arrival; what
// arrives at the same moment stays in the order of ts. Every message has a seq. The error is strict.Errors, everything
// wrong at once: sources, zones, goods and people that are not there, a pick out of reach.
//
// Beyond contract section 4: who picks, puts or gives shows a hand (at the plate, or half way to the other) and whether
// it holds something in the camera frames half a second before and after; nothing else says who gave what to whom. Goods
// that are put down out of reach of their own plate go on the nearest plate within reach. A source that is off sends
// nothing: no frames, no samples; any other line of its own is an error. An unsigned weight is what the plate says, and
// leaves its load as it is. A plate without a known product carries 10 kg.
func (s *Script) Lines(at *site.Site, o Options) ([]Line, error) {
	if o.Start.IsZero() {
		start, err := Start("", at.Store.Location)
		if err != nil {
			return nil, err
		}
		o.Start = start
	}
	b := &builder{script: s, file: strict.NewFile("", []byte(s.text)), site: at, store: at.Store, goods: o.Goods,
		start: o.Start.UnixNano(), end: max(o.Until, s.End())}
	b.switches()
	b.meet()
	for i := range s.statements {
		b.expand(&s.statements[i])
	}
	b.plates()
	b.frames()
	b.signsOfLife()
	if err := b.file.Errors.Err(); err != nil {
		return nil, err
	}
	return encode(b.store, b.start, b.out)
}

// builder collects what a script's devices send.
type builder struct {
	script *Script
	file   *strict.File // its text
	site   *site.Site
	store  *fusion.Store
	goods  func(string) []string
	start  int64
	end    time.Duration // until when sources say that they are alive

	flips  map[string][]flip // by source: when it goes off and on
	people []*person
	shelf  []plate // by Store.Scales
	out    []emission
}

// emission is a message before it has its seq.
type emission struct {
	ts, late time.Duration // since the start
	kind     fusion.Kind
	source   string
	message  func(message.Head) any
	payload  []byte // in its place, when the script gives it

	unnumbered bool // the device sends no seq
}

type flip struct {
	at time.Duration
	on bool
}

func (b *builder) fail(st *statement, at token, format string, args ...any) {
	b.file.FailAt(st.line, at.col, format, args...)
}

// switches reads every off and on.
func (b *builder) switches() {
	b.flips = map[string][]flip{}
	for i := range b.script.statements {
		st := &b.script.statements[i]
		if v := st.verb.text; v != "off" && v != "on" {
			continue
		}
		if b.store.SourceIndex(st.source.text) < 0 {
			b.unknownSource(st, nil)
			continue
		}
		b.flips[st.source.text] = append(b.flips[st.source.text], flip{st.from, st.verb.text == "on"})
	}
	for _, all := range b.flips {
		slices.SortStableFunc(all, func(x, y flip) int { return int(x.at - y.at) })
	}
}

// on reports whether a source is alive; at the moment of a switch it is what it becomes.
func (b *builder) on(source string, at time.Duration) bool {
	on := true
	for _, f := range b.flips[source] {
		if f.at <= at {
			on = f.on
		}
	}
	return on
}

// unknownSource says that there is no such source, with those of a kind, or all, as a choice.
func (b *builder) unknownSource(st *statement, kind *fusion.Kind) {
	var ids []string
	for _, s := range b.store.Sources {
		if kind == nil || s.Kind == *kind {
			ids = append(ids, s.ID)
		}
	}
	what := "source"
	if kind != nil {
		what = "source of " + kind.String()
	}
	b.fail(st, st.source, "the site has no %s %q; %s", what, st.source.text, strict.Suggest(st.source.text, ids))
}

// expand makes the messages of a statement that does not wait for the others.
func (b *builder) expand(st *statement) {
	switch st.verb.text {
	case "walk", "off", "on":
		return
	case "send":
		b.send(st)
		return
	case "pick", "put":
		b.handle(st)
		return
	case "give":
		b.give(st)
		return
	}
	i := b.store.SourceIndex(st.source.text)
	if i < 0 {
		b.unknownSource(st, &st.kind)
		return
	}
	if kind := b.store.Sources[i].Kind; kind != st.kind {
		b.fail(st, st.source, "%s is a source of %s and sends no %s", st.source.text, kind, st.kind)
		return
	}
	if st.verb.text == "weight" {
		b.weigh(st)
		return
	}
	if !b.on(st.source.text, st.from) {
		b.fail(st, st.source, "%s is off at %s and sends nothing: switch it on before, or use send", st.source.text, st.from)
	}
	if st.zone.text != "" && b.store.ZoneIndex(st.zone.text) < 0 {
		var ids []string
		for _, z := range b.store.Zones {
			ids = append(ids, z.ID)
		}
		b.fail(st, st.zone, "the site has no zone %q; %s", st.zone.text, strict.Suggest(st.zone.text, ids))
	}
	if st.antenna.text != "" {
		b.antenna(st)
	}
	var goods *fusion.Product
	if st.goods.text != "" {
		all := b.products(st)
		if len(all) == 0 {
			return
		}
		goods = &b.store.Products[all[0]]
	}
	n := max(1, st.n)
	for i := range n {
		ts := st.from
		if n > 1 {
			ts += time.Duration(int64(st.to-st.from) * int64(i) / int64(n-1)).Round(time.Millisecond)
		}
		b.out = append(b.out, emission{ts: ts, late: st.late, kind: st.kind, source: st.source.text,
			message: func(h message.Head) any { return st.message(h, i, goods) }})
	}
}

func (b *builder) antenna(st *statement) {
	for _, r := range b.store.Readers {
		if r.ID != st.source.text {
			continue
		}
		var known []string
		for a := range r.Antennas {
			known = append(known, fmt.Sprint(a))
		}
		slices.Sort(known)
		if !slices.Contains(known, st.antenna.text) {
			b.fail(st, st.antenna, "reader %s has no antenna %s; %s", r.ID, st.antenna.text, strict.Suggest(st.antenna.text, known))
		}
	}
}

// products are the goods that a statement names, as indexes into Store.Products; none after an error.
func (b *builder) products(st *statement) []int {
	word := st.goods.text
	if i := b.store.ProductIndex(fusion.GTIN14(word)); i >= 0 {
		return []int{i}
	}
	var all []int
	if word == "any" {
		for i := range b.store.Products {
			all = append(all, i)
		}
	} else if b.goods != nil {
		for _, sku := range b.goods(word) {
			if i := b.store.ProductIndex(fusion.GTIN14(sku)); i >= 0 {
				all = append(all, i)
			}
		}
	}
	if len(all) == 0 {
		b.fail(st, st.goods, "%q is neither a SKU of the site's products nor a list that names one", word)
	}
	return all
}

// signsOfLife says online for every source from a second before the start, each ten seconds while it is on.
func (b *builder) signsOfLife() {
	begin, end := -time.Second, b.end
	for _, e := range b.out {
		begin = min(begin, e.ts)
	}
	var signs []emission
	for _, s := range b.store.Sources {
		say := func(ts time.Duration, state string) {
			m := message.Status{State: state}
			if state == "online" {
				m.Every = aliveEvery.Seconds()
			}
			signs = append(signs, emission{ts: ts, kind: fusion.Status, source: s.ID,
				message: func(h message.Head) any { m.Head = h; return m }})
		}
		flips, on, next := b.flips[s.ID], true, begin
		for next <= end || len(flips) > 0 {
			if len(flips) > 0 && flips[0].at <= next {
				f := flips[0]
				flips = flips[1:]
				if on = f.on; on {
					next = f.at
				} else {
					say(f.at, "offline")
				}
				continue
			}
			if on && next <= end {
				say(next, "online")
			}
			next += aliveEvery
		}
	}
	b.out = append(signs, b.out...)
}

// encode numbers the messages of each source and kind in the order of their ts, and puts all in the order of arrival.
func encode(store *fusion.Store, start int64, out []emission) ([]Line, error) {
	slices.SortStableFunc(out, func(x, y emission) int { return int(x.ts - y.ts) })
	type stream struct {
		source string
		kind   fusion.Kind
	}
	seq := map[stream]uint64{}
	lines := make([]Line, 0, len(out))
	for _, e := range out {
		ts := start + int64(e.ts)
		payload := e.payload
		if payload == nil {
			key := stream{e.source, e.kind}
			seq[key]++
			head := message.Head{TS: message.At(ts)}
			if n := seq[key]; !e.unnumbered {
				head.Seq = &n
			}
			var err error
			if payload, err = message.Encode(e.message(head)); err != nil {
				return nil, fmt.Errorf("a %s message of %s: %w", e.kind, e.source, err)
			}
		}
		lines = append(lines, Line{Received: ts + int64(e.late), Topic: message.Topic(store.ID, e.kind.String(), e.source), Payload: payload})
	}
	byArrival(lines)
	return lines, nil
}
