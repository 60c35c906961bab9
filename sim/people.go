package sim

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"magpie/fusion"
	"magpie/sensors/message"
)

// reach is how far from a plate, or from each other, people can be to handle goods, metres.
const reach = 1.0

// person is someone who walks, with what cameras could see of their hands.
type person struct {
	name  string
	walks []*statement // by time
	hands []gesture
}

// gesture is a hand shown half a second before and after a moment.
type gesture struct {
	at            time.Duration
	hand          [3]float64
	before, after float64 // holding
}

const gestureTime = 500 * time.Millisecond

// meet gathers the people of the script.
func (b *builder) meet() {
	byName := map[string]*person{}
	for i := range b.script.statements {
		st := &b.script.statements[i]
		if st.verb.text != "walk" {
			continue
		}
		p := byName[st.person.text]
		if p == nil {
			p = &person{name: st.person.text}
			byName[p.name] = p
			b.people = append(b.people, p)
		}
		p.walks = append(p.walks, st)
	}
	for _, p := range b.people {
		slices.SortStableFunc(p.walks, func(x, y *statement) int { return int(x.from - y.from) })
		for i, w := range p.walks[1:] {
			if before := p.walks[i]; w.from < before.to {
				b.fail(w, w.person, "%s still walks until %s (line %d)", p.name, before.to, before.line)
			}
		}
	}
}

// at is where the person is, and how late what is seen of it arrives; ok is false before the first walk and after the last.
func (p *person) at(t time.Duration) (where fusion.Point, late time.Duration, ok bool) {
	last := p.walks[len(p.walks)-1]
	if t < p.walks[0].from || t > last.to {
		return where, 0, false
	}
	for _, w := range p.walks {
		if w.from > t {
			break
		}
		late = w.late
		where = w.points[len(w.points)-1]
		if t < w.to {
			where = alongPath(w.points, float64(t-w.from)/float64(w.to-w.from))
		}
	}
	return where, late, true
}

// alongPath is the point at a share 0–1 of the length of a path.
func alongPath(points []fusion.Point, share float64) fusion.Point {
	length := 0.0
	for i := 1; i < len(points); i++ {
		length += apart(points[i-1], points[i])
	}
	rest := share * length
	for i := 1; i < len(points); i++ {
		a, c := points[i-1], points[i]
		d := apart(a, c)
		if rest < d {
			return fusion.Point{X: a.X + float64((c.X-a.X)*(rest/d)), Y: a.Y + float64((c.Y-a.Y)*(rest/d))}
		}
		rest -= d
	}
	return points[len(points)-1]
}

func apart(a, b fusion.Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }

// find gives the person of a word, nil after an error: they must be in the store at that moment.
func (b *builder) find(st *statement, who token) (*person, fusion.Point) {
	for _, p := range b.people {
		if p.name != who.text {
			continue
		}
		where, _, ok := p.at(st.from)
		if !ok {
			b.fail(st, who, "%s is not there at %s: their walks last from %s to %s",
				p.name, st.from, p.walks[0].from, p.walks[len(p.walks)-1].to)
			return nil, where
		}
		return p, where
	}
	b.fail(st, who, "nobody called %s walks in this script; give them a walk around %s", who.text, st.from)
	return nil, fusion.Point{}
}

// give shows both hands half way between two people who stand together.
func (b *builder) give(st *statement) {
	from, here := b.find(st, st.person)
	to, there := b.find(st, st.other)
	if from == nil || to == nil || len(b.products(st)) == 0 {
		return
	}
	if d := apart(here, there); d > reach {
		b.fail(st, st.other, "%s and %s are %.1f m apart at %s: walk them within %g m first", from.name, to.name, d, st.from, reach)
		return
	}
	hand := [3]float64{centimetres((here.X + there.X) / 2), centimetres((here.Y + there.Y) / 2), 1.1}
	from.hands = append(from.hands, gesture{st.from, hand, 1, 0})
	to.hands = append(to.hands, gesture{st.from, hand, 0, 1})
}

// frames makes one message a camera and frame, with everybody in it.
func (b *builder) frames() {
	for i := range b.store.Cameras {
		camera := newCamera(b.site, i)
		type frame struct {
			late time.Duration
			body message.Track
		}
		frames := map[time.Duration]*frame{}
		at := func(t, late time.Duration) *frame {
			if frames[t] == nil {
				frames[t] = &frame{body: message.Track{Frame: &camera.frame}}
			}
			frames[t].late = max(frames[t].late, late)
			return frames[t]
		}
		for _, p := range b.people {
			first, end := p.walks[0].from, p.walks[len(p.walks)-1].to
			seen, lastLate := time.Duration(-1), time.Duration(0)
			for t := (first + frameEvery - 1) / frameEvery * frameEvery; t <= end; t += frameEvery {
				where, late, ok := p.at(t)
				if !ok || !camera.covers(where) || !b.on(camera.id, t) {
					continue
				}
				seen, lastLate = t, late
				f := at(t, late)
				f.body.Tracks = append(f.body.Tracks, p.object(t, where, camera))
			}
			if gone := seen + frameEvery; seen >= 0 && b.on(camera.id, gone) {
				f := at(gone, lastLate)
				f.body.Lost = append(f.body.Lost, p.name)
			}
		}
		times := make([]time.Duration, 0, len(frames))
		for t := range frames {
			times = append(times, t)
		}
		slices.Sort(times)
		for _, t := range times {
			f := frames[t]
			b.out = append(b.out, emission{ts: t, late: f.late, kind: fusion.Tracks, source: camera.id,
				message: func(h message.Head) any { m := f.body; m.Head = h; return m }})
		}
	}
}

// object is what a camera reports of the person.
func (p *person) object(t time.Duration, where fusion.Point, c *camera) message.Object {
	o := message.Object{
		Track: p.name, Class: "person", Conf: 0.9, Box: c.box(where, where, upright),
		Floor: &[2]float64{centimetres(where.X), centimetres(where.Y)}, SD: &[2]float64{0.1, 0.1},
	}
	for _, g := range p.hands {
		if t < g.at-gestureTime || t > g.at+gestureTime {
			continue
		}
		holding := g.before
		if t >= g.at {
			holding = g.after
		}
		o.Hands, o.Holding = append(o.Hands, g.hand), &holding
	}
	return o
}

// centimetres rounds metres to two decimals.
func centimetres(x float64) float64 { return math.Round(x*100) / 100 }

// send puts a payload as it stands on a source's topic, with a ts when it is an object without one.
func (b *builder) send(st *statement) {
	payload := st.payload
	var object map[string]json.RawMessage
	if json.Unmarshal(payload, &object) == nil && object != nil {
		if _, ok := object["ts"]; !ok {
			ts := strconv.AppendQuote([]byte(`{"ts":`), message.At(b.start+int64(st.from)).String())
			if len(object) > 0 {
				ts = append(ts, ',')
			}
			payload = append(ts, bytes.TrimLeft(payload, " \t{")...)
		}
	}
	b.out = append(b.out, emission{ts: st.from, late: st.late, kind: st.kind, source: st.source.text, payload: payload})
}
