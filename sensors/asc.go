package sensors

import "magpie/sensors/message"

// ascWeight reads the scale of Intel's automated self-checkout, topic weight/data, about one a second and without a time or
// a unit, which the entry says:
//
//	{"sensor_id":"weight-001","weight_of_item":3.14,"item_id":"item_3"}
//
// item_id is what its simulator drew and is left out: what lies on the plate follows from its weight.
func (d *Decoder) ascWeight(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	var weight number
	r := c.object(func(name []byte) *Rejection {
		if string(name) == "weight_of_item" {
			return c.number(&weight, "a number")
		}
		return nil
	})
	switch {
	case r != nil:
		return r
	case !weight.set:
		return c.missing("weight_of_item", "give the load")
	}
	per, _ := gramsPer(m.entry.Unit)
	m.ts = message.Arrival()
	c.path = append(c.path, step{name: []byte("weight_of_item")})
	return d.load(m, m.ts, weight.v, per)
}
