package sensors

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestPrivacy holds that nothing of what tells who somebody is leaves a decoder: not in an event, not in a rejection's reason,
// and not in what is sent back of a payload, whole, cut off anywhere, changed or of an unknown source.
func TestPrivacy(t *testing.T) {
	secrets := []string{"John Smith", "SN66XMZ", "Bob Baker", "Jane Roe", "CA 444", "/9j/4AAQ", "BADGE-00421", "face-of-john", "0.357", "Male", "female", "formal"}
	held := map[string]int{}
	for _, f := range fixtures(t) {
		if !slices.ContainsFunc(vendors(), func(v vendor) bool { return v.name == f.vendor && v.who }) {
			continue
		}
		for _, secret := range secrets {
			if bytes.Contains(f.payload, []byte(secret)) {
				held[f.vendor]++
			}
		}
		said := func(topic string, payload []byte) {
			m, err := f.d.Decode(received, topic, false, payload)
			out := fmt.Sprintf("%+v %v", m, err)
			var r *Rejection
			if errors.As(err, &r) {
				if out += string(r.Payload(payload)); !r.Private {
					t.Errorf("%s/%s: the rejection of %.80s… may be sent back", f.vendor, f.shape, payload)
				}
			}
			for _, secret := range secrets {
				if strings.Contains(out, secret) {
					t.Errorf("%s/%s tells %q: %s", f.vendor, f.shape, secret, out)
				}
			}
		}
		said(f.topic, f.payload)
		for i := range 40 {
			said(f.topic, f.payload[:len(f.payload)*i/40])
		}
		for _, change := range [][2]string{{`"id"`, `"ib"`}, {`"2026`, `"O026`}, {`0`, `-9`}, {`[`, `[[],`}, {`"person"`, `7`}, {`|`, `"`}, {`.`, `e`}} {
			said(f.topic, bytes.ReplaceAll(f.payload, []byte(change[0]), []byte(change[1])))
		}
		unknown := f.d.store.Sources
		f.d.store.Sources = nil
		f.d.store.Index()
		clear(f.d.topics) // as of a decoder that is made for such a store
		said(f.topic, f.payload)
		f.d.store.Sources = unknown
		f.d.store.Index()
	}
	for _, vendor := range []string{"axis-scene", "deepstream", "frigate", "frigate-review", "onvif", "onvif-track", "scenescape", "scenescape-region"} {
		if held[vendor] == 0 {
			t.Errorf("no fixture of %s holds what it must not tell", vendor)
		}
	}
}
