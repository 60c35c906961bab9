package dashboard

import (
	"fmt"
	"time"
)

// The store and the alert of the contract's example, for the tests of the page.

var exampleSite = Site{Store: "s042", Currency: "GBP", Timezone: "Europe/London", Zones: []Zone{
	{"in-1", "entrance", [][2]float64{{0, 0}, {3, 0}, {3, 2}, {0, 2}}},
	{"aisle-1", "aisle", [][2]float64{{0, 2}, {8, 2}, {8, 5}, {0, 5}}},
	{"till-1", "checkout", [][2]float64{{5, 0}, {8, 0}, {8, 2}, {5, 2}}},
	{"door", "exit", [][2]float64{{3, 0}, {5, 0}, {5, 1}, {3, 1}}},
}}

var exampleStart = time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)

func at(seconds float64) string {
	return exampleStart.Add(time.Duration(seconds * float64(time.Second))).Format("2006-01-02T15:04:05.000Z")
}

func fact(source string, seconds float64) string {
	return fmt.Sprintf("%q", fmt.Sprintf("%s@%d", source, exampleStart.Add(time.Duration(seconds*float64(time.Second))).UnixMilli()))
}

func exampleAlert(rev int, state string) string {
	return alertLine("alr_5f0c1b7a99d2e431", rev, state, "staff", "door: 1 × Taco sauce not paid?")
}

func alertLine(id string, rev int, state, tier, message string) string {
	return fmt.Sprintf(`{"id":%q,"event_id":%q,"rev":%d,"final":1,"state":%q,"type":"potential_theft","store":"s042",`+
		`"subject":{"kind":"visit","id":"v_77d01c5e2a90b6f3"},"tracks":["cam-1/17"],"person":{"p":0.94,"others":["v_0a0b0c0d0e0f1011"],"is_staff":0.01},`+
		`"policies":[{"policy":"unpaid-exit","hash":"sha256:61b1","score":0.8693}],"score":0.8693,"tier":%q,"capped_by":null,`+
		`"event_time":%q,"at":%q,"raised_at":%q,"expires_at":%q,"zone":"door","position":[4,0.5],"seen_last":{"zone":"door","at":%q},"transaction":null,`+
		`"items":[{"sku":"071142008582","epc":null,"count":1,"p_unpaid":0.93,"value":1.99}],"value":1.85,"objects":["person","bottle"],`+
		`"evidence":[{"name":"goods not paid for","group":"basket","logodds":6.217,"quality":0.93,"at":%q,"events":[%s,%s]},`+
		`{"name":"tag moved through the gate","group":"rfid","logodds":1.957,"quality":0.85,"at":%q,"events":[%s,%s]},`+
		`{"name":"one of us","logodds":-0.067,"quality":0.01,"at":%q,"events":[]}],"missing":["till coverage"],`+
		`"message":%q,"action":"offer help","why":"Took 1 × Taco sauce from g1-s5-p11 at 22:30:05, passed no till, and left by the door with it at 22:30:19.",`+
		`"site_hash":"sha256:0a1b2c3d4e5f","model_hash":null}`,
		id, id, rev, state, tier, at(19.4), at(19.4+float64(rev)*3), at(20), at(199.4), at(19.4),
		at(19.4), fact("cam-1", 19.4), fact("g1-s5-p11", 5.1), at(19.2), fact("r-door", 19.2), fact("r-door", 17.5), at(19.4), message)
}
