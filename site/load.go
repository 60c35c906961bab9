package site

import (
	"encoding/binary"
	"errors"
	"hash"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
)

// loader turns the checked nodes of one file into a Site.
type loader struct {
	parser
	dir   string
	read  func(path string) ([]byte, error)
	hash  hash.Hash
	site  *Site
	zones map[string]int // index into Store.Zones, by id
	ids   map[string]Pos // where each source is named

	halfRead bool // the products are not all known, so that an unknown SKU is no error of its own
}

// hashPart adds one file to the hash, its length first, so that text moved between files changes it.
func (l *loader) hashPart(text []byte) {
	l.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	l.hash.Write(text)
}

// path joins a path of the site file with its directory.
func (l *loader) path(n *yaml.Node, what string) string {
	p := l.text(n, what)
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
		l.failf(n, "%s: cannot read %s: %s", what, path, why)
		return path, nil
	}
	l.hashPart(text)
	return path, text
}

func (l *loader) root(n *yaml.Node) {
	o := l.object(n, "site file", "store", "timezone", "currency", "hours", "labels", "zones", "cameras", "readers", "scales",
		"tills", "gates", "counters", "signals", "devices", "products", "staff", "lateness", "sources", "broker", "influx",
		"outputs", "budget", "cost", "policies", "privacy")
	st := l.site.Store
	st.ID = l.id(o.need("store"), "store")
	st.Currency = l.currency(o.get("currency"))
	st.Location = l.timezone(o.get("timezone"))
	st.Hours = l.hours(o.get("hours"))
	l.site.Labels = l.labels(o.get("labels"))
	l.site.Lateness = l.lateness(o.get("lateness"))
	privacy := l.object(o.get("privacy"), "privacy", "cashier", "link_visits", "masks", "fitting", "foreign_tags", "keep", "drop")

	before := len(l.errs)
	st.Products = l.products(o.get("products"))
	l.halfRead = len(l.errs) > before
	l.readZones(o.need("zones"))
	l.cameras(o.get("cameras"))
	l.readers(o.get("readers"))
	l.scales(o.get("scales"))
	l.tills(o.get("tills"))
	l.placed(o.get("gates"), "gates", fusion.Gate)
	l.placed(o.get("counters"), "counters", fusion.Count)
	l.placed(o.get("signals"), "signals", fusion.Signal)
	l.devices(o.get("devices"))

	l.staff(o.get("staff"))
	l.foreign(o.get("sources"))
	l.broker(o.get("broker"))
	l.influx(o.get("influx"))
	l.outputs(o.get("outputs"))
	l.money(o.get("budget"), o.get("cost"))
	l.policies(o.get("policies"))
	l.privacy(privacy)
	if len(st.Staff.Badges)+len(st.Staff.StartsIn)+len(st.Staff.Tasks) == 0 {
		l.site.Notes = append(l.site.Notes, "nobody is named as staff (staff: badges, starts_in or tasks), so staff() is inferred from entering a stockroom")
	}
}

// zoneRef reads the id of a zone and returns its index, -1 when left out or wrong.
func (l *loader) zoneRef(n *yaml.Node, what string) int {
	id := l.text(n, what)
	if id == "" {
		return -1
	}
	if i, ok := l.zones[id]; ok {
		return i
	}
	l.failf(n, "%s: unknown zone %q; %s", what, clip(id), choice(id, l.zoneIDs()))
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
	at := map[string]Pos{}
	for _, c := range l.list(n, "zones") {
		o := l.object(c, "zone", "id", "kind", "polygon", "out")
		id := l.id(o.need("id"), "zone id")
		if first, twice := at[id]; twice && id != "" {
			l.failf(o.get("id"), "zone %q is given twice, first in line %d; ids must be unique", id, first.Line)
			continue
		}
		kind := l.word(o.need("kind"), "zone kind", fusion.ZoneKinds[:]...)
		z := fusion.Zone{ID: id, Kind: fusion.ZoneKind(max(0, kind)), Polygon: l.polygon(o.need("polygon"), "polygon")}
		if out := o.get("out"); out != nil {
			z.Out = l.edge(out)
			if kind >= 0 && z.Kind != fusion.Entrance && z.Kind != fusion.Exit {
				l.failf(out, "out: only a zone of kind entrance or exit leads outside, %s is of kind %s", id, z.Kind)
			}
		}
		if id == "" {
			continue // said already, and nothing can name it
		}
		at[id] = l.at(c)
		// A zone with an error elsewhere is still known by its id, lest every mention of it be an error too.
		l.zones[id] = len(l.site.Store.Zones)
		l.site.Store.Zones = append(l.site.Store.Zones, z)
	}
}

func (l *loader) edge(n *yaml.Node) []fusion.Point {
	before := len(l.errs)
	ends, _ := l.points(n, "out")
	if len(l.errs) > before {
		return nil
	}
	if len(ends) != 2 || ends[0] == ends[1] {
		l.failf(n, "out wants the two ends of an edge [[x, y], [x, y]]")
		return nil
	}
	return ends
}

// source registers a source of the store; zones are those it can perceive.
func (l *loader) source(n *yaml.Node, o *object, id string, kind fusion.Kind, zones ...int) bool {
	late := l.site.Lateness[kind]
	if own := o.get("lateness"); own != nil {
		late = l.boundedLateness(own, "lateness")
	}
	if id == "" {
		return false
	}
	if first, twice := l.ids[id]; twice {
		l.failf(o.get("id"), "source %q is given twice, first in line %d; ids must be unique over all kinds of source", id, first.Line)
		return false
	}
	l.ids[id] = l.at(n)
	zones = slices.DeleteFunc(zones, func(z int) bool { return z < 0 })
	sort.Ints(zones)
	l.site.Store.Sources = append(l.site.Store.Sources, fusion.Source{ID: id, Kind: kind, Lateness: int64(late),
		Every: int64(10 * time.Second), Zones: slices.Compact(zones)})
	return true
}

func (l *loader) readers(n *yaml.Node) {
	for _, c := range l.list(n, "readers") {
		o := l.object(c, "reader", "id", "antennas", "lateness")
		r := fusion.Reader{ID: l.id(o.need("id"), "reader id"), Antennas: map[int]int{}}
		antennas := l.mapping(o.need("antennas"), "antennas")
		var zones []int
		for _, k := range antennas.keys {
			number := l.integer(k, "antenna number")
			a := l.object(antennas.get(k.Value), "antenna", "zone")
			if z := l.zoneRef(a.need("zone"), "antenna zone"); z >= 0 {
				r.Antennas[number] = z
				zones = append(zones, z)
			}
		}
		if o.get("antennas") != nil && len(antennas.keys) == 0 {
			l.failf(o.get("antennas"), "antennas wants at least one, such as {1: {zone: …}}")
		}
		if l.source(c, o, r.ID, fusion.RFID, zones...) {
			l.site.Store.Readers = append(l.site.Store.Readers, r)
		}
	}
}

func (l *loader) scales(n *yaml.Node) {
	bySKU := map[string]int{}
	for i, p := range l.site.Store.Products {
		bySKU[p.SKU] = i
	}
	for _, c := range l.list(n, "scales") {
		o := l.object(c, "scale", "id", "zone", "at", "size", "skus", "lateness")
		s := fusion.Scale{ID: l.id(o.need("id"), "scale id"), Zone: l.zoneRef(o.need("zone"), "scale zone")}
		copy(s.At[:], l.numbers(o.need("at"), "at", 3))
		copy(s.Size[:], l.numbers(o.get("size"), "size", 2))
		for _, k := range l.list(o.need("skus"), "skus") {
			sku := l.sku(k)
			if sku == "" {
				continue
			}
			i, ok := bySKU[fusion.GTIN14(sku)]
			if !ok && l.halfRead {
				continue
			}
			if !ok {
				l.failf(k, "unknown SKU %q; add it to the products table", clip(sku))
				continue
			}
			if slices.Contains(s.Products, i) {
				l.failf(k, "SKU %q is on this scale already; name each once", clip(sku))
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
		l.failf(n, "SKU %s must be in quotes, or its leading zeros are lost: \"%s\"", clip(n.Value), clip(n.Value))
		return ""
	}
	return strings.TrimSpace(l.text(n, "SKU"))
}

func (l *loader) tills(n *yaml.Node) {
	for _, c := range l.list(n, "tills") {
		o := l.object(c, "till", "id", "zone", "kind", "lateness")
		t := fusion.Till{ID: l.id(o.need("id"), "till id"), Zone: l.zoneRef(o.need("zone"), "till zone")}
		t.Self = l.word(o.need("kind"), "till kind", "self", "staffed") == 0
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
	for _, c := range l.list(n, section) {
		o := l.object(c, what, keys...)
		d := fusion.Device{ID: l.id(o.need("id"), what+" id"), Kind: kind, Zone: -1}
		if kind == fusion.Signal {
			d.Zone, d.Rule = l.zoneRef(o.get("zone"), what+" zone"), l.text(o.get("rule"), "rule")
		} else {
			d.Zone = l.zoneRef(o.need("zone"), what+" zone")
		}
		key := l.path(o.get("key_file"), "key_file")
		if l.source(c, o, d.ID, kind, d.Zone) {
			l.site.Store.Devices = append(l.site.Store.Devices, d)
			l.site.Devices = append(l.site.Devices, Device{ID: d.ID, Kind: kind, KeyFile: key})
		}
	}
}

func (l *loader) devices(n *yaml.Node) {
	for _, c := range l.list(n, "devices") {
		o := l.object(c, "device", "id", "kind", "zone", "key_file", "lateness")
		id := l.id(o.need("id"), "device id")
		kind := l.deviceKind(o.need("kind"))
		zone, key := l.zoneRef(o.get("zone"), "device zone"), l.path(o.get("key_file"), "key_file")
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
		l.failf(n, "device kind: a source of kind %s has a section of its own; name it under %s", n.Value, section[n.Value])
		return -1
	}
	words := []string{"region", "gate", "count", "signal", "stock"}
	i := l.word(n, "device kind", words...)
	if i < 0 {
		return -1
	}
	return slices.Index(fusion.Kinds[:], words[i])
}
