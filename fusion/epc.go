package fusion

import (
	"strconv"
	"strings"
)

// A layout says how one value of an EPC's partition field splits the company prefix from the reference behind it: bits
// and decimal digits of each. GS1 EPC Tag Data Standard, §14.6.
type layout struct{ companyBits, companyDigits, refBits, refDigits int }

// The partition tables. A reference with no digits of its own (GIAI) has refDigits 0: its length is free.
var (
	sgtinParts  = [7]layout{{40, 12, 4, 1}, {37, 11, 7, 2}, {34, 10, 10, 3}, {30, 9, 14, 4}, {27, 8, 17, 5}, {24, 7, 20, 6}, {20, 6, 24, 7}}
	ssccParts   = [7]layout{{40, 12, 18, 5}, {37, 11, 21, 6}, {34, 10, 24, 7}, {30, 9, 28, 8}, {27, 8, 31, 9}, {24, 7, 34, 10}, {20, 6, 38, 11}}
	graiParts   = [7]layout{{40, 12, 4, 0}, {37, 11, 7, 1}, {34, 10, 10, 2}, {30, 9, 14, 3}, {27, 8, 17, 4}, {24, 7, 20, 5}, {20, 6, 24, 6}}
	giai96Parts = [7]layout{{40, 12, 42, 0}, {37, 11, 45, 0}, {34, 10, 48, 0}, {30, 9, 52, 0}, {27, 8, 55, 0}, {24, 7, 58, 0}, {20, 6, 62, 0}}
	giaiParts   = [7]layout{{40, 12, 148, 0}, {37, 11, 151, 0}, {34, 10, 154, 0}, {30, 9, 158, 0}, {27, 8, 161, 0}, {24, 7, 164, 0}, {20, 6, 168, 0}}
)

// A coding is one binary encoding of an EPC: header, filter (3 bits), partition (3 bits), company prefix, reference,
// serial. Text serials are 7 bits a character.
type coding struct {
	header     uint64
	name       string // as DecodeEPC returns it
	uri        string // of the pure identity
	bits       int
	parts      *[7]layout
	serialBits int
	text       bool // the serial (GIAI-202: the reference) is characters
}

var codings = [...]coding{
	{0x30, "sgtin-96", "sgtin", 96, &sgtinParts, 38, false},
	{0x31, "sscc-96", "sscc", 96, &ssccParts, 0, false},
	{0x33, "grai-96", "grai", 96, &graiParts, 38, false},
	{0x34, "giai-96", "giai", 96, &giai96Parts, 0, false},
	{0x36, "sgtin-198", "sgtin", 198, &sgtinParts, 140, true},
	{0x37, "grai-170", "grai", 170, &graiParts, 112, true},
	{0x38, "giai-202", "giai", 202, &giaiParts, 0, true},
}

// tagID is an EPC taken apart.
type tagID struct {
	coding  *coding
	filter  uint64
	company string
	ref     string
	serial  string
	number  uint64 // the serial as a number; 0 where it is not one
}

// DecodeEPC reads an EPC in hex, either case, as a tag holds it: 24 digits for the 96-bit schemes, and for the longer
// ones as many as hold their bits, up to the next whole 16-bit word. scheme is sgtin-96, sgtin-198, sscc-96, grai-96,
// grai-170, giai-96 or giai-202. gtin14 is set for SGTIN alone; serial where the serial is a number that fits. ok is
// false for anything that is no EPC of these schemes. Bits and digits: GS1 EPC Tag Data Standard, §14.
func DecodeEPC(hex string) (gtin14 string, serial uint64, scheme string, ok bool) {
	id, ok := parseEPC(hex)
	if !ok {
		return "", 0, "", false
	}
	if id.coding.uri == "sgtin" {
		// The indicator digit, first in the reference, leads the GTIN; the check digit ends it.
		gtin14 = id.ref[:1] + id.company + id.ref[1:]
		gtin14 += string(checkDigit(gtin14))
	}
	return gtin14, id.number, id.coding.name, true
}

// EPCURI returns the pure identity URI of an EPC in hex, such as urn:epc:id:giai:0614141.123, or "" for anything that
// DecodeEPC refuses. Staff badges are matched against it.
func EPCURI(hex string) string {
	id, ok := parseEPC(hex)
	if !ok {
		return ""
	}
	return "urn:epc:id:" + id.coding.uri + ":" + id.key()
}

// TagURI returns the URI of an EPC in hex as the tag holds it, filter and all: urn:epc:tag:sgtin-96:3.0614141.812345.6789.
// What DecodeEPC refuses is urn:epc:raw:96.xE280…; only what is no hex gives "". EPCHex takes it back.
func TagURI(hex string) string {
	if id, ok := parseEPC(hex); ok {
		return "urn:epc:tag:" + id.coding.name + ":" + strconv.FormatUint(id.filter, 10) + "." + id.key()
	}
	if hex == "" || strings.Trim(hex, "0123456789ABCDEFabcdef") != "" {
		return ""
	}
	return "urn:epc:raw:" + strconv.Itoa(4*len(hex)) + ".x" + strings.ToUpper(hex)
}

// key is the EPC's parts as URIs have them.
func (id *tagID) key() string {
	if id.coding.serialBits > 0 {
		return id.company + "." + id.ref + "." + id.serial
	}
	return id.company + "." + id.ref
}

func parseEPC(hex string) (tagID, bool) {
	b, ok := unhex(hex)
	if !ok {
		return tagID{}, false
	}
	var c *coding
	for i := range codings {
		if codings[i].header == b.uint(0, 8) {
			c = &codings[i]
		}
	}
	if c == nil || len(hex)*4 < c.bits || len(hex)*4 > (c.bits+15)/16*16 {
		return tagID{}, false
	}
	p := b.uint(11, 3)
	if p > 6 {
		return tagID{}, false
	}
	part := c.parts[p]
	at := 14
	company, ok := decimal(b.uint(at, part.companyBits), part.companyDigits)
	if !ok {
		return tagID{}, false
	}
	at += part.companyBits
	id := tagID{coding: c, filter: b.uint(8, 3), company: company}
	switch {
	case c.uri == "giai" && c.text:
		id.ref, ok = b.text(at, part.refBits/7*7)
	case c.uri == "giai":
		id.number = b.uint(at, part.refBits)
		id.ref = strconv.FormatUint(id.number, 10)
	default:
		n := b.uint(at, part.refBits)
		if part.refDigits > 0 || n > 0 {
			id.ref, ok = decimal(n, part.refDigits)
		}
	}
	if !ok {
		return tagID{}, false
	}
	at += part.refBits
	switch {
	case c.serialBits == 0:
		if c.uri == "sscc" {
			id.number, _ = strconv.ParseUint(id.ref, 10, 64)
		}
	case c.text:
		if id.serial, ok = b.text(at, c.serialBits); !ok {
			return tagID{}, false
		}
		// A number with leading zeros is another serial than the same number without.
		if n, err := strconv.ParseUint(id.serial, 10, 64); err == nil && strconv.FormatUint(n, 10) == id.serial {
			id.number = n
		}
	default:
		id.number = b.uint(at, c.serialBits)
		id.serial = strconv.FormatUint(id.number, 10)
	}
	return id, true
}

// bits is an EPC's binary form, the most significant bit of the first byte first.
type bits []byte

func unhex(s string) (bits, bool) {
	if len(s) < 24 || len(s) > 64 {
		return nil, false
	}
	b := make(bits, (len(s)+1)/2)
	for i := range len(s) {
		var d byte
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		default:
			return nil, false
		}
		b[i/2] |= d << (4 * uint(1-i%2))
	}
	return b, true
}

// uint reads n ≤ 64 bits from bit at; what lies behind the end reads as 0.
func (b bits) uint(at, n int) uint64 {
	var v uint64
	for i := at; i < at+n; i++ {
		v <<= 1
		if i/8 < len(b) {
			v |= uint64(b[i/8]>>(7-i%8)) & 1
		}
	}
	return v
}

// text reads characters of 7 bits until a zero, escaped as URIs write them. Nothing may stand behind the zero, and at
// least one character before it.
func (b bits) text(at, n int) (string, bool) {
	var s strings.Builder
	ended := false
	for i := at; i+7 <= at+n; i += 7 {
		c := byte(b.uint(i, 7))
		switch {
		case c == 0:
			ended = true
		case ended || !strings.ContainsRune(charset, rune(c)):
			return "", false
		case strings.IndexByte(`"%&/<>?`, c) >= 0:
			s.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c), 16)))
		default:
			s.WriteByte(c)
		}
	}
	return s.String(), s.Len() > 0
}

// charset is GS1's set of 82 characters that a serial may hold (GS1 General Specifications, figure 7.11-1).
const charset = `!"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz`

// decimal writes v with exactly the given digits, or reports that it has more.
func decimal(v uint64, digits int) (string, bool) {
	s := strconv.FormatUint(v, 10)
	if len(s) > digits {
		return "", false
	}
	return strings.Repeat("0", digits-len(s)) + s, true
}

// checkDigit of the digits before it (GS1 General Specifications, §7.9): weights 3 and 1 from the right.
func checkDigit(s string) byte {
	sum := 0
	for i := range len(s) {
		d := int(s[i] - '0')
		if (len(s)-i)%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}
