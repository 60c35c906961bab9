package sensors

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"magpie/fusion"
)

// TestForeignTagsStayHidden folds every fixture with tags: with foreign_tags: hide no fact names a tag that is not in the
// catalogue, whatever maker's payload it came in and however that writes it; shown, the facts do name them.
func TestForeignTagsStayHidden(t *testing.T) {
	shown := map[string]bool{}
	for _, f := range fixtures(t) {
		m, err := f.d.Decode(received, f.topic, false, f.payload)
		if err != nil || len(m.Events) == 0 || m.Kind != fusion.RFID && m.Kind != fusion.Region {
			continue
		}
		for _, hide := range []bool{true, false} {
			d := vendorDecoder(t, filepath.Join("testdata", "vendors", f.vendor, "site.yaml"))
			d.store.HideForeign = hide
			for _, change := range folded(d, m) {
				text := fmt.Sprintf("%+v", change.Fact)
				for _, e := range m.Events {
					if e.Name == "goods" || !strings.Contains(strings.ToUpper(text), strings.ToUpper(e.ID)) {
						continue
					}
					if shown[f.vendor] = true; hide {
						t.Errorf("%s/%s: a fact names the foreign tag %s: %s", f.vendor, f.shape, e.ID, text)
					}
				}
			}
		}
	}
	for _, v := range vendors() {
		if tags := v.kind == fusion.RFID || v.name == "epcis"; tags && !shown[v.name] {
			t.Errorf("%s: no fact names a tag when foreign tags are shown", v.name)
		}
	}
}

// folded is what the core makes of one message that arrives at its newest event and is followed by silence.
func folded(d *Decoder, m fusion.Message) (changes []fusion.Change) {
	core := fusion.NewCore(d.store, fusion.Judge[struct{}]{
		New: func() struct{} { return struct{}{} }, Clone: func(j struct{}) struct{} { return j },
		Facts: func(_ struct{}, _ *fusion.World, c []fusion.Change) { changes = append(changes, c...) },
		Due:   func(struct{}) int64 { return math.MaxInt64 }, Fire: func(struct{}, *fusion.World, int64) {},
	})
	m.Received = m.TS
	for _, e := range m.Events {
		m.Received = max(m.Received, e.TS)
	}
	core.Arrive(m.Received)
	core.Add(&m)
	core.Arrive(m.Received + 60e9)
	core.Advance()
	return changes
}
