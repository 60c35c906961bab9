package fusion

import (
	"strconv"
	"strings"
)

// EPCHex writes an EPC that is given as a URI in hex as a tag holds it, in capitals; ok is false for anything that no tag of
// the schemes of DecodeEPC holds. It takes
//
//   - pure identities, urn:epc:id:sgtin:0614141.812345.6789 (sgtin, sscc, grai, giai). They do not tell the filter of the
//     tag: 1, an item for sale, is taken for sgtin, else 0. A serial that is no number, or too large a one, makes the longer
//     encoding;
//   - tag URIs, urn:epc:tag:sgtin-96:3.0614141.812345.6789, and raw ones, urn:epc:raw:96.xE280…;
//   - GS1 Digital Links with a serial, https://id.gs1.org/01/80614141123458/21/6789 of any domain (AI 01 with 21, 00, 8003,
//     8004). They do not tell where the company prefix ends: seven digits are taken. The GTIN is right all the same, but
//     the hex may not be that of the tag itself.
func EPCHex(uri string) (hex string, ok bool) {
	if rest, is := strings.CutPrefix(uri, "urn:epc:id:"); is {
		scheme, key, _ := strings.Cut(rest, ":")
		return encode(scheme, "", filterOf(scheme), key)
	}
	if rest, is := strings.CutPrefix(uri, "urn:epc:tag:"); is {
		coding, key, _ := strings.Cut(rest, ":")
		scheme, _, _ := strings.Cut(coding, "-")
		filter, key, _ := strings.Cut(key, ".")
		if len(filter) != 1 || filter[0] < '0' || filter[0] > '7' {
			return "", false
		}
		return encode(scheme, coding, uint64(filter[0]-'0'), key)
	}
	if rest, is := strings.CutPrefix(uri, "urn:epc:raw:"); is {
		return rawHex(rest)
	}
	return linkHex(uri)
}

// EPCClass is the GTIN-14 that a URI names a class of goods by: urn:epc:idpat:sgtin:0614141.112345.*,
// urn:epc:class:lgtin:0614141.112345.lot, or a GS1 Digital Link with AI 01 and no serial.
func EPCClass(uri string) (gtin14 string, ok bool) {
	for _, prefix := range []string{"urn:epc:idpat:sgtin:", "urn:epc:class:lgtin:"} {
		if rest, is := strings.CutPrefix(uri, prefix); is {
			company, rest, _ := strings.Cut(rest, ".")
			ref, lot, _ := strings.Cut(rest, ".")
			if lot == "" || len(company)+len(ref) != 13 || len(company) < 6 || len(ref) < 1 || !digits(company) || !digits(ref) {
				return "", false
			}
			gtin14 = ref[:1] + company + ref[1:]
			return gtin14 + string(checkDigit(gtin14)), true
		}
	}
	ai, key, serial := link(uri)
	if ai != "01" || serial != "" {
		return "", false
	}
	return gtin(key)
}

// filterOf is the filter value that a pure identity's tag is taken to have.
func filterOf(scheme string) uint64 {
	if scheme == "sgtin" {
		return 1 // point of sale item, Tag Data Standard, table 10-1
	}
	return 0
}

// rawHex reads 96.xE280….
func rawHex(s string) (string, bool) {
	bits, x, _ := strings.Cut(s, ".")
	hex, is := strings.CutPrefix(x, "x")
	if n, err := strconv.Atoi(bits); !is || err != nil || n != 4*len(hex) || hex == "" || strings.Trim(hex, "0123456789ABCDEFabcdef") != "" {
		return "", false
	}
	return strings.ToUpper(hex), true
}

// linkCompany is how many digits of a Digital Link are taken for the company prefix.
const linkCompany = 7

func linkHex(uri string) (string, bool) {
	ai, key, serial := link(uri)
	switch ai {
	case "01":
		if gtin14, ok := gtin(key); ok && serial != "" {
			return encode("sgtin", "", 1, gtin14[1:1+linkCompany]+"."+gtin14[:1]+gtin14[1+linkCompany:13]+"."+serial)
		}
	case "00":
		if len(key) == 18 && digits(key) && checkDigit(key[:17]) == key[17] {
			return encode("sscc", "", 0, key[1:1+linkCompany]+"."+key[:1]+key[1+linkCompany:17])
		}
	case "8003":
		if len(key) > 14 && key[0] == '0' && digits(key[:14]) && checkDigit(key[:13]) == key[13] {
			return encode("grai", "", 0, key[1:1+linkCompany]+"."+key[1+linkCompany:13]+"."+key[14:])
		}
	case "8004":
		if len(key) > linkCompany {
			return encode("giai", "", 0, key[:linkCompany]+"."+key[linkCompany:])
		}
	}
	return "", false
}

// link takes a GS1 Digital Link apart: the application identifier of its key, the key, and the serial of AI 21.
func link(uri string) (ai, key, serial string) {
	_, path, ok := strings.Cut(uri, "://")
	if !ok || !strings.HasPrefix(uri, "http") {
		return "", "", ""
	}
	_, path, _ = strings.Cut(path, "/")
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	for path != "" {
		var name string
		name, path, _ = strings.Cut(path, "/")
		switch {
		case ai == "" && (name == "01" || name == "00" || name == "8003" || name == "8004"):
			ai = name
			key, path, _ = strings.Cut(path, "/")
		case ai != "" && name == "21":
			serial, path, _ = strings.Cut(path, "/")
		case ai != "":
			_, path, _ = strings.Cut(path, "/") // another qualifier with its value
		}
	}
	return ai, key, serial
}

// gtin pads a GTIN-8, -12, -13 or -14 whose check digit is right.
func gtin(s string) (string, bool) {
	if n := len(s); n != 8 && n != 12 && n != 13 && n != 14 || !digits(s) || checkDigit(s[:len(s)-1]) != s[len(s)-1] {
		return "", false
	}
	return GTIN14(s), true
}

// encode writes an EPC's binary form; key is company.reference or company.reference.serial, coding a name of codings or
// empty for the shortest that holds it.
func encode(scheme, coding string, filter uint64, key string) (string, bool) {
	for i := range codings {
		c := &codings[i]
		if c.uri == scheme && (coding == "" || c.name == coding) {
			if hex, ok := c.encode(filter, key); ok {
				return hex, true
			}
		}
	}
	return "", false
}

func (c *coding) encode(filter uint64, key string) (string, bool) {
	company, rest, _ := strings.Cut(key, ".")
	ref, serial := rest, ""
	if c.serialBits > 0 {
		ref, serial, _ = strings.Cut(rest, ".")
	}
	p := 12 - len(company)
	if p < 0 || p > 6 || !digits(company) {
		return "", false
	}
	part := c.parts[p]
	var room [32]byte
	b := bits(room[:(c.bits+15)/16*2])
	b.put(0, 8, c.header)
	b.put(8, 3, filter)
	b.put(11, 3, uint64(p))
	n, _ := strconv.ParseUint(company, 10, 64)
	b.put(14, part.companyBits, n)
	at := 14 + part.companyBits
	ok := true
	switch {
	case c.uri == "giai" && c.text:
		ok = b.putText(at, part.refBits/7*7, ref)
	case c.uri == "giai":
		ok = b.putNumber(at, part.refBits, ref)
	case len(ref) != part.refDigits || !digits(ref):
		ok = false
	case ref != "":
		n, _ := strconv.ParseUint(ref, 10, 64)
		b.put(at, part.refBits, n)
	}
	at += part.refBits
	switch {
	case c.serialBits == 0 || !ok:
	case c.text:
		ok = b.putText(at, c.serialBits, serial)
	default:
		ok = b.putNumber(at, c.serialBits, serial)
	}
	if !ok {
		return "", false
	}
	const capitals = "0123456789ABCDEF"
	var hex [2 * len(room)]byte
	for i, x := range b {
		hex[2*i], hex[2*i+1] = capitals[x>>4], capitals[x&15]
	}
	return string(hex[:2*len(b)]), true
}

// put writes the n low bits of v at a bit.
func (b bits) put(at, n int, v uint64) {
	for i := range n {
		if v>>(n-1-i)&1 == 1 {
			b[(at+i)/8] |= 1 << (7 - (at+i)%8)
		}
	}
}

// putNumber writes a number that has no zeros before it and fits.
func (b bits) putNumber(at, n int, s string) bool {
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil || !digits(s) || len(s) > 1 && s[0] == '0' || n < 64 && v>>n != 0 {
		return false
	}
	b.put(at, n, v)
	return true
}

// putText writes characters of 7 bits, taking back what URIs escape.
func (b bits) putText(at, n int, s string) bool {
	end := at + n
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return false
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return false
			}
			c, i = byte(v), i+2
		}
		if at+7 > end || strings.IndexByte(charset, c) < 0 {
			return false
		}
		b.put(at, 7, uint64(c))
		at += 7
	}
	return s != ""
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
