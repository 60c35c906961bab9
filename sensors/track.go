package sensors

import (
	"fmt"

	"magpie/fusion"
)

// object is a tracked object before it is an event.
type object struct {
	track, class  word
	conf, holding number
	box           [4]number
	boxed, placed bool
	floor, sd     [2]number
	hands         [][3]float64
}

// maxHands bounds the hands of one object.
const maxHands = 64

func (d *Decoder) track(m *draft) *Rejection {
	c := &d.c
	var frame [2]number
	clear(d.objects)
	d.objects, d.lost = d.objects[:0], d.lost[:0]
	given := false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "frame":
			_, r := d.numbers(frame[:], 1, 100_000, "the picture's [width, height] in px")
			return r
		case "tracks":
			if c.null() {
				return nil
			}
			given = true
			return c.array(func(int) *Rejection {
				d.objects = append(d.objects, object{})
				return d.object(&d.objects[len(d.objects)-1])
			})
		case "lost":
			if c.null() {
				return nil
			}
			return c.array(func(int) *Rejection {
				var id word
				if r := c.word(&id, wantText); r != nil || !id.set {
					return r
				}
				if len(d.lost) == maxSamples {
					return &Rejection{Code: CodeTooBig, Path: "/lost", Reason: fmt.Sprintf("lost has more than %d ids: name each once, when it ends", maxSamples)}
				}
				d.lost = append(d.lost, id.v)
				return nil
			})
		}
		return d.head(m, name)
	})
	switch {
	case r != nil:
		return r
	case !given:
		return c.missing("tracks", "give an array, empty where the picture shows nothing")
	case m.ts.IsZero():
		return c.missing("ts", `give the picture's time: RFC 3339, milliseconds since 1970, or "arrival"`)
	}
	for i := range d.objects {
		d.add(m, m.ts, d.seen(m, &d.objects[i], frame))
	}
	for _, id := range d.lost {
		d.add(m, m.ts, fusion.Event{Zone: -1, Action: fusion.Lost, ID: id})
	}
	return nil
}

// object reads one of tracks.
func (d *Decoder) object(o *object) *Rejection {
	c := &d.c
	r := c.object(func(name []byte) (r *Rejection) {
		switch string(name) {
		case "track":
			return c.word(&o.track, wantText)
		case "class":
			return c.word(&o.class, wantText)
		case "conf":
			return c.within(&o.conf, 0, 1, wantProb)
		case "holding":
			return c.within(&o.holding, 0, 1, wantProb)
		case "box":
			o.boxed, r = d.numbers(o.box[:], -1e6, 1e6, "[x, y, width, height] in px")
		case "floor":
			o.placed, r = d.numbers(o.floor[:], -1e5, 1e5, wantMetre)
		case "sd":
			_, r = d.numbers(o.sd[:], 0, 1e5, "metres, not negative")
		case "hands":
			if c.null() {
				return nil
			}
			return c.array(func(int) *Rejection {
				var h [3]number
				set, r := d.numbers(h[:], -1e5, 1e5, wantMetre)
				if len(o.hands) == maxHands {
					return c.reject(CodeTooBig, "is one too many: an object has at most %d hands", maxHands)
				}
				if set {
					o.hands = append(o.hands, [3]float64{h[0].v, h[1].v, h[2].v})
				}
				return r
			})
		case "acts":
			return d.acts()
		}
		return r
	})
	switch {
	case r != nil:
		return r
	case !o.track.set:
		return c.missing("track", "give the object's id, which stays the same from picture to picture")
	case !o.class.set:
		return c.missing("class", "give what it is, such as person")
	case !o.conf.set:
		return c.missing("conf", "give how sure the detector is, from 0 to 1")
	case !o.boxed:
		return c.missing("box", "give [x, y, width, height] in px")
	case o.box[2].v < 0 || o.box[3].v < 0:
		return &Rejection{Code: CodeRange, Path: c.pointer("box"), Reason: "box has a negative width or height: give [x, y, width, height], not two corners"}
	}
	return nil
}

// acts checks what a person seems to do; nothing judges it yet.
func (d *Decoder) acts() *Rejection {
	c := &d.c
	if c.null() {
		return nil
	}
	return c.array(func(int) *Rejection {
		var what word
		var p number
		r := c.object(func(name []byte) *Rejection {
			switch string(name) {
			case "name":
				return c.word(&what, wantText)
			case "p":
				return c.within(&p, 0, 1, wantProb)
			}
			return nil
		})
		switch {
		case r != nil:
			return r
		case !what.set:
			return c.missing("name", "give what the person does")
		case !p.set:
			return c.missing("p", "give how likely it is, from 0 to 1")
		}
		return nil
	})
}

// seen makes the event of an object. Where the site knows the camera's homography, the box tells how tall the object is, and
// the middle of its lower edge where it stands if the sender does not.
func (d *Decoder) seen(m *draft, o *object, frame [2]number) fusion.Event {
	e := fusion.Event{Zone: -1, ID: o.track.v, Name: o.class.v, Conf: o.conf.v, Holding: o.holding.v, Hands: o.hands,
		Floor: fusion.Point{X: o.floor[0].v, Y: o.floor[1].v}, SD: fusion.Point{X: o.sd[0].v, Y: o.sd[1].v}, HasFloor: o.placed}
	camera := d.cameras[m.Source]
	if camera == nil || camera.Homography == nil {
		return e
	}
	box := [4]float64{o.box[0].v, o.box[1].v, o.box[2].v, o.box[3].v}
	lower := float64(camera.Frame[1])
	if frame[0].set && camera.Frame[0] > 0 && camera.Frame[1] > 0 { // the homography is for the site's frame
		for i := range box {
			box[i] = float64(box[i] * float64(camera.Frame[i%2]) / frame[i%2].v)
		}
	}
	if !o.placed {
		e.Floor, e.SD, e.HasFloor = camera.Homography.Foot(box, lower > 0 && box[1]+box[3] >= lower-2)
	}
	if camera.Upright != nil && e.HasFloor {
		if tall, ok := camera.Upright.Tall(box, e.Floor); ok {
			e.Tall = float32(tall)
		}
	}
	return e
}

// numbers reads an array of exactly len(into) numbers; set is false for null.
func (d *Decoder) numbers(into []number, low, high float64, want string) (set bool, r *Rejection) {
	c := &d.c
	if c.null() {
		return false, nil
	}
	n := 0
	r = c.array(func(i int) *Rejection {
		n++
		if i >= len(into) {
			return nil
		}
		if c.text[c.at] == 'n' {
			return c.wrong("a number")
		}
		return c.within(&into[i], low, high, want)
	})
	if r == nil && n != len(into) {
		return false, c.reject(CodeType, "has %d numbers: %d are wanted, %s", n, len(into), want)
	}
	return true, r
}
