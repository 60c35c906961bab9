package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/alerts"
	"magpie/fusion"
	"magpie/journal"
	"magpie/sensors"
	"magpie/sensors/message"
	"magpie/sim"
	"magpie/site"
)

// The NanoStore is a real shop, recorded for 17 s: its files are turned into what Magpie reads, a site file and a recording,
// with all that its plates and cameras said. The receipt says: the person took one taco sauce from gondola 1, shelf 5, plate 11.
const (
	nanoPerson = "3325379692103139202"
	nanoPlate  = "g1-s5-p11"
	nanoSKU    = "071142008582"
	nanoGrams  = 621.67
	inch       = 0.0254
)

// nanoDir is where the recording lies, which is not shipped.
func nanoDir(t *testing.T) string {
	t.Helper()
	root := cmp.Or(os.Getenv("MAGPIE_DATA"), filepath.Join("..", "..", "..", "shared", "data"))
	if !filepath.IsAbs(root) && os.Getenv("MAGPIE_DATA") != "" {
		root = filepath.Join("..", "..", root)
	}
	dir := filepath.Join(root, "nanostore")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the recording nanostore is not here (%v); point MAGPIE_DATA at the folder that holds it", err)
	}
	return dir
}

// nanoRead decodes a file of JSON objects one after the other.
func nanoRead[T any](t *testing.T, dir, name string) []T {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []T
	for dec := json.NewDecoder(f); ; {
		var v T
		if err := dec.Decode(&v); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, v)
	}
}

// nanoBox is a place within the thing that it stands on, in metres: its near left lower corner, and its extent.
type nanoBox struct {
	Transform struct{ Translation struct{ X, Y, Z float64 } }
	X         float64 `json:"dim_x"`
	Y         float64 `json:"dim_y"`
}

type (
	nanoGondolaID struct{ ID int }
	nanoShelfID   struct {
		Gondola nanoGondolaID `json:"gondola_id"`
		Index   int           `json:"shelf_index"`
	}
	nanoPlateID struct {
		Shelf nanoShelfID `json:"shelf_id"`
		Index int         `json:"plate_index"`
	}
)

func (p nanoPlateID) String() string {
	return fmt.Sprintf("g%d-s%d-p%d", p.Shelf.Gondola.ID, p.Shelf.Index, p.Index)
}

// nanoMessage is a message of the shop's own database; it was stored there when it arrived.
type nanoMessage struct {
	Arrived struct {
		Date time.Time `json:"$date"`
	} `json:"date_time"`
	Document struct {
		Header struct {
			Origin time.Time `json:"t_origin"`
		}
		Plates struct {
			ID     nanoPlateID `json:"plate_id"`
			Rate   float64     `json:"freq_samp"`
			Values struct {
				Data  []byte
				Shape []int
			}
		} `json:"plate_data"`
		Targets struct {
			Targets []struct {
				ID struct {
					ID string
				} `json:"target_id"`
				Head  nanoJoint
				Hands []nanoJoint
			}
		}
	}
}

type nanoJoint struct {
	Point struct{ X, Y, Z float64 } // inches
	Score float64
}

// nanoSite writes the site file and the products of the shop: every plate at its place with what the planogram puts there.
func nanoSite(t *testing.T, dir, to string) string {
	boxes := map[any]nanoBox{}
	for _, g := range nanoRead[struct {
		Gondolas []struct {
			ID          nanoGondolaID
			Coordinates nanoBox
		}
	}](t, dir, "Gondolas.json")[0].Gondolas {
		boxes[g.ID] = g.Coordinates
	}
	for _, s := range nanoRead[struct {
		Shelves []struct {
			ID          nanoShelfID
			Coordinates nanoBox
		}
	}](t, dir, "Shelves.json")[0].Shelves {
		boxes[s.ID] = s.Coordinates
	}
	for _, p := range nanoRead[struct {
		Plates []struct {
			ID          nanoPlateID
			Coordinates nanoBox
		}
	}](t, dir, "Plates.json")[0].Plates {
		boxes[p.ID] = p.Coordinates
	}
	var products strings.Builder
	products.WriteString("sku,gtin,name,category,style,price,grams,grams_sd,tagged,epc_prefix\n")
	known := map[string]bool{}
	for _, p := range nanoRead[struct {
		ID       struct{ ID string } `json:"product_id"`
		Metadata struct {
			Name          string
			Price, Weight float64
		}
	}](t, dir, "products.json") {
		if id := p.ID.ID; !known[fusion.GTIN14(id)] && p.Metadata.Weight > 0 { // some stand there twice
			known[fusion.GTIN14(id)] = true
			fmt.Fprintf(&products, "%s,,%q,food,,%.2f,%.2f,,,\n", id, strings.ReplaceAll(p.Metadata.Name, `"`, ""), p.Metadata.Price, p.Metadata.Weight)
		}
	}
	on := map[nanoPlateID][]string{}
	for _, f := range nanoRead[struct {
		Plates  []nanoPlateID       `json:"plate_ids"`
		Product struct{ ID string } `json:"planogram_product_id"`
	}](t, dir, "planogram.json") {
		for _, p := range f.Plates {
			if id := fusion.GTIN14(f.Product.ID); known[id] && !slices.Contains(on[p], id) {
				on[p] = append(on[p], id)
			}
		}
	}
	var y strings.Builder
	y.WriteString("store: nano\ntimezone: America/Los_Angeles\ncurrency: USD\nzones:\n" +
		"  - {id: shop, kind: aisle, polygon: [[-2,-6],[7,-6],[7,1],[-2,1]]}\n" +
		"cameras:\n  - {id: poses, frame: [640, 360], sees: [[-2,-6],[7,-6],[7,1],[-2,1]]}\n" +
		"products: products.csv\nscales:\n")
	for g := 1; g <= 4; g++ { // the plates of the fifth were not recorded
		for s := 1; s <= 7; s++ {
			for n := 1; n <= 14; n++ {
				id := nanoPlateID{nanoShelfID{nanoGondolaID{g}, s}, n}
				p, ok := boxes[id]
				if !ok {
					continue
				}
				at := [3]float64{p.X / 2, p.Y / 2, 0}
				for _, b := range []nanoBox{p, boxes[id.Shelf], boxes[id.Shelf.Gondola]} {
					o := b.Transform.Translation
					at[0], at[1], at[2] = at[0]+o.X, at[1]+o.Y, at[2]+o.Z
				}
				skus := "[]"
				if len(on[id]) > 0 {
					skus = `["` + strings.Join(on[id], `", "`) + `"]`
				}
				fmt.Fprintf(&y, "  - {id: %s, zone: shop, at: [%.3f, %.3f, %.3f], size: [%.3f, %.3f], skus: %s}\n", id, at[0], at[1], at[2], p.X, p.Y, skus)
			}
		}
	}
	write := func(name, text string) string {
		path := filepath.Join(to, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("products.csv", products.String())
	return write("site.yaml", y.String())
}

// nanoLines makes the shop's messages Magpie's: a batch of each plate, and a frame of each pose, as they arrived.
func nanoLines(t *testing.T, dir string, s *site.Site) []sim.Line {
	var lines []sim.Line
	add := func(m *nanoMessage, kind, source string, payload any) {
		b, err := json.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, sim.Line{Received: m.Arrived.Date.UnixNano(), Topic: "magpie/v1/nano/" + kind + "/" + source, Payload: b})
	}
	for _, m := range nanoRead[nanoMessage](t, dir, "plate_data.json") {
		d := m.Document.Plates
		shape := d.Values.Shape
		for shelf := 1; shelf < shape[1]; shelf++ {
			for n := 1; n < shape[2]; n++ {
				id := nanoPlateID{nanoShelfID{d.ID.Shelf.Gondola, shelf}, n}.String()
				w := message.Weight{Head: message.Head{TS: message.At(m.Document.Header.Origin.UnixNano())}, Rate: d.Rate}
				for i := range shape[0] {
					bits := binary.LittleEndian.Uint32(d.Values.Data[4*((i*shape[1]+shelf)*shape[2]+n):])
					if g := float64(math.Float32frombits(bits)); !math.IsNaN(g) {
						w.Grams = append(w.Grams, g)
					}
				}
				if s.Store.SourceIndex(id) < 0 {
					continue // a channel to which no plate is connected
				}
				if len(w.Grams) != shape[0] {
					t.Fatalf("%s has %d samples in a message of %d", id, len(w.Grams), shape[0])
				}
				add(&m, "weight", id, w)
			}
		}
	}
	metres := func(j nanoJoint) [3]float64 { return [3]float64{j.Point.X * inch, j.Point.Y * inch, j.Point.Z * inch} }
	for _, m := range nanoRead[nanoMessage](t, dir, "full_targets.json") {
		frame := message.Track{Head: message.Head{TS: message.At(m.Document.Header.Origin.UnixNano())}, Frame: &[2]int{640, 360}}
		for _, x := range m.Document.Targets.Targets {
			head := metres(x.Head)
			o := message.Object{Track: x.ID.ID, Class: "person", Conf: min(1, x.Head.Score), Box: [4]float64{0, 0, 1, 1},
				Floor: &[2]float64{head[0], head[1]}}
			for _, h := range x.Hands {
				o.Hands = append(o.Hands, metres(h))
			}
			frame.Tracks = append(frame.Tracks, o)
		}
		add(&m, "track", "poses", frame)
	}
	slices.SortStableFunc(lines, func(a, b sim.Line) int { return cmp.Compare(a.Received, b.Received) })
	return lines
}

// nanoFacts replays lines and writes down every fact of the store and of its visits that is about goods, and the baskets
// at the end.
func nanoFacts(t *testing.T, w lawWorld, lines []sim.Line) (picks []fusion.Change, text string) {
	t.Helper()
	p, err := newPipeline(w.site, w.set, func(a *alerts.Alert) { text += string(a.AppendJSON(nil, true)) + "\n" }, pipelineHooks{
		rejected: func(l *journal.Line, r *sensors.Rejection) { t.Errorf("%s rejected: %+v", l.Topic, r) }})
	if err != nil {
		t.Fatal(err)
	}
	p.log.Facts = func(changes []fusion.Change) {
		for _, c := range changes {
			switch c.Fact.Kind {
			case fusion.FactPicked, fusion.FactPutBack:
				picks = append(picks, c)
			}
			text += fmt.Sprintf("%s %s %+v\n", c.Visit.Subject, c.Visit.ID, c.Fact)
			if c.Fact.Kind == fusion.FactEnded {
				text += fmt.Sprintf("basket %s %+v\n", c.Visit.ID, c.Visit.Basket)
			}
		}
	}
	last := int64(0)
	for _, l := range journalLines(t, lines) {
		last = max(last, l.Received)
		p.line(&l)
	}
	p.finish(last)
	return picks, text
}

// TestNanoStore replays the real pick-up end to end: one bottle was taken by the one person there, and nothing else was.
func TestNanoStore(t *testing.T) {
	dir, tmp := nanoDir(t), t.TempDir()
	path := nanoSite(t, dir, tmp)
	s, err := site.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadPolicies("", s)
	if err != nil {
		t.Fatal(err)
	}
	w, of := lawWorld{site: s, set: set}, sim.ReadingsOf(s.Store)
	lines := sim.Settle(nanoLines(t, dir, s), of)
	if len(s.Store.Scales) != 252 || len(lines) != 240*86+291+1 { // a shelf of twelve plates was not connected
		t.Fatalf("%d plates and %d lines: the recording has more", len(s.Store.Scales), len(lines))
	}

	picks, want := nanoFacts(t, w, lines)
	for _, c := range picks {
		product := -1
		if c.Fact.Product >= 0 && s.Store.Products[c.Fact.Product].SKU == fusion.GTIN14(nanoSKU) {
			product = c.Fact.Product
		}
		t.Logf("%s %s: %s %.4f × %d, %.2f g, %s, P %.4f", c.Visit.Subject, c.Visit.ID, c.Fact.Kind, c.Fact.N, c.Fact.Product, c.Fact.Grams,
			s.Store.Sources[c.Fact.Source].ID, c.Fact.P)
		n := c.Fact.N
		switch {
		case c.Fact.Kind != fusion.FactPicked || product < 0 || s.Store.Sources[c.Fact.Source].ID != nanoPlate:
			t.Errorf("%s of product %d at %s: nothing else was taken or put back", c.Fact.Kind, c.Fact.Product, s.Store.Sources[c.Fact.Source].ID)
		case math.Abs(float64(c.Fact.Grams)+nanoGrams) > 3:
			t.Errorf("the step is %.2f g; want -%.2f ± 3", c.Fact.Grams, nanoGrams)
		case c.Visit.Subject == fusion.SubjectVisit && (n < 0.9 || n > 1.001 || !slices.Contains(c.Visit.Tracks, "poses/"+nanoPerson)):
			t.Errorf("visit %v owns %.3f of it; want 0.9 or more with %s", c.Visit.Tracks, n, nanoPerson)
		}
	}
	// The same pick stands with the person, the zone and the store.
	if len(picks) != 3 {
		t.Errorf("%d subjects have a pick; want the visit, the zone and the store", len(picks))
	}
	draws := uint64(20)
	if testing.Short() {
		draws = 2
	}
	for seed := range draws {
		if _, got := nanoFacts(t, w, sim.Redraw(lines, of, seed+1)); got != want {
			t.Fatalf("draw %d of law 3 says otherwise:\n%s", seed+1, firstDifference([]byte(want), []byte(got)))
		}
	}

	// As a user would: the recording as a file, through the command.
	recording, scores := filepath.Join(tmp, "nano.jsonl"), filepath.Join(tmp, "scores.jsonl")
	if err := os.WriteFile(recording, sim.Recording(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errw bytes.Buffer
	if err := runReplay(t.Context(), []string{"--site", path, "--final", "--scores", scores, recording}, &out, &errw); err != nil {
		t.Fatalf("replay: %v\n%s", err, errw.Bytes())
	}
	if out.Len() > 0 {
		t.Errorf("a shopper who took a bottle and is still inside raises:\n%s", out.Bytes())
	}
	b, err := os.ReadFile(scores)
	if err != nil {
		t.Fatal(err)
	}
	var visit struct{ Tracks []string }
	if err := json.Unmarshal(b, &visit); err != nil { // one line: there was one person
		t.Fatalf("%v in %s", err, b)
	}
	if len(visit.Tracks) != 1 || visit.Tracks[0] != "poses/"+nanoPerson {
		t.Errorf("tracks %v; want one, of %s", visit.Tracks, nanoPerson)
	}
}
