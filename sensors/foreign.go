package sensors

import (
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
	id     string // with {n} for the n-th capture
	kind   fusion.Kind
	read   func(d *Decoder, m *draft, payload []byte) *Rejection
}

func newForeign(store *fusion.Store, sources []site.Source) (all []foreign, err error) {
	var errs []error
	for _, s := range sources {
		f := foreign{filter: s.Topic, id: s.ID, kind: s.Kind}
		if s.Decoder == "" {
			mapped, err := newMapping(store, s)
			errs = append(errs, err)
			f.read = mapped.read
		} else {
			var names []string
			for _, v := range vendors() {
				names = append(names, v.name)
				if v.name == s.Decoder {
					f.kind, f.read = v.kind, v.read
				}
			}
			if f.read == nil {
				errs = append(errs, fmt.Errorf("%v: there is no decoder %q: take %s, or write kind and map", s.At, s.Decoder, strings.Join(names, ", ")))
			}
		}
		all = append(all, f)
	}
	return all, errors.Join(errs...)
}

// source is the id of the source that a message with these captures came from.
func (f *foreign) source(captures []string) string {
	id := f.id
	for i, c := range captures {
		id = strings.ReplaceAll(id, "{"+strconv.Itoa(i+1)+"}", c)
	}
	return id
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
