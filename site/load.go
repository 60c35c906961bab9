package site

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

// loader turns the checked nodes of one file into a Site.
type loader struct {
	*strict.File
	dir   string
	read  func(path string) ([]byte, error)
	hash  hash.Hash
	site  *Site
	zones map[string]int // index into Store.Zones, by id
	ids   map[string]int // the line that names each source

	halfRead bool // the products are not all known, so that an unknown SKU is no error of its own
}

// at is the place of a node.
func (l *loader) at(n *yaml.Node) Pos { return Pos{l.Name, n.Line, n.Column, l.Line(n.Line)} }

// hashPart adds one file to the hash, its length first, so that text moved between files changes it.
func (l *loader) hashPart(text []byte) {
	l.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	l.hash.Write(text)
}

// path joins a path of the site file with its directory.
func (l *loader) path(n *yaml.Node, what string) string {
	p := l.Text(n, what)
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(l.dir, p)
}

// table reads a file that the site file names; nil after an error.
func (l *loader) table(n *yaml.Node, what string) (path string, text []byte) {
	if path = l.path(n, what); path == "" {
		return "", nil
	}
	text, err := l.read(path)
	if err != nil {
		why := err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			why = "there is no such file"
		}
		l.Fail(n, "%s: cannot read %s: %s", what, path, why)
		return path, nil
	}
	l.hashPart(text)
	return path, text
}

func (l *loader) root(n *yaml.Node) {
	o := l.Mapping(n, "site file", "store", "timezone", "currency", "hours", "labels", "zones", "cameras", "readers", "scales",
		"tills", "gates", "counters", "signals", "devices", "products", "staff", "lateness", "sources", "broker", "influx",
		"outputs", "budget", "cost", "policies", "privacy")
	st := l.site.Store
	st.ID = l.id(o.Need("store", ""), "store")
	st.Currency = l.currency(o.Get("currency"))
	st.Location = l.timezone(o.Get("timezone"))
	st.Hours = l.hours(o.Get("hours"))
	l.site.Labels = l.labels(o.Get("labels"))
	l.site.Lateness = l.lateness(o.Get("lateness"))
	privacy := l.Mapping(o.Get("privacy"), "privacy", "cashier", "link_visits", "masks", "fitting", "foreign_tags", "keep", "drop", "key_file")

	before := len(l.Errors)
	st.Products = l.products(o.Get("products"))
	l.halfRead = len(l.Errors) > before
	l.readZones(o.Need("zones", ""))
	l.cameras(o.Get("cameras"))
	l.readers(o.Get("readers"))
	l.scales(o.Get("scales"))
	l.tills(o.Get("tills"))
	l.placed(o.Get("gates"), "gates", fusion.Gate)
	l.placed(o.Get("counters"), "counters", fusion.Count)
	l.placed(o.Get("signals"), "signals", fusion.Signal)
	l.devices(o.Get("devices"))

	l.staff(o.Get("staff"))
	l.foreign(o.Get("sources"))
	l.broker(o.Get("broker"))
	l.influx(o.Get("influx"))
	l.outputs(o.Get("outputs"))
	l.money(o.Get("budget"), o.Get("cost"))
	l.policies(o.Get("policies"))
	l.privacy(privacy)
	if len(st.Staff.Badges)+len(st.Staff.StartsIn)+len(st.Staff.Tasks) == 0 {
		l.site.Notes = append(l.site.Notes, "nobody is named as staff (staff: badges, starts_in or tasks), so staff() is inferred from entering a stockroom")
	}
	l.bareAisles()
	l.sharedTills()
}

// sharedTills notes the zones of several tills in which something shows goods that then belong to none of the sales.
func (l *loader) sharedTills() {
	st := l.site.Store
	for z := range st.Zones {
		var tills, shown []string
		for i := range st.Tills {
			if st.Tills[i].Zone == z {
				tills = append(tills, st.Tills[i].ID)
			}
		}
		for i := range st.Scales {
			if sc := &st.Scales[i]; sc.Zone == z && st.Zones[z].Kind == fusion.Checkout && len(sc.Products) == 0 {
				shown = append(shown, sc.ID)
			}
		}
		if len(tills) > 1 && len(shown) > 0 {
			l.site.Notes = append(l.site.Notes, fmt.Sprintf("zone %s has the tills %s: whose goods lie on %s is not known, and what it weighs is not used; give each till a zone of its own",
				st.Zones[z].ID, strings.Join(tills, ", "), strings.Join(shown, ", ")))
		}
	}
}

// bareAisles notes the aisles without a scale and a reader, in a store that has them in other aisles: one is easily forgotten.
func (l *loader) bareAisles() {
	var bare []string
	aisles, st := 0, l.site.Store
	for z := range st.Zones {
		if st.Zones[z].Kind != fusion.Aisle {
			continue
		}
		aisles++
		if !slices.ContainsFunc(st.Sources, func(s fusion.Source) bool {
			return (s.Kind == fusion.Weight || s.Kind == fusion.RFID) && slices.Contains(s.Zones, z)
		}) {
			bare = append(bare, st.Zones[z].ID)
		}
	}
	if len(bare) == aisles {
		return // it has no such sensors, by choice
	}
	for _, id := range bare {
		l.site.Notes = append(l.site.Notes, "aisle "+id+" has no scale and no reader: goods taken and put back there are not seen; give it one if goods stand there")
	}
}

// zoneRef reads the id of a zone and returns its index, -1 when left out or wrong.
func (l *loader) zoneRef(n *yaml.Node, what string) int {
	id := l.Text(n, what)
	if id == "" {
		return -1
	}
	if i, ok := l.zones[id]; ok {
		return i
	}
	l.Fail(n, "%s: unknown zone %q; %s", what, strict.Clip(id), strict.Suggest(id, l.zoneIDs()))
	return -1
}

func (l *loader) zoneIDs() []string {
	var all []string
	for _, z := range l.site.Store.Zones {
		all = append(all, z.ID)
	}
	return all
}

func (l *loader) readZones(n *yaml.Node) {
	at := map[string]int{}
	for _, c := range l.List(n, "zones") {
		o := l.Mapping(c, "zone", "id", "kind", "polygon", "out")
		id := l.id(o.Need("id", ""), "zone id")
		if first, twice := at[id]; twice && id != "" {
			l.Fail(o.Get("id"), "zone %q is given twice, first in line %d; ids must be unique", id, first)
			continue
		}
		kind := l.choose(o.Need("kind", ""), "zone kind", fusion.ZoneKinds[:]...)
		z := fusion.Zone{ID: id, Kind: fusion.ZoneKind(max(0, kind)), Polygon: l.polygon(o.Need("polygon", ""), "polygon")}
		if out := o.Get("out"); out != nil {
			z.Out = l.edge(out)
			if kind >= 0 && z.Kind != fusion.Entrance && z.Kind != fusion.Exit {
				l.Fail(out, "out: only a zone of kind entrance or exit leads outside, %s is of kind %s", id, z.Kind)
			}
		}
		if id == "" {
			continue // said already, and nothing can name it
		}
		at[id] = c.Line
		// A zone with an error elsewhere is still known by its id, lest every mention of it be an error too.
		l.zones[id] = len(l.site.Store.Zones)
		l.site.Store.Zones = append(l.site.Store.Zones, z)
	}
}

func (l *loader) edge(n *yaml.Node) []fusion.Point {
	before := len(l.Errors)
	ends, _ := l.points(n, "out")
	if len(l.Errors) > before {
		return nil
	}
	if len(ends) != 2 || ends[0] == ends[1] {
		l.Fail(n, "out wants the two ends of an edge [[x, y], [x, y]]")
		return nil
	}
	return ends
}

// source registers a source of the store; zones are those it can perceive.
func (l *loader) source(n *yaml.Node, o *strict.Object, id string, kind fusion.Kind, zones ...int) bool {
	late := l.site.Lateness[kind]
	if own := o.Get("lateness"); own != nil {
		late = l.boundedLateness(own, "lateness")
	}
	if id == "" {
		return false
	}
	if first, twice := l.ids[id]; twice {
		l.Fail(o.Get("id"), "source %q is given twice, first in line %d; ids must be unique over all kinds of source", id, first)
		return false
	}
	l.ids[id] = n.Line
	zones = slices.DeleteFunc(zones, func(z int) bool { return z < 0 })
	sort.Ints(zones)
	l.site.Store.Sources = append(l.site.Store.Sources, fusion.Source{ID: id, Kind: kind, Lateness: int64(late),
		Every: int64(10 * time.Second), Zones: slices.Compact(zones)})
	return true
}

func (l *loader) readers(n *yaml.Node) {
	for _, c := range l.List(n, "readers") {
		o := l.Mapping(c, "reader", "id", "antennas", "lateness")
		r := fusion.Reader{ID: l.id(o.Need("id", ""), "reader id"), Antennas: map[int]int{}}
		antennas := l.Mapping(o.Need("antennas", ""), "antennas")
		var zones []int
		for _, k := range antennas.Keys {
			number := l.antenna(k)
			a := l.Mapping(antennas.Get(k.Value), "antenna", "zone")
			if z := l.zoneRef(a.Need("zone", ""), "antenna zone"); z >= 0 {
				r.Antennas[number] = z
				zones = append(zones, z)
			}
		}
		if o.Get("antennas") != nil && len(antennas.Keys) == 0 {
			l.Fail(o.Get("antennas"), "antennas wants at least one, such as {1: {zone: …}}")
		}
		if l.source(c, o, r.ID, fusion.RFID, zones...) {
			l.site.Store.Readers = append(l.site.Store.Readers, r)
		}
	}
}

// antenna reads the number of an antenna, in quotes too: JSON has no other keys.
func (l *loader) antenna(k *yaml.Node) int {
	if n, err := strconv.ParseUint(k.Value, 10, 16); err == nil && k.Tag == "!!str" && strconv.FormatUint(n, 10) == k.Value {
		return int(n)
	}
	return l.integer(k, "antenna number")
}

func (l *loader) scales(n *yaml.Node) {
	bySKU := map[string]int{}
	for i, p := range l.site.Store.Products {
		for _, n := range p.Numbers() {
			bySKU[n] = i
		}
	}
	for _, c := range l.List(n, "scales") {
		o := l.Mapping(c, "scale", "id", "zone", "at", "size", "skus", "lateness")
		s := fusion.Scale{ID: l.id(o.Need("id", ""), "scale id"), Zone: l.zoneRef(o.Need("zone", ""), "scale zone")}
		copy(s.At[:], l.numbers(o.Need("at", ""), "at", 3))
		copy(s.Size[:], l.numbers(o.Get("size"), "size", 2))
		for _, k := range l.List(o.Need("skus", ""), "skus") {
			sku := l.sku(k)
			if sku == "" {
				continue
			}
			i, ok := bySKU[fusion.GTIN14(sku)]
			if !ok && l.halfRead {
				continue
			}
			if !ok {
				l.Fail(k, "unknown SKU %q; add it to the products table", strict.Clip(sku))
				continue
			}
			if slices.Contains(s.Products, i) {
				l.Fail(k, "SKU %q is on this scale already; name each once", strict.Clip(sku))
				continue
			}
			s.Products = append(s.Products, i)
		}
		if l.source(c, o, s.ID, fusion.Weight, s.Zone) {
			l.site.Store.Scales = append(l.site.Store.Scales, s)
		}
	}
}

// sku reads a SKU, which must be in quotes: bare digits are a number to YAML, and lose their leading zeros.
func (l *loader) sku(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		l.Fail(n, "SKU %s must be in quotes, or its leading zeros are lost: \"%s\"", strict.Clip(n.Value), strict.Clip(n.Value))
		return ""
	}
	return strings.TrimSpace(l.Text(n, "SKU"))
}

func (l *loader) tills(n *yaml.Node) {
	for _, c := range l.List(n, "tills") {
		o := l.Mapping(c, "till", "id", "zone", "kind", "lateness")
		t := fusion.Till{ID: l.id(o.Need("id", ""), "till id"), Zone: l.zoneRef(o.Need("zone", ""), "till zone")}
		t.Self = l.choose(o.Need("kind", ""), "till kind", "self", "staffed") == 0
		if l.source(c, o, t.ID, fusion.TillKind, t.Zone) {
			l.site.Store.Tills = append(l.site.Store.Tills, t)
		}
	}
}

// placed reads the sections whose sources have a zone and no more: gates, counters and signals.
func (l *loader) placed(n *yaml.Node, section string, kind fusion.Kind) {
	keys := []string{"id", "zone", "lateness"}
	if kind == fusion.Signal {
		keys = append(keys, "rule", "key_file")
	}
	what := strings.TrimSuffix(section, "s")
	for _, c := range l.List(n, section) {
		o := l.Mapping(c, what, keys...)
		d := fusion.Device{ID: l.id(o.Need("id", ""), what+" id"), Kind: kind, Zone: -1}
		if kind == fusion.Signal {
			d.Zone, d.Rule = l.zoneRef(o.Get("zone"), what+" zone"), l.Text(o.Get("rule"), "rule")
		} else {
			d.Zone = l.zoneRef(o.Need("zone", ""), what+" zone")
		}
		key := l.path(o.Get("key_file"), "key_file")
		if l.source(c, o, d.ID, kind, d.Zone) {
			l.site.Store.Devices = append(l.site.Store.Devices, d)
			l.site.Devices = append(l.site.Devices, Device{ID: d.ID, Kind: kind, KeyFile: key})
		}
	}
}

func (l *loader) devices(n *yaml.Node) {
	for _, c := range l.List(n, "devices") {
		o := l.Mapping(c, "device", "id", "kind", "zone", "key_file", "lateness")
		id := l.id(o.Need("id", ""), "device id")
		kind := l.deviceKind(o.Need("kind", ""))
		zone, key := l.zoneRef(o.Get("zone"), "device zone"), l.path(o.Get("key_file"), "key_file")
		if kind < 0 {
			continue
		}
		if l.source(c, o, id, fusion.Kind(kind), zone) {
			l.site.Store.Devices = append(l.site.Store.Devices, fusion.Device{ID: id, Kind: fusion.Kind(kind), Zone: zone})
			l.site.Devices = append(l.site.Devices, Device{ID: id, Kind: fusion.Kind(kind), KeyFile: key})
		}
	}
}

// deviceKind reads the kind of a device, one that needs no more than an id: plates, antennas and the like have sections
// of their own.
func (l *loader) deviceKind(n *yaml.Node) int {
	section := map[string]string{"rfid": "readers", "weight": "scales", "track": "cameras", "till": "tills"}
	if n != nil && section[n.Value] != "" {
		l.Fail(n, "device kind: a source of kind %s has a section of its own; name it under %s", n.Value, section[n.Value])
		return -1
	}
	words := []string{"region", "gate", "count", "signal", "stock"}
	i := l.choose(n, "device kind", words...)
	if i < 0 {
		return -1
	}
	return slices.Index(fusion.Kinds[:], words[i])
}
