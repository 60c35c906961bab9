package sensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"magpie/fusion"
	"magpie/site"
)

// foreign is one entry of sources in the site file, ready to be used.
type foreign struct {
	filter string
	id     string // with {n} for the n-th capture, and {payload.a.b} for a member of the payload
	kind   fusion.Kind
	made   *mapping // nil: none
	read   func(d *Decoder, m *draft, payload []byte) *Rejection
}

func newForeign(store *fusion.Store, sources []site.Source) (all []foreign, err error) {
	var errs []error
	for _, s := range sources {
		f := foreign{filter: s.Topic, id: s.ID, kind: s.Kind}
		var err error
		if s.Decoder == "" {
			f.made, err = newMapping(store, s)
			f.read = f.made.read
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
			f.kind, f.read = v.kind, v.read
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
func (f *foreign) source(captures []string, payload []byte) string {
	return site.Placeholder.ReplaceAllStringFunc(f.id, func(p string) string {
		p = p[1 : len(p)-1]
		if i, err := strconv.Atoi(p); err == nil && i >= 1 && i <= len(captures) {
			return captures[i-1]
		}
		return member(payload, strings.Split(p, ".")[1:])
	})
}

// member is a text or a whole number in a JSON payload, "" where there is none at that path.
func member(payload []byte, path []string) string {
	for _, name := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(payload, &object) != nil {
			return ""
		}
		payload = object[name]
	}
	var text string
	var number int64
	switch {
	case json.Unmarshal(payload, &text) == nil:
		return text
	case json.Unmarshal(payload, &number) == nil:
		return strconv.FormatInt(number, 10)
	}
	return ""
}

// match matches a topic against an MQTT filter and returns what its wildcards stand for. As MQTT says, wildcards at the
// start do not match topics that begin with $.
func match(filter, topic string) (captures []string, ok bool) {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return nil, false
	}
	more := true
	for filter != "" || more {
		want, rest, deeper := strings.Cut(filter, "/")
		if want == "#" {
			return append(captures, topic), true
		}
		if !more {
			return nil, false
		}
		var got string
		got, topic, more = strings.Cut(topic, "/")
		switch want {
		case "+":
			captures = append(captures, got)
		case got:
		default:
			return nil, false
		}
		if filter = rest; !deeper {
			return captures, !more
		}
	}
	return nil, false
}
