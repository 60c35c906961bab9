package sim

import (
	"strings"
	"time"
	"unicode/utf8"

	"magpie/strict"
)

// Verb is one verb of the notation: what it takes, as errors show it, what it does, and a line of it.
type Verb struct{ Name, Usage, Doc, Example string }

var grammar = [...]Verb{
	{"walk", "walk P x,y > x,y > …", "A person walks at a constant speed, seen by every camera that sees the point; between walks they stand and are seen, after the last one they are lost.",
		"0s..4s walk A 1,1 > 2,4.8 > 4,4.8"},
	{"pick", "pick P goods xN", "A person takes goods (a SKU, or one of a list) from their shelf; they must stand within a metre of it.", "6s pick A 012345678905 x2"},
	{"put", "put P goods xN", "A person puts goods back on their shelf.", "9s put A 012345678905"},
	{"give", "give P Q goods", "One person hands goods to another.", "18s give A B 012345678905"},
	{"scan", "scan TILL SESSION sku", "A till scans goods, at the price of the products table.", "27s scan sco-1 s1 012345678905"},
	{"till", "till TILL SESSION action k=v…", "A till says anything else: open, scan, void, refund, tender, close, …", "29s till sco-1 s1 void sku=012345678905 of=2"},
	{"rfid", "rfid READER EPC antenna=N rssi=DB[..DB..DB] xN", "A reader reads a tag, N times spread over the span.", "17s..20s rfid r-door 30340457980011110004CB2F antenna=1 rssi=-62..-46..-60 x20"},
	{"weight", "weight SCALE -621g", "With a sign, what lies on the scale changes by so much and stays; without one, it is one sample.", "5s weight g1 -621g"},
	{"gate", "gate G alarm|clear in|out", "A gate rings, or falls silent.", "19s gate eas-1 alarm out"},
	{"count", "count C in=N out=N", "A people counter counts.", "20s count c-1 in=1 out=0"},
	{"region", "region SOURCE object class enter|exit|cross zone", "A device that reports zones says that something came or went.", "8s region reg-1 o1 bag enter aisle-1"},
	{"signal", "signal SOURCE name on|off", "A device switches a signal on or off.", "32s signal sig-1 loiter on"},
	{"stock", "stock SOURCE sku units", "The stock of goods is said anew.", "0s stock erp-1 012345678905 24"},
	{"send", "send KIND SOURCE {json}", "Any payload of the contract; ts is added.", `25s send till sco-1 {"session":"s1","action":"open"}`},
	{"off", "off SOURCE", "A source falls silent.", "30s off cam-1"},
	{"on", "on SOURCE", "A source speaks again.", "60s on cam-1"},
}

// Verbs lists every verb of the notation.
func Verbs() []Verb { return grammar[:] }

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
		known[i] = g.Name
		if g.Name == p.st.verb.text {
			p.usage = g.Usage
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
