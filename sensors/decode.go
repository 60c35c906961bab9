// Package sensors brings MQTT in: it subscribes and hands every message to the journal before it acknowledges it
// (Subscriber), decodes journalled messages to fusion.Message (Decoder), and offers a broker of its own (Broker).
package sensors

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"magpie/fusion"
	"magpie/sensors/message"
	"magpie/site"
)

// Bounds of contract section 1.
const (
	maxPayload = 256 << 10
	maxSeq     = 1<<53 - 1
	maxFuture  = int64(5 * time.Second)
	maxSpan    = int64(250 * time.Millisecond) // of an array of samples, where lateness is shorter
)

// ErrOwnTopic is what Decode says of Magpie's own topics (alert, rejected): such a line is passed over.
var ErrOwnTopic = errors.New("a topic of Magpie's own")

// Options are what a Decoder needs beside the store.
type Options struct {
	Foreign []site.Source // other makers' topics
	Cameras []site.Camera // place boxes without a floor point by their homography
	Cashier string        // what becomes of the cashier: off (also when empty), pseudonym or allowed
	Key     []byte        // of pseudonyms (cashiers, and the customers by whom a self-checkout log tells sales apart): without it, whoever knows the ids can find them
}

// Decoder turns journalled messages into what the core takes. It depends on nothing but its input: the same line gives
// the same message. It is not safe for use by several goroutines at once.
type Decoder struct {
	store    *fusion.Store
	o        Options
	foreign  []foreign
	topics   map[string]route // of sources that the store has: all of Magpie's own form, and others as they come
	antennas []map[int]int    // by source; nil: no reader
	cameras  []*site.Camera
	c        cursor
	m        draft          // the message in work
	events   []fusion.Event // room for those of Decode
	captures []string       // what the wildcards of its topic stand for
	grams    []float64      // its samples
	objects  []object       // its tracks
	lost     []string
	mac      hash.Hash // of pseudonyms; nil until one is needed
	room     []byte    // of pseudonyms
	env      *mapEnv   // of the expressions; nil until one is needed
	last     sequence
}

// route is where the messages of a topic belong.
type route struct {
	kind    fusion.Kind
	source  int
	foreign int // its entry of sources, counted from 1; 0: a topic of Magpie's own form
}

// maxTopics bounds the topics that are remembered: a filter with # can have any number.
const maxTopics = 1 << 12

// sequence is what a sender says of a message's place among its own.
type sequence struct {
	seq  integer
	boot string
}

// NewDecoder makes a Decoder for a store, which does not change from then on. The error lists every mapping that cannot be used.
func NewDecoder(store *fusion.Store, o Options) (*Decoder, error) {
	d := &Decoder{store: store, o: o, c: cursor{intern: map[string]string{}}, topics: map[string]route{},
		antennas: make([]map[int]int, len(store.Sources)), cameras: make([]*site.Camera, len(store.Sources))}
	for _, r := range store.Readers {
		if i := store.SourceIndex(r.ID); i >= 0 {
			d.antennas[i] = r.Antennas
		}
	}
	for i := range store.Sources {
		s := &store.Sources[i]
		for _, k := range [...]fusion.Kind{s.Kind, fusion.Status} {
			topic := message.Topic(store.ID, k.String(), s.ID)
			if in, kind, id, ok := message.SplitTopic(topic); ok && in == store.ID && kind == k.String() && id == s.ID {
				d.topics[topic] = route{k, i, 0}
			}
		}
	}
	for i := range o.Cameras {
		if n := store.SourceIndex(o.Cameras[i].ID); n >= 0 {
			d.cameras[n] = &o.Cameras[i]
		}
	}
	var err error
	d.foreign, err = newForeign(store, o.Foreign)
	return d, err
}

// draft is a message on its way: what all kinds share.
type draft struct {
	fusion.Message
	ts      message.Time // the outer one
	seq     integer
	boot    word
	state   fusion.Action // what it tells of the device itself; counts where it tells nothing else
	id      uint64        // of the identity that it names itself, the same when it is sent again in other bytes; 0: none
	topic   string
	entry   *site.Source // of a foreign topic
	made    *mapping     // of entry, where it has a map
	size    int          // of the payload
	private bool         // the payload can tell who somebody is
}

// Decode decodes one message as the journal has it. The error is ErrOwnTopic or a *Rejection.
func (d *Decoder) Decode(received int64, topic string, retain bool, payload []byte) (fusion.Message, error) {
	m := fusion.Message{Events: d.events}
	err := d.DecodeInto(&m, received, topic, retain, payload)
	d.events = m.Events[:0]
	m.Events = append([]fusion.Event(nil), m.Events...)
	return m, err
}

// DecodeInto is Decode for who is done with one message before the next comes: it writes into m, of which it uses the room for
// events again, and allocates nothing for what a decoder has seen before. Where there is an error, m is empty.
func (d *Decoder) DecodeInto(into *fusion.Message, received int64, topic string, retain bool, payload []byte) error {
	m := &d.m
	*m = draft{}
	m.Received, m.Retained, m.Events = received, retain, into.Events[:0]
	m.topic, m.size = topic, len(payload)
	var kind, source string
	var r *Rejection
	own := false
	if to, ok := d.topics[topic]; ok {
		m.Kind, m.Source = to.kind, to.source
		kind, source = to.kind.String(), d.store.Sources[to.source].ID
		read := (*Decoder).canonical
		if to.foreign > 0 {
			read = d.enter(m, to.foreign-1)
		}
		r = d.read(m, source, payload, read)
	} else {
		var read reader
		kind, source, read, r = d.route(m, payload)
		if own = r == nil && read == nil; r == nil && !own {
			r = d.decode(m, kind, source, payload, read)
		}
	}
	if own || r != nil {
		*into = fusion.Message{Events: m.Events[:0]}
		if own {
			return ErrOwnTopic
		}
		r.Topic, r.Kind, r.Source, r.Private = topic, level(kind), level(source), m.private
		return r
	}
	d.last = sequence{m.seq, m.boot.v}
	*into = m.Message
	return nil
}

// Sequence is seq and boot of the message that Decode took last; ok is false where it sent no seq.
func (d *Decoder) Sequence() (seq int64, boot string, ok bool) {
	return d.last.seq.v, d.last.boot, d.last.seq.set
}

const wantTopic = "a topic is magpie/v1/{store}/{kind}/{source}, and none of these has a / in it"

// reader reads a payload into the draft's events, for the draft's source and kind.
type reader func(d *Decoder, m *draft, payload []byte) *Rejection

// route finds who sent a message and how to read it; read is nil for a topic of our own.
func (d *Decoder) route(m *draft, payload []byte) (kind, source string, read reader, r *Rejection) {
	topic := m.topic
	if !strings.HasPrefix(topic, message.Prefix) {
		for i := range d.foreign {
			f := &d.foreign[i]
			captures, ok := match(d.captures[:0], f.filter, topic)
			d.captures = captures
			if ok {
				read, source = d.enter(m, i), d.source(f.id, captures, payload)
				d.remember(topic, source, i)
				return f.kind.String(), source, read, nil
			}
		}
		kind, source = unmapped(topic)
		if strings.HasPrefix(topic, "magpie/") {
			return kind, source, nil, &Rejection{Code: CodeUnknownKind, Reason: wantTopic}
		}
		return kind, source, nil, &Rejection{Code: CodeUnknownSource,
			Reason: "no entry of sources in the site file is for this topic: add one with a decoder or a map"}
	}
	store, kind, source, ok := message.SplitTopic(topic)
	switch {
	case !ok:
		kind, source = unmapped(topic)
		return kind, source, nil, &Rejection{Code: CodeUnknownKind, Reason: wantTopic}
	case ours(kind): // also another store's
		return kind, source, nil, nil
	case store != d.store.ID:
		return kind, source, nil, &Rejection{Code: CodeUnknownSource,
			Reason: fmt.Sprintf("the store in the topic is %q, this is %q", clip([]byte(store)), d.store.ID)}
	case strings.Contains(source, "/"):
		kind, source = unmapped(topic)
		return kind, source, nil, &Rejection{Code: CodeUnknownKind, Reason: wantTopic}
	}
	return kind, source, (*Decoder).canonical, nil
}

// enter takes the i-th entry of sources for a message.
func (d *Decoder) enter(m *draft, i int) reader {
	f := &d.foreign[i]
	m.entry, m.made, m.private = &d.o.Foreign[i], f.made, f.private
	return f.read
}

// remember notes the way of a topic whose messages all come from one source that the store has.
func (d *Decoder) remember(topic, source string, i int) {
	f, n := &d.foreign[i], d.store.SourceIndex(source)
	if n < 0 || f.kind != fusion.Status && f.kind != d.store.Sources[n].Kind || len(d.topics) >= maxTopics+2*len(d.store.Sources) ||
		slices.ContainsFunc(f.id, func(p idPart) bool { return p.member != nil }) {
		return
	}
	d.topics[strings.Clone(topic)] = route{f.kind, n, i + 1}
}

func (d *Decoder) decode(m *draft, kind, source string, payload []byte, read reader) *Rejection {
	k := slices.Index(fusion.Kinds[:], kind)
	m.Kind = fusion.Kind(k)
	if k < 0 {
		return &Rejection{Code: CodeUnknownKind, Reason: fmt.Sprintf("kind %q is none of %s", clip([]byte(kind)), strings.Join(fusion.Kinds[:], ", "))}
	}
	if m.Source = d.store.SourceIndex(source); m.Source < 0 {
		return &Rejection{Code: CodeUnknownSource, Reason: fmt.Sprintf("the site file has no source %q: add it, or correct the topic", clip([]byte(source)))}
	}
	if of := d.store.Sources[m.Source].Kind; of != m.Kind && m.Kind != fusion.Status {
		return &Rejection{Code: CodeUnknownSource, Reason: fmt.Sprintf("the site file has source %q as %s, not %s", source, of, kind)}
	}
	return d.read(m, source, payload, read)
}

// read reads a payload of the draft's source and kind.
func (d *Decoder) read(m *draft, source string, payload []byte, read reader) *Rejection {
	if len(payload) > maxPayload {
		return &Rejection{Code: CodeTooBig, Reason: fmt.Sprintf("the payload has %d bytes: at most %d are allowed, send it in parts", len(payload), maxPayload)}
	}
	if r := read(d, m, payload); r != nil {
		return r
	}
	if m.state != fusion.NoAction && len(m.Events) == 0 {
		m.Kind = fusion.Status
		d.add(m, m.ts, fusion.Event{Zone: -1, Action: m.state})
	}
	return d.finish(m, source, payload)
}

// canonical reads a payload in the contract's own form, in one pass over its bytes.
func (d *Decoder) canonical(m *draft, payload []byte) *Rejection {
	c, before := &d.c, len(m.Events) // it may be one of several payloads made of a message
	c.reset(payload)
	c.raw = true
	if c.peek() == '{' && d.kind(m) == nil && blank(c.text, c.at) == len(c.text) {
		return nil
	}
	m.ts, m.seq, m.boot, m.Clocked, m.Events = message.Time{}, integer{}, word{}, false, m.Events[:before]
	return d.careful(m, payload)
}

// careful reads what canonical did not take: it says what is wrong, or takes what nests deep.
func (d *Decoder) careful(m *draft, payload []byte) *Rejection {
	if r := valid(payload); r != nil {
		return r
	}
	c := &d.c
	c.reset(payload)
	if c.text[c.at] != '{' {
		r := c.wrong("an object")
		r.Code = CodeBadJSON
		return r
	}
	return d.kind(m)
}

// kind reads the object of a message of its kind.
func (d *Decoder) kind(m *draft) *Rejection {
	switch m.Kind {
	case fusion.RFID:
		return d.rfid(m)
	case fusion.Weight:
		return d.weight(m)
	case fusion.Tracks:
		return d.track(m)
	case fusion.TillKind:
		return d.till(m)
	case fusion.Region:
		return d.region(m)
	case fusion.Gate:
		return d.gate(m)
	case fusion.Count:
		return d.count(m)
	case fusion.Signal:
		return d.signal(m)
	case fusion.Stock:
		return d.stock(m)
	}
	return d.status(m)
}

// head reads a member that all kinds share.
func (d *Decoder) head(m *draft, name []byte) *Rejection {
	switch string(name) {
	case "ts":
		return d.c.time(&m.ts)
	case "seq":
		return d.c.integer(&m.seq, 0, maxSeq, "an integer from 0 to 2^53-1")
	case "boot":
		return d.c.word(&m.boot, "a string")
	}
	return nil
}

// one adds the event of a message that has one, at its ts.
func (d *Decoder) one(m *draft, e *fusion.Event) *Rejection {
	if m.ts.IsZero() && m.Kind != fusion.Status {
		return d.c.missing("ts", `give RFC 3339, milliseconds since 1970, or "arrival" where the device has no clock`)
	}
	d.add(m, m.ts, *e)
	return nil
}

// add adds an event at ts, which is the arrival where the device left it out.
func (d *Decoder) add(m *draft, ts message.Time, e fusion.Event) {
	e.TS = m.Received
	if ts.NS() != 0 {
		e.TS, m.Clocked = ts.NS(), true
	}
	m.Events = append(m.Events, e)
}

// finish fills in what every event of a message has, its identity, and holds its times to the guard.
func (d *Decoder) finish(m *draft, source string, payload []byte) *Rejection {
	hash := xxhash.Sum64(payload)
	m.TS = m.Received
	if m.ts.NS() != 0 {
		m.TS, m.Clocked = m.ts.NS(), true
	}
	newest := m.TS
	if len(m.Events) > 0 { // a read has its own time, whatever the message's
		m.TS = m.Events[0].TS
	}
	for i := range m.Events {
		e := &m.Events[i]
		e.Source, e.Kind, e.Hash = m.Source, m.Kind, mix(hash, i)
		m.TS, newest = min(m.TS, e.TS), max(newest, e.TS)
		if m.Kind == fusion.Weight {
			e.Name = m.boot.v
		}
	}
	if m.Retained && !m.Clocked && m.Kind != fusion.Status && len(m.Events) > 0 {
		return &Rejection{Code: CodeTooLate, Path: TimePath(m.topic),
			Reason: "a broker had kept it, and without a time nobody knows since when: publish only the status retained, or send ts"}
	}
	if newest > m.Received+maxFuture {
		late := time.Duration(newest - m.Received).Round(time.Millisecond)
		r := &Rejection{Code: CodeFuture, Path: TimePath(m.topic), Ahead: newest - m.Received,
			Reason: fmt.Sprintf("its time is %s, %v after its arrival: set the device's clock", message.At(newest), late)}
		if r.Path != "" {
			r.Reason = fmt.Sprintf("ts is %s, %v after its arrival: set the device's clock, or send \"arrival\"", message.At(newest), late)
		}
		return r
	}
	m.Ident = identity(m, source, hash)
	if m.Retained && m.Kind == fusion.Status { // it is so now, however long ago it began
		m.TS, m.Clocked = m.Received, false
		for i := range m.Events {
			m.Events[i].TS = m.TS
		}
	}
	if m.seq.set {
		m.Seq = uint64(m.seq.v) + 1
	}
	return nil
}

// identity is equal for duplicates: the same source, kind, boot, seq and ts, or without seq the same id of the message's
// own, or without that the same bytes. Where "arrival" stands for ts, the bytes stand for it (and fusion asks how long ago): a
// number that wraps or begins anew is no duplicate. On a foreign topic what it says may lie in the topic. The hash is quick and
// no secret: who makes two of his messages the same loses one of his own.
func identity(m *draft, source string, hash uint64) uint64 {
	if !m.seq.set && !m.Clocked {
		return 0
	}
	b := make([]byte, 0, 128)
	b = append(b, byte(m.Kind))
	b = append(append(b, source...), 0)
	if m.entry != nil && m.id == 0 {
		b = append(append(b, m.topic...), 0)
	}
	switch {
	case m.seq.set:
		b = append(append(b, m.boot.v...), 0)
		b = binary.BigEndian.AppendUint64(b, uint64(m.seq.v))
		if m.Clocked {
			hash = uint64(m.TS)
		}
		b = binary.BigEndian.AppendUint64(b, hash)
	case m.id != 0:
		b = binary.BigEndian.AppendUint64(append(b, 2), m.id)
	default:
		b = binary.BigEndian.AppendUint64(append(b, 1), hash)
	}
	return max(1, xxhash.Sum64(b))
}

// mix makes a message's hash that of its i-th reading (the finaliser of SplitMix64).
func mix(hash uint64, i int) uint64 {
	z := hash + uint64(i)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// cashier is what the site lets be known of a cashier.
func (d *Decoder) cashier(id string) string {
	switch d.o.Cashier {
	case "allowed":
		return id
	case "pseudonym":
		return d.pseudonym(id)
	}
	return ""
}

// pseudonym stands for the id of a person: always the same, and not to be read back without the key and the ids.
func (d *Decoder) pseudonym(id string) string {
	if d.mac == nil {
		d.mac = hmac.New(sha256.New, d.o.Key)
	}
	d.mac.Reset()
	d.room = append(append(append(d.room[:0], d.store.ID...), 0), id...)
	d.mac.Write(d.room)
	d.room = d.mac.Sum(d.room[:0])
	var short [16]byte
	hex.Encode(short[:], d.room[:8])
	return d.c.keep(short[:])
}

// hundredths rounds money half away from zero.
func hundredths(amount float64) int64 { return int64(math.Round(float64(amount * 100))) }
