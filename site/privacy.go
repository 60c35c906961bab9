package site

import (
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// privacy reads what may be seen, joined and kept. What it leaves out is the strictest.
func (l *loader) privacy(o *strict.Object) {
	p := &l.site.Privacy
	words := []string{"off", "pseudonym", "allowed"}
	p.Cashier = words[max(0, l.choose(o.Get("cashier"), "cashier", words...))]
	l.choose(o.Get("link_visits"), "link_visits", "never")
	l.choose(o.Get("fitting"), "fitting", "no-camera")
	l.site.Store.HideForeign = l.choose(o.Get("foreign_tags"), "foreign_tags", "hide", "show") != 1
	l.masks(o.Get("masks"))
	p.Drop = l.Texts(o.Get("drop"), "drop")
	if p.KeyFile = l.path(o.Get("key_file"), "key_file"); p.KeyFile == "" && p.Cashier == "pseudonym" {
		l.site.Notes = append(l.site.Notes, "privacy.cashier is pseudonym without a key_file, so whoever knows the cashiers' ids can tell which pseudonym is whose: make one with openssl rand -hex 32")
	}

	k := l.Mapping(o.Get("keep"), "keep", "frames", "clips", "recordings", "visits", "verdicts")
	p.Keep = Keep{Clips: 72 * time.Hour, Recordings: 72 * time.Hour, Visits: 7 * 24 * time.Hour, Verdicts: 365 * 24 * time.Hour}
	for key, to := range map[string]*time.Duration{"frames": &p.Keep.Frames, "clips": &p.Keep.Clips,
		"recordings": &p.Keep.Recordings, "visits": &p.Keep.Visits, "verdicts": &p.Keep.Verdicts} {
		v := k.Get(key)
		if v == nil {
			continue
		}
		before := len(l.Errors)
		*to = l.Duration(v, key, 0, longest)
		if key == "recordings" && len(l.Errors) == before && *to < leastRecordings {
			l.Fail(v, "recordings must be at least 1h, it is %s: a restart reads what it missed there, so it cannot be off; write 1h or more, and name in privacy.drop what must never be written", strict.Clip(v.Value))
		}
	}
}

// leastRecordings is the shortest time that the journal goes back: it is kept in files of an hour.
const leastRecordings = time.Hour

// masks reads {camera: [polygon, …]} in pixels.
func (l *loader) masks(n *yaml.Node) {
	o := l.Mapping(n, "masks")
	for _, k := range o.Keys {
		var polygons [][]fusion.Point
		for _, c := range l.List(o.Get(k.Value), "masks of "+strict.Clip(k.Value)) {
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
	l.Fail(k, "masks: unknown camera %q; %s", strict.Clip(k.Value), strict.Suggest(k.Value, ids))
}
