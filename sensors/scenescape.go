package sensors

// scenescape reads the tracked objects of a scene as Intel SceneScape publishes them on scenescape/data/scene/SCENE/CATEGORY,
// a message a category, or scenescape/regulated/scene/SCENE, all together (Scene Controller data formats, shortened):
//
//	{"id":"302cf49a-97ec-402d-a324-c5077b280b7b","timestamp":"2026-03-26T20:49:59.642Z","name":"Queuing","rate":9.984,"objects":[
//	 {"id":"65d49fa0-a855-46f8-bb41-4e92102c7c47","category":"person","type":"person","confidence":0.999,"translation":[2.463,3.61,0.0],
//	  "size":[0.5,0.5,1.85],"velocity":[-0.045,0.012,0.0],"visibility":["atag-qcam1"],
//	  "metadata":{"age":{"label":"32"},"gender":{"label":"Male"},"reid":{"embedding_vector":[[0.1,0.2]]}}}]}
//
// translation is a place in the scene in metres, so that the scene's floor plan and the site's have the same origin and axes;
// the source is one of the site's cameras, which sees what the scene covers. metadata (age, gender, embeddings), sensors and
// pictures are not read.
func (d *Decoder) scenescape(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	given := false
	r := c.object(func(name []byte) *Rejection {
		switch string(name) {
		case "timestamp":
			return c.utc(&m.ts)
		case "objects":
			if c.null() {
				return nil
			}
			given = true
			return c.array(func(int) *Rejection {
				var o object
				hidden, r := d.scenescapeObject(&o)
				switch {
				case r != nil || hidden:
					return r
				case !o.class.set:
					return c.missing("category", wantCategory)
				case !o.placed:
					return c.missing("translation", "give the object's place in the scene, [x, y, z] in metres")
				}
				return d.show(m, &o, [2]number{})
			})
		}
		return nil
	})
	return d.scenescapeFrame(m, r, given, "objects")
}

// scenescapeFrame gives a message's events their time when it has all that it needs.
func (d *Decoder) scenescapeFrame(m *draft, r *Rejection, given bool, member string) *Rejection {
	switch {
	case r != nil:
		return r
	case !given:
		return d.c.missing(member, "this is no such message of SceneScape: "+wantTopics)
	case m.ts.IsZero():
		return d.c.missing("timestamp", "give the scene's time")
	}
	m.dated(0, m.ts)
	return nil
}

const wantCategory = "give what it is, such as person"

// scenescapeObject reads a tracked object; class.set says whether it tells what it is.
func (d *Decoder) scenescapeObject(o *object) (hidden bool, r *Rejection) {
	c := &d.c
	o.conf = number{v: 1}
	r = c.object(func(name []byte) (r *Rejection) {
		switch string(name) {
		case "id":
			return c.id(&o.track)
		case "category", "type": // the same, of which old versions have one
			if o.class.set {
				return nil
			}
			var word []byte
			if word, r = c.bytes(wantText); len(word) > 0 {
				o.class.set = true
				o.class.v, hidden = c.class(word)
			}
		case "confidence":
			return c.within(&o.conf, 0, 1, wantProb)
		case "translation":
			var at [3]number
			o.placed, r = d.numbers(at[:], -1e5, 1e5, wantMetre)
			o.floor = [2]number{at[0], at[1]}
		}
		return r
	})
	switch {
	case r != nil:
		return false, r
	case !o.track.set:
		return false, c.missing("id", "give the object's id")
	}
	return hidden, nil
}
