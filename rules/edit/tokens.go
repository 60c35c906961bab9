package edit

import "strings"

// token is a word, a text or a sign of an expression, and the call in whose arguments it stands.
type token struct {
	kind     byte // w a word, " a text, else the sign itself
	from, to int  // bytes of the expression; of a text, with its quotes
	open     bool // a text without its end
	call     string
	arg      int // from 0
}

// tokens takes an expression apart, finished or not. call and arg at the end are those of what would follow.
func tokens(src string) (all []token, call string, arg int) {
	type level struct {
		call string
		arg  int
	}
	levels := []level{{}}
	for p := 0; p < len(src); {
		top := &levels[len(levels)-1]
		t := token{kind: src[p], from: p, call: top.call, arg: top.arg}
		p++
		switch c := t.kind; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			continue
		case letter(c):
			for t.kind = 'w'; p < len(src) && (letter(src[p]) || src[p] >= '0' && src[p] <= '9'); p++ {
			}
		case c == '"':
			for t.open = true; p < len(src) && t.open; p++ {
				switch src[p] {
				case '"':
					t.open = false
				case '\\':
					p++
				}
			}
			p = min(p, len(src))
		case c == '(':
			name := ""
			if n := len(all); n > 0 && all[n-1].kind == 'w' {
				name = src[all[n-1].from:all[n-1].to]
			}
			levels = append(levels, level{call: name})
		case c == ')' && len(levels) > 1:
			levels = levels[:len(levels)-1]
		case c == ',':
			top.arg++
		}
		t.to = p
		all = append(all, t)
	}
	top := levels[len(levels)-1]
	return all, top.call, top.arg
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// text is what stands between the quotes of a text.
func (t *token) text(src string) string { return strings.TrimSuffix(src[t.from+1:t.to], `"`) }
