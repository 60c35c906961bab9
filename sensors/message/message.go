// Package message holds the payloads of contract section 1 as plain structs: what a sensor, the vision worker, the
// simulator or an edge script publishes on magpie/v1/{store}/{kind}/{source}. It is pure data and imports the standard
// library only, so that anything that speaks to Magpie can use it. Judging a payload (what is missing, what is out of
// range) is the work of package sensors.
//
// Members are written in the order of the structs' fields, optional ones only when set. Marshal with [Encode].
//
// The tags schema and doc are for the JSON Schemas that package sensors makes of these types: schema holds bounds (min, max),
// hex for a string of hex digits, length for the longest string (else 256), enum for its words, needed for what is no optional member though it may be left out here,
// number for an integer that may have a fraction, plain for a string without bounds, any for what nobody checks; doc is what a
// vendor should know.
package message

import (
	"bytes"
	"encoding/json"
	"strings"
)

// The kinds of message, which are also the topic level before the source.
const (
	KindRFID   = "rfid"
	KindWeight = "weight"
	KindTrack  = "track"
	KindTill   = "till"
	KindRegion = "region"
	KindGate   = "gate"
	KindCount  = "count"
	KindSignal = "signal"
	KindStock  = "stock"
	KindStatus = "status"
)

// Prefix begins every topic of Magpie.
const Prefix = "magpie/v1/"

// Topic is the topic on which source publishes messages of the given kind.
func Topic(store, kind, source string) string {
	return Prefix + store + "/" + kind + "/" + source
}

// SplitTopic takes a topic of Magpie apart. The source may itself hold slashes only on our own topics (alert,
// rejected); ok is false for a topic that is not of this form.
func SplitTopic(topic string) (store, kind, source string, ok bool) {
	rest, ok := strings.CutPrefix(topic, Prefix)
	if !ok {
		return "", "", "", false
	}
	store, rest, _ = strings.Cut(rest, "/")
	kind, source, ok = strings.Cut(rest, "/")
	return store, kind, source, ok && store != "" && kind != "" && source != ""
}

// Encode writes any message of this package as the contract shows it: members in order, no spaces, and characters such
// as < and & as they are.
func Encode(message any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(message); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Head is what messages of every kind have. TS is required but for status (and rfid with reads); Seq and Boot show gaps
// and restarts: Seq rises by one per source and kind and stays below 2^53, Boot is any string, new at each start.
type Head struct {
	TS   Time    `json:"ts,omitzero" doc:"when it was measured"`
	Seq  *uint64 `json:"seq,omitempty" schema:"min=0,max=9007199254740991" doc:"rises by one per source and kind: shows what is missing"`
	Boot string  `json:"boot,omitempty" doc:"any string, new at each start: shows restarts"`
}

// RFID is a tag read, or with Reads several, each with its own time; one of the two is set.
type RFID struct {
	Head
	*Read
	Reads []TimedRead `json:"reads,omitempty" doc:"many reads in one message; the outer ts may then be left out"`
}

// Read is one answer of a tag: EPC and TID in hex, RSSI in dBm, Phase in radians, Channel in MHz.
type Read struct {
	EPC     string   `json:"epc" schema:"hex,length=124" doc:"the tag's EPC in hex"`
	Antenna int      `json:"antenna" schema:"min=0,max=65536" doc:"number of the antenna, as in the site file"`
	RSSI    float64  `json:"rssi" schema:"min=-150,max=30" doc:"strength of the answer, dBm"`
	Phase   *float64 `json:"phase,omitempty" schema:"min=-7,max=7" doc:"radians"`
	Channel *float64 `json:"channel,omitempty" schema:"min=1,max=10000" doc:"MHz"`
	TID     string   `json:"tid,omitempty" schema:"hex" doc:"the chip's own number in hex"`
}

// TimedRead is a Read inside RFID.Reads.
type TimedRead struct {
	TS Time `json:"ts,omitzero" schema:"needed" doc:"when it was read"`
	Read
}

// Weight is the absolute untared load on a plate in grams: one sample, or several at Rate hertz of which TS is the
// first's time. Mode "change" promises a message on each change of 5 g and every 10 s in place of at least 10 Hz.
type Weight struct {
	Head
	Rate  float64 `json:"rate,omitempty" schema:"min=0.01,max=100000" doc:"samples a second, needed with more than one"`
	Grams Grams   `json:"grams" schema:"min=-1000000,max=1000000" doc:"absolute untared load; of an array ts is the first sample's"`
	Mode  string  `json:"mode,omitempty" schema:"enum=change" doc:"change: one message on a change of 5 g and every 10 s, not 10 a second"`
}

// Grams is written as a number when it holds one sample, else as an array.
type Grams []float64

// MarshalJSON implements json.Marshaler.
func (g Grams) MarshalJSON() ([]byte, error) {
	if len(g) == 1 {
		return json.Marshal(g[0])
	}
	return json.Marshal(append([]float64{}, g...))
}

// UnmarshalJSON takes a number or an array of numbers.
func (g *Grams) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]float64)(g))
	}
	var one float64
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*g = Grams{one}
	return nil
}

// Track is one camera frame: every object that is followed in it, and the tracks that ended. Frame is width and height
// in pixels.
type Track struct {
	Head
	Frame  *[2]int  `json:"frame,omitempty" schema:"number,min=1,max=100000" doc:"the picture's [width, height], px"`
	Tracks Objects  `json:"tracks" doc:"what the picture shows; empty where it shows nothing"`
	Lost   []string `json:"lost,omitempty" doc:"ids of tracks that ended"`
}

// Objects are the tracks of a frame; none is written as an empty array.
type Objects []Object

// MarshalJSON implements json.Marshaler.
func (o Objects) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]Object{}, o...))
}

// Object is one tracked object: Box is x, y, width, height in pixels; Floor a point on the floor plan and SD its standard
// deviation, both in metres; Hands are points x, y, z in metres; Holding is the probability that it carries something.
type Object struct {
	Track   string       `json:"track" doc:"stays the same from picture to picture; not used again for 24 h"`
	Class   string       `json:"class" doc:"what it is, such as person"`
	Conf    float64      `json:"conf" schema:"min=0,max=1" doc:"how sure the detector is"`
	Box     [4]float64   `json:"box" schema:"min=-1000000,max=1000000" doc:"[x, y, width, height], px; width and height are not negative"`
	Floor   *[2]float64  `json:"floor,omitempty" schema:"min=-100000,max=100000" doc:"[x, y] on the floor plan, m"`
	SD      *[2]float64  `json:"sd,omitempty" schema:"min=0,max=100000" doc:"standard deviation of floor, m"`
	Hands   [][3]float64 `json:"hands,omitempty" schema:"min=-100000,max=100000" doc:"[x, y, z] of each hand, m"`
	Holding *float64     `json:"holding,omitempty" schema:"min=0,max=1" doc:"probability that it carries something"`
	Acts    []Act        `json:"acts,omitempty" doc:"what the person seems to do"`
}

// Act is something that a person seems to do, with its probability.
type Act struct {
	Name string  `json:"name"`
	P    float64 `json:"p" schema:"min=0,max=1" doc:"how likely it is"`
}

// Till is a step of a sale. Action is one of open, scan, void, refund, override, discount, no_sale, suspend, resume,
// assist, tender, close. Line is this line's id, Of the line that a void takes back, Receipt the sale that a refund
// belongs to. Qty is 1 when nil; Price is per unit after discount, Amount that of a tender, both in the store's currency.
type Till struct {
	Head
	Session string   `json:"session" doc:"the sale's id, the same from open to close"`
	Action  string   `json:"action" doc:"open, scan, void, refund, override, discount, no_sale, suspend, resume, assist, tender, close; others are kept as other"`
	SKU     string   `json:"sku,omitempty" doc:"the article's number; a string, its zeros count"`
	EPC     string   `json:"epc,omitempty" schema:"hex,length=124" doc:"of the tag that was scanned"`
	Line    string   `json:"line,omitempty" doc:"this line's id"`
	Of      string   `json:"of,omitempty" doc:"the line that is voided"`
	Receipt string   `json:"receipt,omitempty" doc:"the sale that is refunded"`
	Qty     *float64 `json:"qty,omitempty" schema:"min=0,max=1000000" doc:"1 where left out"`
	Price   *float64 `json:"price,omitempty" schema:"min=-10000000,max=10000000" doc:"per unit after discount"`
	Amount  *float64 `json:"amount,omitempty" schema:"min=-10000000,max=10000000" doc:"of a tender"`
	Grams   *float64 `json:"grams,omitempty" schema:"min=-1000000,max=1000000" doc:"what the till's scale saw"`
	Cashier string   `json:"cashier,omitempty"`
}

// Region comes from a device that reports zones and no positions. Action is enter, exit or cross.
type Region struct {
	Head
	Object string   `json:"object" doc:"the device's id of what it saw"`
	Class  string   `json:"class" doc:"person, goods, tag, or a product"`
	Action string   `json:"action" schema:"enum=enter|exit|cross"`
	Zone   string   `json:"zone" doc:"a zone of the site file"`
	Conf   *float64 `json:"conf,omitempty" schema:"min=0,max=1" doc:"how sure the device is"`
	Count  int      `json:"count,omitempty" schema:"min=1,max=1000" doc:"how many, of a device that counts and follows nothing"` // 0: one
}

// Gate is an anti-theft gate; Direction is in or out where the gate knows it.
type Gate struct {
	Head
	Alarm     bool   `json:"alarm"`
	Direction string `json:"direction,omitempty" schema:"enum=in|out"`
}

// Count is a people counter: people since the last message (In and Out), or running totals.
type Count struct {
	Head
	In       *int64 `json:"in,omitempty" schema:"min=0,max=1000000" doc:"people who came in since the last message"`
	Out      *int64 `json:"out,omitempty" schema:"min=0,max=1000000" doc:"people who went out since the last message"`
	TotalIn  *int64 `json:"total_in,omitempty" schema:"min=0,max=9007199254740991" doc:"people who came in, running"`
	TotalOut *int64 `json:"total_out,omitempty" schema:"min=0,max=9007199254740991" doc:"people who went out, running"`
}

// Signal is anything that a device noticed by itself: Name is line, tamper, loiter, panic, input and so on.
type Signal struct {
	Head
	Name   string `json:"name" doc:"line, tamper, loiter, panic, input, …"`
	State  *bool  `json:"state,omitempty" doc:"true where left out"`
	Object string `json:"object,omitempty" doc:"the device's id of who or what did it"`
}

// Stock says how many units of a SKU the store holds, after an inventory, delivery or transfer.
type Stock struct {
	Head
	SKU    string  `json:"sku" doc:"the article's number"`
	Units  float64 `json:"units" schema:"min=0,max=1000000000" doc:"on hand in the store"`
	Reason string  `json:"reason,omitempty" doc:"delivery, transfer, damaged, admin; else a count"`
}

// Status is a source's sign of life, published retained; State is online, offline or degraded. Every is the seconds
// between signs of life, 10 when zero.
type Status struct {
	Head
	State  string  `json:"state" schema:"enum=online|offline|degraded"`
	Detail string  `json:"detail,omitempty" schema:"any" doc:"for people"`
	Every  float64 `json:"every,omitempty" schema:"min=0.1,max=86400" doc:"seconds between signs of life, 10 where left out"`
	Model  string  `json:"model,omitempty" doc:"hash of the detector that a camera runs, for alerts"`
}
