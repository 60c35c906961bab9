package sim

import (
	"strings"
	"time"
	"unicode/utf8"

	"magpie/strict"
)

// grammar is every verb with what it takes, as errors show it.
var grammar = [...]struct{ verb, usage string }{
	{"walk", "walk P x,y > x,y > …"},
	{"pick", "pick P goods xN"},
	{"put", "put P goods xN"},
	{"give", "give P Q goods"},
	{"scan", "scan TILL SESSION sku"},
	{"till", "till TILL SESSION action k=v…"},
	{"rfid", "rfid READER EPC antenna=N rssi=DB[..DB..DB] xN"},
	{"weight", "weight SCALE -621g"},
	{"gate", "gate G alarm|clear in|out"},
	{"count", "count C in=N out=N"},
	{"region", "region SOURCE object class enter|exit|cross zone"},
	{"signal", "signal SOURCE name on|off"},
	{"stock", "stock SOURCE sku units"},
	{"send", "send KIND SOURCE {json}"},
	{"off", "off SOURCE"},
	{"on", "on SOURCE"},
}

// Parse reads a script: one statement a line, TIME[..TIME] VERB REST [+late], as contract section 4 lists them. Times are
// those of Go (17.5s, 1m30s, 250ms) since the start, at most 24h. A # at the start of a word begins a comment. The error
// is strict.Errors, everything wrong at once.
func Parse(text string) (*Script, error) {
	s := &Script{text: strings.ReplaceAll(text, "\r\n", "\n")}
	file := strict.NewFile("", []byte(s.text))
	for i, source := range file.Lines() {
		p := parser{file: file, before: len(file.Errors), source: source, rest: words(source), st: statement{line: i + 1}}
		if !utf8.ValidString(source) {
			p.fail(token{col: 1}, "the line is not UTF-8: save the file as UTF-8")
		} else if len(p.rest) > 0 {
			p.line()
		}
		if p.good() && p.st.verb.text != "" {
			s.statements = append(s.statements, p.st)
		}
	}
	if err := file.Errors.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// words splits a line at blanks, up to a comment.
func words(line string) []token {
	var all []token
	col, start, from := 0, 0, -1
	end := func(i int) bool { // reports whether a comment begins
		if from < 0 {
			return false
		}
		if line[from] == '#' {
			return true
		}
		all = append(all, token{line[from:i], start})
		from = -1
		return false
	}
	for i, r := range line {
		col++
		switch {
		case r == ' ' || r == '\t':
			if end(i) {
				return all
			}
		case from < 0:
			from, start = i, col
		}
	}
	end(len(line))
	return all
}

// parser reads one line.
type parser struct {
	file   *strict.File
	before int // errors of the lines before
	source string
	rest   []token
	st     statement
	usage  string
	short  bool // a word was missing: nothing that follows is looked for
}

func (p *parser) fail(at token, format string, args ...any) {
	p.file.FailAt(p.st.line, at.col, format, args...)
}

// good reports whether nothing is wrong with the line so far.
func (p *parser) good() bool { return len(p.file.Errors) == p.before }

// next takes a word; what says what it is for.
func (p *parser) next(what string) token {
	if len(p.rest) == 0 {
		if !p.short {
			end := utf8.RuneCountInString(strings.TrimRight(p.source, " \t")) + 1
			p.fail(token{col: end}, "%s is missing: %s", what, p.usage)
		}
		p.short = true
		return token{}
	}
	t := p.rest[0]
	p.rest = p.rest[1:]
	return t
}

func (p *parser) line() {
	p.usage = "TIME[..TIME] VERB …"
	when := p.next("a time")
	p.times(when)
	if p.st.verb = p.next("a verb"); p.short {
		return
	}
	p.usage = ""
	known := make([]string, len(grammar))
	for i, g := range grammar {
		known[i] = g.verb
		if g.verb == p.st.verb.text {
			p.usage = g.usage
		}
	}
	if p.usage == "" {
		p.fail(p.st.verb, "%q is not a verb; %s", p.st.verb.text, strict.Suggest(p.st.verb.text, known))
		return
	}
	if v := p.st.verb.text; p.st.to > p.st.from && v != "walk" && v != "rfid" {
		p.fail(when, "%s happens at one time, not over a span: %s %s", v, p.st.from, p.usage)
	}
	if p.st.verb.text != "send" { // its payload is taken as it stands
		p.late()
	}
	p.statement()
	if len(p.rest) > 0 && !p.short && p.good() {
		p.fail(p.rest[0], "%q is more than %s takes: %s", p.rest[0].text, p.st.verb.text, p.usage)
	}
}

// times reads TIME or TIME..TIME.
func (p *parser) times(t token) {
	from, to, span := strings.Cut(t.text, "..")
	p.st.from = p.time(token{from, t.col})
	p.st.to = p.st.from
	if span {
		at := token{to, t.col + utf8.RuneCountInString(from) + 2}
		if p.st.to = p.time(at); p.st.to < p.st.from && p.good() {
			p.fail(at, "the span ends at %s, before it begins at %s", p.st.to, p.st.from)
		}
	}
}

func (p *parser) time(t token) time.Duration {
	d, err := time.ParseDuration(t.text)
	switch {
	case err != nil:
		p.fail(t, "%q is not a time: write it with its unit, as 5s, 17.5s or 1m30s", t.text)
	case d < 0:
		p.fail(t, "%s is before the start: times count from 0s", t.text)
	case d > longest:
		p.fail(t, "%s is too long: a script lasts at most 24h", t.text)
	default:
		return d
	}
	return 0
}

// late takes +late from the end of the line.
func (p *parser) late() {
	if len(p.rest) == 0 || p.st.verb.text == "weight" && len(p.rest) <= 2 { // +621g is a step
		return
	}
	last := p.rest[len(p.rest)-1]
	if late, ok := strings.CutPrefix(last.text, "+"); ok {
		p.rest = p.rest[:len(p.rest)-1]
		p.st.late = p.time(token{late, last.col + 1})
	}
}
