package sensors

// class is what a maker's word for an object is in ours: person for a human being, unknown for none, else the word in lower
// case. hidden says that the object is a part by which somebody is known, a face or a number plate: no decoder passes it on.
func (c *cursor) class(word []byte) (class string, hidden bool) {
	var low, letters [maxString]byte
	n := 0
	word = word[:min(len(word), maxString)]
	for i, b := range word {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		low[i] = b
		if b >= 'a' && b <= 'z' {
			letters[n] = b
			n++
		}
	}
	switch string(letters[:n]) {
	case "":
		if len(word) == 0 {
			return "unknown", false
		}
	case "person", "human", "humanbody", "people", "pedestrian":
		return "person", false
	case "face", "humanface", "licenseplate", "licenceplate", "numberplate":
		return "", true
	}
	return c.keep(low[:len(word)]), false
}
