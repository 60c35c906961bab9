package site

import (
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
)

// privacy reads what may be seen, joined and kept. What it leaves out is the strictest.
func (l *loader) privacy(o *object) {
	p := &l.site.Privacy
	words := []string{"off", "pseudonym", "allowed"}
	p.Cashier = words[max(0, l.word(o.get("cashier"), "cashier", words...))]
	l.word(o.get("link_visits"), "link_visits", "never")
	l.word(o.get("fitting"), "fitting", "no-camera")
	l.site.Store.HideForeign = l.word(o.get("foreign_tags"), "foreign_tags", "hide", "show") != 1
	l.masks(o.get("masks"))
	p.Drop = l.texts(o.get("drop"), "drop")

	k := l.object(o.get("keep"), "keep", "frames", "clips", "recordings", "visits", "verdicts")
	p.Keep = Keep{Clips: 72 * time.Hour, Recordings: 72 * time.Hour, Visits: 7 * 24 * time.Hour, Verdicts: 365 * 24 * time.Hour}
	for key, to := range map[string]*time.Duration{"frames": &p.Keep.Frames, "clips": &p.Keep.Clips,
		"recordings": &p.Keep.Recordings, "visits": &p.Keep.Visits, "verdicts": &p.Keep.Verdicts} {
		if v := k.get(key); v != nil {
			*to = l.duration(v, key)
		}
	}
}

// masks reads {camera: [polygon, …]} in pixels.
func (l *loader) masks(n *yaml.Node) {
	o := l.mapping(n, "masks")
	for _, k := range o.keys {
		var polygons [][]fusion.Point
		for _, c := range l.list(o.get(k.Value), "masks of "+clip(k.Value)) {
			if poly := l.polygon(c, "mask"); poly != nil {
				polygons = append(polygons, poly)
			}
		}
		l.mask(k, polygons)
	}
}

func (l *loader) mask(k *yaml.Node, polygons [][]fusion.Point) {
	var ids []string
	for i := range l.site.Cameras {
		if l.site.Cameras[i].ID == k.Value {
			l.site.Cameras[i].Masks = polygons
			return
		}
		ids = append(ids, l.site.Cameras[i].ID)
	}
	l.failf(k, "masks: unknown camera %q; %s", clip(k.Value), choice(k.Value, ids))
}
