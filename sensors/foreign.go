package sensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// foreign is one entry of sources in the site file, ready to be used.
type foreign struct {
	filter  string
	id      []idPart
	kind    fusion.Kind
	made    *mapping // nil: none
	read    reader
	private bool // its payloads can tell who somebody is
}

// idPart is a piece of a source's id as the site file has it: text, the n-th capture ({1}, {2}, …), or a member of the
// payload ({payload.a.b}).
type idPart struct {
	text    string
	capture int
	member  []string
}

func idParts(id string) (parts []idPart) {
	at := 0
	for _, place := range site.Placeholder.FindAllStringSubmatchIndex(id, -1) {
		parts = append(parts, idPart{text: id[at:place[0]]})
		name := id[place[2]:place[3]]
		if n, err := strconv.Atoi(name); err == nil && n >= 1 {
			parts = append(parts, idPart{capture: n})
		} else {
			parts = append(parts, idPart{member: strings.Split(name, ".")[1:]})
		}
		at = place[1]
	}
	parts = append(parts, idPart{text: id[at:]})
	return slices.DeleteFunc(parts, func(p idPart) bool { return p.text == "" && p.capture == 0 && p.member == nil })
}

func newForeign(store *fusion.Store, sources []site.Source) (all []foreign, err error) {
	var errs []error
	for _, s := range sources {
		f := foreign{filter: s.Topic, id: idParts(s.ID), kind: s.Kind}
		if s.Zones != nil && !slices.Contains([]string{"epcis", "frigate", "scenescape-region"}, s.Decoder) {
			errs = append(errs, fmt.Errorf("%v: zones says what a device calls the zones, and only decoders epcis, frigate and scenescape-region have "+
				"names of their own: leave it out", s.At))
		}
		switch counts := s.Decoder == "onvif-count"; {
		case counts && s.Direction == "":
			errs = append(errs, fmt.Errorf("%v: a counter does not say which way people go: write direction: in or out", s.At))
		case !counts && s.Direction != "":
			errs = append(errs, fmt.Errorf("%v: direction says which way a counter's people go, and only decoder onvif-count "+
				"needs it: leave it out", s.At))
		}
		var err error
		if s.Decoder == "" {
			f.made, err = newMapping(store, s)
			f.read = func(d *Decoder, m *draft, payload []byte) *Rejection { return m.made.read(d, m, payload) }
		} else {
			err = f.decoder(store, s)
		}
		if s.Decoder == "" && s.Unit != "" {
			err = errors.Join(err, fmt.Errorf("%v: unit belongs to a decoder; in map write %s(…)", s.At, s.Unit))
		}
		errs = append(errs, err)
		all = append(all, f)
	}
	return all, errors.Join(errs...)
}

// decoder takes the decoder that an entry names, and holds the entry to what that needs.
func (f *foreign) decoder(store *fusion.Store, s site.Source) error {
	var names []string
	for _, v := range vendors() {
		names = append(names, v.name)
		if v.name == s.Decoder {
			f.kind, f.read, f.private = v.kind, v.read, v.who
		}
	}
	may, must := takesUnit(s.Decoder)
	switch {
	case f.read == nil:
		return fmt.Errorf("%v: there is no decoder %q: take %s, or write kind and map", s.At, s.Decoder, strings.Join(names, ", "))
	case must && s.Unit == "":
		return fmt.Errorf("%v: decoder %s needs unit, since its payload does not say it: lb, oz, kg or g", s.At, s.Decoder)
	case !may && s.Unit != "":
		return fmt.Errorf("%v: decoder %s takes no unit: its payload says it", s.At, s.Decoder)
	case s.Decoder == "sparkplug":
		return f.sparkplug(store, s)
	case s.Map != nil || s.Each != nil:
		return fmt.Errorf("%v: decoder %s takes no kind, map or each: leave them out", s.At, s.Decoder)
	}
	return nil
}

// source is the id of the source that a message with these captures came from.
func (d *Decoder) source(parts []idPart, captures []string, payload []byte) string {
	id := d.room[:0]
	for _, p := range parts {
		switch {
		case p.capture > 0 && p.capture <= len(captures):
			id = append(id, captures[p.capture-1]...)
		case p.member != nil:
			id = append(id, d.c.member(payload, p.member)...)
		default:
			id = append(id, p.text...)
		}
	}
	d.room = id
	if i := d.store.SourceIndex(string(id)); i >= 0 {
		return d.store.Sources[i].ID
	}
	return string(id)
}

// member is a text or a whole number at a path in a JSON payload, empty where there is none. Of an array, or of a stream of
// lines, the first element tells.
func (c *cursor) member(payload []byte, path []string) []byte {
	if line, _, more := bytes.Cut(payload, []byte("\n")); more && !json.Valid(payload) {
		payload = line
	}
	if valid(payload) != nil {
		return nil
	}
	c.reset(payload)
	if c.text[c.at] == '[' {
		c.at++
		c.space()
	}
	for _, want := range path {
		if c.text[c.at] != '{' {
			return nil
		}
		at := -1
		c.object(func(name []byte) *Rejection {
			if string(name) == want {
				at = c.at
			}
			return nil
		})
		if at < 0 {
			return nil
		}
		c.at = at
	}
	if c.text[c.at] == '"' {
		return c.name()
	}
	from := c.at
	c.skip()
	if _, err := strconv.ParseInt(string(c.text[from:c.at]), 10, 64); err != nil {
		return nil
	}
	return c.text[from:c.at]
}

// match matches a topic against an MQTT filter and appends what its wildcards stand for. As MQTT says, wildcards at the
// start do not match topics that begin with $.
func match(captures []string, filter, topic string) (all []string, ok bool) {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return captures, false
	}
	more := true
	for filter != "" || more {
		want, rest, deeper := strings.Cut(filter, "/")
		if want == "#" {
			return append(captures, topic), true
		}
		if !more {
			return captures, false
		}
		var got string
		got, topic, more = strings.Cut(topic, "/")
		switch want {
		case "+":
			captures = append(captures, got)
		case got:
		default:
			return captures, false
		}
		if filter = rest; !deeper {
			return captures, !more
		}
	}
	return captures, false
}

// Known reports whether the site has the source that a topic belongs to, as far as the topic tells.
func (d *Decoder) Known(topic string) bool {
	if store, kind, source, ok := message.SplitTopic(topic); ok {
		return store == d.store.ID && (ours(kind) || d.store.SourceIndex(source) >= 0)
	}
	for i := range d.foreign {
		captures, ok := match(d.captures[:0], d.foreign[i].filter, topic)
		d.captures = captures
		if ok {
			inside := slices.ContainsFunc(d.foreign[i].id, func(p idPart) bool { return p.member != nil })
			return inside || d.store.SourceIndex(d.source(d.foreign[i].id, captures, nil)) >= 0
		}
	}
	return false
}
