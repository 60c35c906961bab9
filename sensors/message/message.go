// Package message holds the payloads of contract section 1 as plain structs: what a sensor, the vision worker, the
// simulator or an edge script publishes on magpie/v1/{store}/{kind}/{source}. It is pure data and imports the standard
// library only, so that anything that speaks to Magpie can use it. Judging a payload (what is missing, what is out of
// range) is the work of package sensors.
//
// Members are written in the order of the structs' fields, optional ones only when set. Marshal with [Encode].
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
	TS   Time    `json:"ts,omitzero"`
	Seq  *uint64 `json:"seq,omitempty"`
	Boot string  `json:"boot,omitempty"`
}

// RFID is a tag read, or with Reads several, each with its own time; one of the two is set.
type RFID struct {
	Head
	*Read
	Reads []TimedRead `json:"reads,omitempty"`
}

// Read is one answer of a tag: EPC and TID in hex, RSSI in dBm, Phase in radians, Channel in MHz.
type Read struct {
	EPC     string   `json:"epc"`
	Antenna int      `json:"antenna"`
	RSSI    float64  `json:"rssi"`
	Phase   *float64 `json:"phase,omitempty"`
	Channel *float64 `json:"channel,omitempty"`
	TID     string   `json:"tid,omitempty"`
}

// TimedRead is a Read inside RFID.Reads.
type TimedRead struct {
	TS Time `json:"ts,omitzero"`
	Read
}

// Weight is the absolute untared load on a plate in grams: one sample, or several at Rate hertz of which TS is the
// first's time. Mode "change" promises a message on each change of 5 g and every 10 s in place of at least 10 Hz.
type Weight struct {
	Head
	Rate  float64 `json:"rate,omitempty"`
	Grams Grams   `json:"grams"`
	Mode  string  `json:"mode,omitempty"`
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
	Frame  *[2]int  `json:"frame,omitempty"`
	Tracks Objects  `json:"tracks"`
	Lost   []string `json:"lost,omitempty"`
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
	Track   string       `json:"track"`
	Class   string       `json:"class"`
	Conf    float64      `json:"conf"`
	Box     [4]float64   `json:"box"`
	Floor   *[2]float64  `json:"floor,omitempty"`
	SD      *[2]float64  `json:"sd,omitempty"`
	Hands   [][3]float64 `json:"hands,omitempty"`
	Holding *float64     `json:"holding,omitempty"`
	Acts    []Act        `json:"acts,omitempty"`
}

// Act is something that a person seems to do, with its probability.
type Act struct {
	Name string  `json:"name"`
	P    float64 `json:"p"`
}

// Till is a step of a sale. Action is one of open, scan, void, refund, override, discount, no_sale, suspend, resume,
// assist, tender, close. Line is this line's id, Of the line that a void takes back, Receipt the sale that a refund
// belongs to. Qty is 1 when nil; Price is per unit after discount, Amount that of a tender, both in the store's currency.
type Till struct {
	Head
	Session string   `json:"session"`
	Action  string   `json:"action"`
	SKU     string   `json:"sku,omitempty"`
	EPC     string   `json:"epc,omitempty"`
	Line    string   `json:"line,omitempty"`
	Of      string   `json:"of,omitempty"`
	Receipt string   `json:"receipt,omitempty"`
	Qty     *float64 `json:"qty,omitempty"`
	Price   *float64 `json:"price,omitempty"`
	Amount  *float64 `json:"amount,omitempty"`
	Grams   *float64 `json:"grams,omitempty"`
	Cashier string   `json:"cashier,omitempty"`
}

// Region comes from a device that reports zones and no positions. Action is enter, exit or cross.
type Region struct {
	Head
	Object string   `json:"object"`
	Class  string   `json:"class"`
	Action string   `json:"action"`
	Zone   string   `json:"zone"`
	Conf   *float64 `json:"conf,omitempty"`
	Count  int      `json:"count,omitempty"` // of a device that counts and follows nothing; 0: one
}

// Gate is an anti-theft gate; Direction is in or out where the gate knows it.
type Gate struct {
	Head
	Alarm     bool   `json:"alarm"`
	Direction string `json:"direction,omitempty"`
}

// Count is a people counter: people since the last message (In and Out), or running totals.
type Count struct {
	Head
	In       *int64 `json:"in,omitempty"`
	Out      *int64 `json:"out,omitempty"`
	TotalIn  *int64 `json:"total_in,omitempty"`
	TotalOut *int64 `json:"total_out,omitempty"`
}

// Signal is anything that a device noticed by itself: Name is line, tamper, loiter, panic, input and so on.
type Signal struct {
	Head
	Name   string `json:"name"`
	State  *bool  `json:"state,omitempty"`
	Object string `json:"object,omitempty"`
}

// Stock says how many units of a SKU the store holds, after an inventory, delivery or transfer.
type Stock struct {
	Head
	SKU    string  `json:"sku"`
	Units  float64 `json:"units"`
	Reason string  `json:"reason,omitempty"`
}

// Status is a source's sign of life, published retained; State is online, offline or degraded. Every is the seconds
// between signs of life, 10 when zero.
type Status struct {
	Head
	State  string  `json:"state"`
	Detail string  `json:"detail,omitempty"`
	Every  float64 `json:"every,omitempty"`
	Model  string  `json:"model,omitempty"` // hash of the detector that a camera runs, for alerts
}
