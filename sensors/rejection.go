package sensors

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"magpie/sensors/message"
)

// The codes of rejection, contract section 1. too_late is the core's to find.
const (
	CodeBadJSON        = "bad_json"
	CodeTooBig         = "too_big"
	CodeMissing        = "missing"
	CodeType           = "type"
	CodeRange          = "range"
	CodeUnknownKind    = "unknown_kind"
	CodeUnknownSource  = "unknown_source"
	CodeUnknownAntenna = "unknown_antenna"
	CodeFuture         = "future"
	CodeTooLate        = "too_late"
)

// Rejection says why a message cannot be used. It is the error of Decode, and what the sender reads on the rejected topic.
type Rejection struct {
	Code    string
	Reason  string // what is wrong, and what to do
	Path    string // of the member at fault in the payload, as a JSON pointer; empty: the whole message
	Topic   string // on which the message came
	Kind    string // of the message, or "unmapped"
	Source  string // its source, or for an unmapped topic a hash of it
	Private bool   // the payload can tell who somebody is (a name, a face, a number plate): it is not sent back
	Ahead   int64  // of code future: ns by which ts is after the arrival
}

// reject rejects a message for the member at path.
func reject(code, path, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Path: path, Reason: fmt.Sprintf(format, args...)}
}

// TimePath is where the payload of a message has its time: only a payload of our own surely calls it ts.
func TimePath(topic string) string {
	if _, _, _, ours := message.SplitTopic(topic); ours {
		return "/ts"
	}
	return ""
}

// Error implements error.
func (r *Rejection) Error() string {
	place := r.Topic
	if r.Path != "" {
		place += " at " + r.Path
	}
	return place + ": " + r.Code + ": " + r.Reason
}

// PublishTopic is where the rejection goes.
func (r *Rejection) PublishTopic(store string) string {
	return message.Topic(store, "rejected", r.Kind+"/"+r.Source)
}

// rejected is what is published.
type rejected struct {
	Code    string  `json:"code" schema:"enum=bad_json|too_big|missing|type|range|unknown_kind|unknown_source|unknown_antenna|future|too_late"`
	Reason  string  `json:"reason" schema:"plain" doc:"what is wrong, and what to do"`
	Path    string  `json:"path" schema:"plain" doc:"of the member at fault in the payload, as a JSON pointer; empty: the whole message"`
	Topic   string  `json:"topic" schema:"plain" doc:"on which the message came"`
	Payload *string `json:"payload,omitempty" schema:"plain" doc:"its first 4 KiB, where they are UTF-8"`
	Base64  []byte  `json:"payload_base64,omitempty" schema:"plain" doc:"else here"`
}

// maxQuoted is how much of a rejected payload is sent back.
const maxQuoted = 4 << 10

// Payload is what is published on PublishTopic: the rejection with the payload's first 4 KiB, where that may be sent back.
func (r *Rejection) Payload(payload []byte) []byte {
	cut := payload
	if len(cut) > maxQuoted {
		end := maxQuoted
		for end > maxQuoted-utf8.UTFMax && !utf8.RuneStart(payload[end]) {
			end-- // not through the middle of a character
		}
		cut = payload[:end]
	}
	out := rejected{Code: r.Code, Reason: r.Reason, Path: r.Path, Topic: r.Topic}
	switch {
	case r.Private:
	case utf8.Valid(cut):
		out.Payload = new(string(cut))
	default:
		out.Base64 = cut
	}
	b, err := message.Encode(out)
	if err != nil { // strings and bytes always encode
		return []byte(`{"code":` + quote(r.Code) + `}`)
	}
	return b
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// unmapped names a topic of which nobody said what it is, by a hash that is one level of a topic.
func unmapped(topic string) (kind, source string) {
	sum := sha256.Sum256([]byte(topic))
	return "unmapped", hex.EncodeToString(sum[:8])
}

// level makes text fit into one level of a topic that may be published.
func level(text string) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune("/+#", r) {
			return '_'
		}
		return r
	}, text)
	if len(text) > 128 {
		text = text[:128]
	}
	return strings.ToValidUTF8(text, "_")
}
