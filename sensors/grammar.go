package sensors

// grammatical reports whether text is surely JSON. It is several times as fast as json.Valid, which has the last word: what
// nests deeper than 64 is not sure.
func grammatical(text []byte) bool {
	var objects uint64 // a bit for each level that the scan is in, the lowest the innermost: set for an object
	depth, i := 0, blank(text, 0)
	for i < len(text) {
		switch b := text[i]; {
		case b == '"':
			i = quotes(text, i)
		case b == '-' || b >= '0' && b <= '9':
			i = digits(text, i)
		case b == '{' || b == '[':
			if depth == 64 {
				return false
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
				return false
			}
			continue
		case b == 't' && len(text) >= i+4 && string(text[i:i+4]) == "true", b == 'n' && len(text) >= i+4 && string(text[i:i+4]) == "null":
			i += 4
		case b == 'f' && len(text) >= i+5 && string(text[i:i+5]) == "false":
			i += 5
		default:
			return false
		}
		if i < 0 {
			return false
		}
		for i = blank(text, i); depth > 0 && i < len(text) && text[i] != ','; i = blank(text, i+1) { // a value is behind us
			if end := byte(']') + byte(objects&1)*('}'-']'); text[i] != end {
				return false
			}
			depth--
			objects >>= 1
		}
		switch {
		case i == len(text):
			return depth == 0
		case depth == 0:
			return false
		}
		if i = blank(text, i+1); objects&1 == 1 {
			if i = named(text, i); i < 0 {
				return false
			}
		}
	}
	return false
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

// quotes passes over a string; -1 where it is none.
func quotes(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch b := text[i]; {
		case b == '"':
			return i + 1
		case b < ' ':
			return -1
		case b == '\\':
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
		}
	}
	return -1
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
