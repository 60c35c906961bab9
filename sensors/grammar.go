package sensors

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// grammatical reports whether text is surely JSON in UTF-8. It is several times as fast as json.Valid, which has the last word:
// what nests deeper than 64 is not sure.
func grammatical(text []byte) bool {
	i := past(text, blank(text, 0))
	return i >= 0 && blank(text, i) == len(text)
}

// past passes over a value of which nothing is known yet; -1 where it is not surely JSON in UTF-8.
func past(text []byte, i int) int {
	var objects uint64 // a bit for each level that the scan is in, the lowest the innermost: set for an object
	depth := 0
	for i < len(text) {
		switch b := text[i]; {
		case b == '"':
			i = quotes(text, i)
		case b == '-' || b >= '0' && b <= '9':
			i = digits(text, i)
		case b == '{' || b == '[':
			if depth == 64 {
				return -1
			}
			depth++
			objects <<= 1
			if b == '{' {
				objects |= 1
			}
			i = blank(text, i+1)
			if i < len(text) && text[i] == b+2 { // } and ] are each two behind
				break
			}
			if b == '{' {
				i = named(text, i)
			}
			if i < 0 {
				return -1
			}
			continue
		case b == 't':
			i = literal(text, i, "true")
		case b == 'f':
			i = literal(text, i, "false")
		case b == 'n':
			i = literal(text, i, "null")
		default:
			return -1
		}
		if i < 0 {
			return -1
		}
		if depth == 0 { // a value is behind us
			return i
		}
		for i = blank(text, i); i < len(text) && text[i] != ','; i = blank(text, i) {
			if end := byte(']') + byte(objects&1)*('}'-']'); text[i] != end {
				return -1
			}
			i++
			objects >>= 1
			if depth--; depth == 0 {
				return i
			}
		}
		if i = blank(text, i+1); objects&1 == 1 {
			if i = named(text, i); i < 0 {
				return -1
			}
		}
	}
	return -1
}

// literal passes over a word; -1 where it is another.
func literal(text []byte, i int, word string) int {
	if len(text)-i < len(word) || string(text[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// blank passes over white space.
func blank(text []byte, i int) int {
	for i < len(text) && text[i] <= ' ' && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// named passes over a member's name and its colon; -1 where they are not there.
func named(text []byte, i int) int {
	if i >= len(text) || text[i] != '"' {
		return -1
	}
	if i = quotes(text, i); i < 0 {
		return -1
	}
	if i = blank(text, i); i >= len(text) || text[i] != ':' {
		return -1
	}
	return blank(text, i+1)
}

// quotes passes over a string; -1 where it is none, or not UTF-8.
func quotes(text []byte, i int) int {
	for i = ordinary(text, i+1); i < len(text); i = ordinary(text, i) {
		switch b := text[i]; {
		case b == '"':
			return i + 1
		case b < ' ':
			return -1
		case b >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && size == 1 {
				return -1
			}
			i += size
		default: // a backslash
			if i++; i >= len(text) {
				return -1
			}
			switch text[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for n := i + 4; i < n; {
					if i++; i >= len(text) || !hexDigit(text[i]) {
						return -1
					}
				}
			default:
				return -1
			}
			i++
		}
	}
	return -1
}

// ordinary passes over the characters of a string that stand for themselves and are ASCII, eight at a time.
func ordinary(text []byte, i int) int {
	for ; i+8 <= len(text); i += 8 {
		if m := odd(binary.LittleEndian.Uint64(text[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(text) && text[i] >= ' ' && text[i] < utf8.RuneSelf && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// odd sets the highest bit of each of eight bytes that is a quote, a backslash, a control character or no ASCII. What a
// subtraction borrows can set bits of bytes that are none of these, but only behind one that is: the first is exact.
func odd(x uint64) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^'"'*each, x^'\\'*each
	return (x | (x-' '*each)&^x | (quote-each)&^quote | (backslash-each)&^backslash) & high
}

func hexDigit(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

// digits passes over a number; -1 where it is none.
func digits(text []byte, i int) int {
	if text[i] == '-' {
		i++
	}
	from := i
	if i = decimals(text, i); i == from || text[from] == '0' && i > from+1 {
		return -1
	}
	if i < len(text) && text[i] == '.' {
		from = i + 1
		if i = decimals(text, from); i == from {
			return -1
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		from = i + 1
		if from < len(text) && (text[from] == '+' || text[from] == '-') {
			from++
		}
		if i = decimals(text, from); i == from {
			return -1
		}
	}
	return i
}

func decimals(text []byte, i int) int {
	for i < len(text) && text[i]-'0' <= 9 {
		i++
	}
	return i
}
