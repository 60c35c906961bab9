package site

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"magpie/strict"
)

// head is the beginning of every broken site below; what follows it begins in line 6.
const head = small

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	f := func(name, text string, files map[string]string, want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			_, err := parse(text, files)
			if err == nil {
				t.Fatal("loads without an error")
			}
			var all strict.Errors
			if !errors.As(err, &all) {
				t.Fatalf("got %v, want strict.Errors", err)
			}
			var got []string
			for _, e := range all {
				lines := strings.Split(text, "\n")
				if e.File != "site.yaml" {
					lines = strings.Split(files[e.File], "\n")
				}
				if e.Code != lines[e.Line-1] {
					t.Errorf("%s:%d shows the line %q, want %q", e.File, e.Line, e.Code, lines[e.Line-1])
				}
				e.Code = "" // the caret has a test of its own
				got = append(got, e.Error())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	f("empty", "", nil,
		`site.yaml:1:1: the file is empty; it needs at least store and zones`)
	f("not YAML", "store: s1\nzones: [\n", nil,
		`site.yaml:2:1: not YAML: did not find expected node content`)
	f("a bracket is not closed", "# a site\nstore: s1\nzones:\n  - {id: a, kind: aisle, polygon: [[0,0],[1,0],[1,1]}\n  - {id: b}\n", nil,
		`site.yaml:4:1: not YAML: did not find expected ',' or ']'`)
	f("a tab", "# a site\nstore: s1\nzones:\n\t- {id: a}\n", nil,
		`site.yaml:4:1: not YAML: a tab stands here; indent with spaces`)
	f("a list", "- a\n", nil,
		`site.yaml:1:1: site file wants a mapping (key: value), not a list`)
	f("nothing needed", "currency: GBP\n", nil,
		`site.yaml:1:1: site file: store is missing`,
		`site.yaml:1:1: site file: zones is missing`)
	f("two documents", head+"---\nstore: b\n", nil,
		`site.yaml:6:1: a second document begins here; write each in a file of its own`)
	f("unknown key", head+"camras: []\nbugdet: {}\nxyzzy: 1\n", nil,
		`site.yaml:6:1: site file: unknown key "camras"; did you mean cameras?`,
		`site.yaml:7:1: site file: unknown key "bugdet"; did you mean budget?`,
		`site.yaml:8:1: site file: unknown key "xyzzy"; possible are store, timezone, currency, hours, labels, zones, cameras, readers, scales, tills, gates, counters and 13 more`)
	f("key twice", head+"labels: {a: x, a: y}\n", nil,
		`site.yaml:6:16: labels: "a" is given twice; keep one`)
	f("types", head+"currency: 12\nlabels: [a]\ncost: {false_alarm: many, recover: 2}\nbudget: {day: -1, hour: 1.5}\nlateness: {weight: 5, rfid: 2m}\n", nil,
		`site.yaml:6:11: currency wants text; put 12 in quotes: "12"`,
		`site.yaml:7:9: labels wants a mapping (key: value), not a list`,
		`site.yaml:8:21: false_alarm wants a number, not the text "many"`,
		`site.yaml:8:36: recover is a share of 0 to 1, not 2`,
		`site.yaml:9:15: day must not be negative, it is -1`,
		`site.yaml:9:25: hour wants a whole number, not 1.5`,
		`site.yaml:10:20: lateness of weight wants a duration such as 500ms, 2s, 72h, 7d or 1y, not the value 5`,
		`site.yaml:10:29: lateness of rfid is 2m0s and may be at most 1m0s: every judgement waits for it`)
	f("dates and zones", head+"labels: {since: 2026-01-05}\n", nil,
		`site.yaml:6:17: label since wants text; put 2026-01-05 in quotes: "2026-01-05"`)
	f("timezone", "store: s1\ntimezone: Europe/Londn\nzones: []\n", nil,
		`site.yaml:2:11: unknown timezone "Europe/Londn"; give a name of the IANA list, such as Europe/London`)
	f("hours", head+"hours: {mon-sat: \"7-23\", tue: \"10:00-11:00\", funday: closed, sun: \"18:00-02:00\"}\n", nil,
		`site.yaml:6:18: hours want "HH:MM-HH:MM" within one day (up to 24:00) or closed, not "7-23"`,
		`site.yaml:6:26: hours: tue is given twice; keep one`,
		`site.yaml:6:46: hours: unknown day "funday"; write mon, tue, wed, thu, fri, sat, sun or a range such as mon-sat`,
		`site.yaml:6:67: hours want "HH:MM-HH:MM" within one day (up to 24:00) or closed, not "18:00-02:00"`)
	f("polygons", "store: s1\ntimezone: UTC\nzones:\n  - {id: a, kind: aisle, polygon: [[0,0],[2,2],[2,0],[0,2]]}\n  - {id: b, kind: aisle, polygon: [[0,0],[1,1]]}\n  - {id: c, kind: aisle, polygon: [[0,0],[1,1],[2,2]]}\n  - {id: d, kind: aisle, polygon: [[0,0],[1,one],[2]]}\n  - {id: e, kind: aisl, polygon: [[0,0],[1,0],[1,1]], out: [[0,0]]}\n  - {id: f, kind: aisle, polygon: [[0,0],[1,0],[1,1]], out: [[0,0],[1,0]]}\n", nil,
		`site.yaml:4:48: polygon crosses itself: side 3 (from point 3) meets side 1; give its corners in order around it`,
		`site.yaml:5:35: polygon wants at least 3 points [x, y], there are 2`,
		`site.yaml:6:35: polygon has no area; its points lie in a line`,
		`site.yaml:7:45: polygon point wants a number, not the text "one"`,
		`site.yaml:7:50: polygon point wants 2 numbers, there are 1`,
		`site.yaml:8:19: zone kind: unknown word "aisl"; did you mean aisle?`,
		`site.yaml:8:60: out wants the two ends of an edge [[x, y], [x, y]]`,
		`site.yaml:9:61: out: only a zone of kind entrance or exit leads outside, f is of kind aisle`)
	f("doubled ids", head+"gates: [{id: g1, zone: in-1}]\ncounters: [{id: g1, zone: in-1}]\n", nil,
		`site.yaml:7:17: source "g1" is given twice, first in line 6; ids must be unique over all kinds of source`)
	f("doubled zone", "store: s1\ntimezone: UTC\nzones:\n  - {id: a, kind: aisle, polygon: [[0,0],[1,0],[1,1]]}\n  - {id: a, kind: aisle, polygon: [[0,0],[1,0],[1,1]]}\n", nil,
		`site.yaml:5:10: zone "a" is given twice, first in line 4; ids must be unique`)
	f("ids", head+"gates: [{id: a/b, zone: in-1}, {id: 7, zone: in-1}, {zone: in-1}]\n", nil,
		`site.yaml:6:14: gate id "a/b" must be at most 64 characters without spaces, quotes, / + or #`,
		`site.yaml:6:37: gate id wants text; put 7 in quotes: "7"`,
		`site.yaml:6:53: gate: id is missing`)
	f("unknown zone", head+"gates: [{id: g1, zone: in-2}, {id: g2, zone: somewhere}]\n", nil,
		`site.yaml:6:24: gate zone: unknown zone "in-2"; did you mean in-1?`,
		`site.yaml:6:46: gate zone: unknown zone "somewhere"; possible are in-1, room`)
	f("unquoted SKU", head+"scales: [{id: s, zone: in-1, at: [1,2], skus: [071142008582, \"5\"]}]\nproducts: p.csv\n", map[string]string{"p.csv": "sku\n1\n"},
		`site.yaml:6:34: at wants 3 numbers, there are 2`,
		`site.yaml:6:48: SKU 071142008582 must be in quotes, or its leading zeros are lost: "071142008582"`,
		`site.yaml:6:62: unknown SKU "5"; add it to the products table`)
	f("no products", head+"products: p.csv\n", nil,
		`site.yaml:6:11: products: cannot read p.csv: there is no such file`)
	f("readers", head+"readers: [{id: r, antennas: {}}, {id: q, antennas: {one: {zone: in-1}}}]\n", nil,
		`site.yaml:6:29: antennas wants at least one, such as {1: {zone: …}}`,
		`site.yaml:6:53: antenna number wants a number, not the text "one"`)
	f("tills", head+"tills: [{id: t, zone: in-1, kind: robot}, {id: u, zone: in-1}]\n", nil,
		`site.yaml:6:35: till kind: unknown word "robot"; possible are self, staffed`,
		`site.yaml:6:43: till: kind is missing`)
	f("devices", head+"devices: [{id: d, kind: weight}, {id: e, kind: stok}]\n", nil,
		`site.yaml:6:25: device kind: a source of kind weight has a section of its own; name it under scales`,
		`site.yaml:6:48: device kind: unknown word "stok"; did you mean stock?`)
	f("camera over a fitting zone", head+"cameras:\n  - {id: c1, sees: [[0,0],[6,0],[6,2],[0,2]]}\n  - {id: c2}\n  - {id: c3, sees: [[0,0],[5,0],[5,2],[0,2]]}\n", nil,
		`site.yaml:7:20: camera c1 sees into the fitting zone room (privacy.fitting: no-camera); turn or mask the camera and cut the zone out of sees`,
		`site.yaml:8:5: camera c2 says not what it sees, which means every zone, and room is a fitting zone (privacy.fitting: no-camera); give sees`)
	f("homographies", head+`cameras:
  - {id: c1, sees: [[0,0],[1,0],[1,1]], homography: [1,0,0,0,1,0,0,0,1]}
  - {id: c2, sees: [[0,0],[1,0],[1,1]], frame: [100, 100], homography: [1,0,0,0,1,0,0,0]}
  - {id: c3, sees: [[0,0],[1,0],[1,1]], frame: [100, 100], homography: [1,0,0,2,0,0,0,0,1]}
  - {id: c4, sees: [[0,0],[1,0],[1,1]], frame: [100, 100], points: [[0,0,0,0],[1,1,1,1],[2,2,2,2],[3,3,3,3]]}
  - {id: c5, sees: [[0,0],[1,0],[1,1]], frame: [100, 100], points: [[0,0,0,0]]}
  - {id: c6, frame: [100, 100], homography: [0.01,0,0,0,0.01,0,0,0.02,-1.5]}
  - {id: c7, sees: [[0,0],[1,0],[1,1]], frame: [wide, 100]}
`, nil,
		`site.yaml:7:53: a homography is in pixels of a frame: give the frame's [width, height] too`,
		`site.yaml:8:72: homography wants 9 numbers, there are 8`,
		`site.yaml:9:72: the homography maps the image to a line (its determinant is 0); measure its points again`,
		`site.yaml:10:68: points: the points of the homography lie in a line or repeat; take four with no three in a line`,
		`site.yaml:11:68: points: a homography needs at least 4 points, there are 1`,
		`site.yaml:12:5: camera c6: the horizon lies in the lower half of its frame, so what it sees is unknown; give sees, the floor polygon in metres`,
		`site.yaml:13:49: frame wants a number, not the text "wide"`)
	f("masks", head+"privacy: {masks: {cam-9: []}, fitting: camera, link_visits: always, cashier: on, keep: {clips: long}}\n", nil,
		`site.yaml:6:19: masks: unknown camera "cam-9"; there are none`,
		`site.yaml:6:40: fitting: unknown word "camera"; possible is no-camera`,
		`site.yaml:6:61: link_visits: unknown word "always"; possible is never`,
		`site.yaml:6:78: cashier: unknown word "on"; possible are off, pseudonym, allowed`,
		`site.yaml:6:96: clips wants a duration such as 500ms, 2s, 72h, 7d or 1y, not the text "long"`)
	const journal = `: a restart reads what it missed there, so it cannot be off; write 1h or more, and name in privacy.drop what must never be written`
	f("recordings off", head+"privacy: {keep: {frames: 0, recordings: 0}}\n", nil,
		`site.yaml:6:41: recordings must be at least 1h, it is 0`+journal)
	f("recordings too short", head+"privacy: {keep: {recordings: 59m59s}}\n", nil,
		`site.yaml:6:30: recordings must be at least 1h, it is 59m59s`+journal)
	f("staff", head+"staff: {badges: [\"a*b\"], starts_in: [stockrom, \"id:nowhere\"], tasks: t.csv}\n",
		map[string]string{"t.csv": "from,to,zone,what\n2026-11-22T10:00,2026-11-22T09:00,in-1,x\nsoon,2026-11-22T09:00,in-2,x\n"},
		`site.yaml:6:18: badge "a*b": * may only stand at the end`,
		`site.yaml:6:38: starts_in: unknown word "stockrom"; did you mean stockroom?`,
		`site.yaml:6:48: starts_in: unknown zone "nowhere"; possible are in-1, room`,
		`t.csv:2:18: to must be after from`,
		`t.csv:3:1: from wants a time such as 2026-11-22T10:00, not "soon"`,
		`t.csv:3:23: unknown zone "in-2"; did you mean in-1?`)
	f("sources", head+`gates: [{id: g1, zone: in-1}]
sources:
  - {topic: "a/+b", decoder: d, id: g1}
  - {topic: "a/+", decoder: d, id: "{2}", kind: gate}
  - {topic: "a/b", id: g2, kind: gate}
  - {topic: "magpie/v1/s1/gate/+", kind: door, id: "{1}", map: {alarm: 1}}
  - {topic: "a/b", decoder: d, id: g1, unit: stone, each: [1]}
  - {topic: "c", decoder: epcis, id: g1, zones: {"urn:epc:id:sgln:0614141.07346.1234": in-2, b: in-1}}
`, nil,
		`site.yaml:8:13: topic "a/+b" is no MQTT filter: + and # stand alone between slashes, # only at the end`,
		`site.yaml:9:29: source: kind and map belong together; give both, or the decoder alone`,
		`site.yaml:9:36: id "{2}": {2} names no wildcard of the topic, which has 1`,
		`site.yaml:10:5: source: give a decoder, or kind and map`,
		`site.yaml:10:24: unknown source "g2"; did you mean g1?`,
		`site.yaml:11:13: topic "magpie/v1/s1/gate/+" is Magpie's own; its sources need no entry here`,
		`site.yaml:11:42: source kind: unknown word "door"; possible are rfid, weight, track, till, region, gate, count, signal, stock, status`,
		`site.yaml:11:72: map alarm wants text; put 1 in quotes: "1"`,
		`site.yaml:12:46: unit: unknown word "stone"; possible are lb, oz, kg, g`,
		`site.yaml:12:59: each wants text, not a list`,
		`site.yaml:13:88: zones urn:epc:id:sgln:0614141.07346.1234: unknown zone "in-2"; did you mean in-1?`)
	f("broker and influx", head+"broker: {url: \"http://x\", listen: \"1883\", user: u}\ninflux: {org: o}\n", nil,
		`site.yaml:6:15: url wants a URL that begins with mqtt:// or mqtts:// or tcp:// or ssl:// or ws:// or wss://, not "http://x"`,
		`site.yaml:6:35: listen wants host:port, not "1883"`,
		`site.yaml:7:9: influx: url is missing`)
	f("broker's certificates", head+"broker: {cert_file: a.pem, client_ca_file: b.pem}\n", nil,
		`site.yaml:6:21: broker: cert_file needs key_file too`)
	f("outer broker's certificates", head+"broker: {url: \"mqtts://h:8883\", client_ca_file: b.pem, key_file: k.pem}\n", nil,
		`site.yaml:6:49: broker: client_ca_file needs cert_file too`,
		`site.yaml:6:49: broker: client_ca_file belongs to the embedded broker, and url names an outer one; leave it out, or write ca_file for the authority of the outer one`,
		`site.yaml:6:66: broker: key_file needs cert_file too`)
	f("certificates as users", head+"broker: {cert_file: a.pem, key_file: a.key, use_identity_as_username: true}\n", nil,
		`site.yaml:6:71: broker: use_identity_as_username needs client_ca_file: the certificates say who each client is, and users what each may do`,
		`site.yaml:6:71: broker: use_identity_as_username needs users: the certificates say who each client is, and users what each may do`)
	f("certificates as users", head+"broker: {use_identity_as_username: \"yes\"}\n", nil,
		`site.yaml:6:36: use_identity_as_username wants true or false, not the text "yes"`)
	f("outputs", head+"outputs: {a: {webhook: \"https://u:p@h/x\"}, b: {}, c: {pos: nowhere}, d: {smtp: \"smtp://h\"}}\n", nil,
		`site.yaml:6:11: output "a": a webhook is signed; give the secret_file with its key`,
		`site.yaml:6:24: webhook holds a password; secrets come from files only`,
		`site.yaml:6:44: output "b": give exactly one of webhook, smtp and pos`,
		`site.yaml:6:60: pos wants a URL that begins with http:// or https://, not "nowhere"`,
		`site.yaml:6:80: smtp wants the addresses too: smtp://user@host:587?from=a@b&to=c@d,e@f`)
	f("policies", head+"policies: {overrides: {p: {mode: life, params: {x: [1]}, extra: 1}}}\n", nil,
		`site.yaml:6:34: mode: unknown word "life"; did you mean live?`,
		`site.yaml:6:52: param x wants text, not a list`,
		`site.yaml:6:58: override p: unknown key "extra"; possible are mode, params`)
	f("signers", head+"policies: {signers: [RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3, minisign.pub]}\n", nil,
		`site.yaml:6:80: signers wants public keys of minisign: the line of minisign.pub that begins with RW, not the text "minisign.pub"`)
	f("products", head+"products: p.csv\n", map[string]string{"p.csv": "sku,price,grams,tagged,epc_prefix,gtin\n1,a,-1,maybe,xyz,\n01,1,1,1,,\n2,1\n,1,1,1,,\n3,1,1,1,,12345678901234567\n"},
		`p.csv:2:3: price wants a number from 0 to 1e+09, not "a"`,
		`p.csv:2:5: grams wants a number from 0 to 1e+07, not "-1"`,
		`p.csv:2:8: tagged wants true or false, not "maybe"`,
		`p.csv:2:14: epc_prefix wants hexadecimal digits, not "xyz"`,
		`p.csv:3:1: SKU "01" is given twice, first in line 2 (SKUs are compared as GTIN-14)`,
		`p.csv:4:1: this line has 2 fields and the header 6`,
		`p.csv:5:1: sku is empty; give each product a sku or a gtin`,
		`p.csv:6:10: gtin wants at most 14 digits, not "12345678901234567"`)
	f("product header", head+"products: p.csv\n", map[string]string{"p.csv": "skuu,price,price\n"},
		`p.csv:1:1: unknown column "skuu"; did you mean sku?`,
		`p.csv:1:1: the header has no column sku`,
		`p.csv:1:12: column "price" is given twice; keep one`)
	f("product quotes", head+"products: p.csv\n", map[string]string{"p.csv": "sku,name\n1,a\"b\n"},
		`p.csv:2:4: bare " in non-quoted-field; a field with a separator or a quote in it must be in quotes, with inner quotes doubled`)
	f("product bytes", head+"products: p.csv\n", map[string]string{"p.csv": "sku,name\n1,a\n2,\xff\n"},
		`p.csv:3:1: this line is not UTF-8; save the table as UTF-8`)
	f("empty products", head+"products: p.csv\n", map[string]string{"p.csv": "\n"},
		`p.csv:1:1: the table is empty; its first line must be the header sku,gtin,name,category,style,price,grams,grams_sd,tagged,epc_prefix`)
}

// TestErrorsShowTheLine holds that the line and a caret stand below each error, of a table as of the site file, and that
// letters of more than one byte do not move it.
func TestErrorsShowTheLine(t *testing.T) {
	_, err := parse(head+"labels: {größe: 3}\nproducts: p.csv\n", map[string]string{"p.csv": "\xef\xbb\xbfname,sku,price\r\nKäse,1,viel\r\n"})
	const want = `p.csv:2:8: price wants a number from 0 to 1e+09, not "viel"
  | Käse,1,viel
  |        ^
site.yaml:6:17: label größe wants text; put 3 in quotes: "3"
  | labels: {größe: 3}
  |                 ^`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestEmptyMembersAreErrors holds that what is written and says nothing is not passed over.
func TestEmptyMembersAreErrors(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := parse(text, nil); err == nil || !strings.HasPrefix(err.Error(), want+"\n") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	f("~\n", "site.yaml:1:1: the file is empty; it needs at least store and zones")
	f("store: s1\nzones:\n", "site.yaml:2:7: site file: zones is missing")
	f(head+"gates:\n  -\n", "site.yaml:7:4: gates: this member of the list is empty; fill it or remove it")
	f(head+"privacy: {keep: {clips: 99999y}}\n", `site.yaml:6:25: clips wants a duration such as 500ms, 2s, 72h, 7d or 1y, not the text "99999y"`)
}
