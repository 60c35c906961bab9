package edit

import (
	"fmt"
	"slices"
	"strings"

	"magpie/fusion"
	"magpie/rules"
	"magpie/sim"
)

// Kind is what an item of a completion is.
type Kind int

// The kinds.
const (
	Member Kind = iota
	Function
	Name // of a macro, param, list, policy
	Value
	Operator
)

// Item is one thing that may stand at a place.
type Item struct {
	Label, Detail, Doc string
	Insert             string // in the place of the bytes From to To
	From, To           int
	Kind               Kind
}

// most bounds how many goods a completion lists.
const most = 500

// Complete lists what may stand at a byte of a file.
func (f *Folder) Complete(file string, at int) []Item {
	text := f.Texts[file]
	if at < 0 || at > len(text) {
		return nil
	}
	o := scan(text[:at])
	c := &completer{Folder: f, file: file, text: text, o: o, at: at, from: min(o.here.from, at)}
	if v := o.here.value; v >= 0 {
		m, ok := memberAt(members(file), o.path(v))
		if !ok {
			return nil
		}
		c.value(&m, v)
	} else if m, ok := memberAt(members(file), o.path(o.here.parent)); ok && o.here.quote == 0 {
		c.keys(&m, o.here.parent)
	}
	return c.items
}

// completer collects the items for one place.
type completer struct {
	*Folder
	file, text string
	o          *outline
	at, from   int // what is inserted stands in the place of text[from:at]
	items      []Item
}

func (c *completer) add(k Kind, label, insert, detail, doc string) {
	c.items = append(c.items, Item{Label: label, Detail: detail, Doc: doc, Insert: insert, From: c.from, To: c.at, Kind: k})
}

// words adds words that stand as they are.
func (c *completer) words(words []rules.Word) {
	for _, w := range words {
		c.add(Value, w.Name, w.Name, w.Doc, "")
	}
}

// keys adds the members that are not there yet.
func (c *completer) keys(m *rules.Member, parent int) {
	of := m.Of
	if m.Form == rules.Free && m.Name == "groups" {
		for _, g := range scalars(scan(c.text), "group") {
			c.add(Member, g, g+": ", "a group of the evidence", "")
		}
	}
	if m.Form != rules.Mapping {
		return
	}
	whole, there := scan(c.text), map[string]bool{}
	for _, n := range whole.children(parent) {
		if whole.nodes[n].from != c.from {
			there[whole.nodes[n].key] = true
		}
	}
	for i := range of {
		if there[of[i].Name] || slices.ContainsFunc(of[i].Instead, func(s string) bool { return there[s] }) {
			continue
		}
		insert := of[i].Name + ": "
		if strings.HasPrefix(strings.TrimLeft(c.text[c.at:], "abcdefghijklmnopqrstuvwxyz_"), ":") {
			insert = of[i].Name
		}
		c.add(Member, of[i].Name, insert, of[i].Form.String(), memberDoc(&of[i]))
	}
}

// value adds what a member may hold.
func (c *completer) value(m *rules.Member, n int) {
	switch {
	case m.Form.Expression():
		c.expression()
		return
	case m.Form == rules.Mapping && c.o.nodes[n].item && c.o.here.quote == 0: // the first member of an item
		c.keys(m, n)
		return
	case m.Form == rules.Script:
		c.script()
		return
	}
	switch m.Form {
	case rules.OneWord:
		c.words(m.Words)
	case rules.Flag:
		c.words([]rules.Word{{Name: "true"}, {Name: "false"}})
	case rules.Cost:
		c.words([]rules.Word{{Name: "cost", Doc: "follows from the value at risk"}})
	case rules.Moment:
		c.words([]rules.Word{{Name: "end", Doc: "the end of the recording"}})
	case rules.Duration:
		c.words(windows)
	case rules.Needed:
		if i := strings.LastIndexByte(c.text[c.from:c.at], '@'); i >= 0 {
			c.from += i + 1
			c.words(c.zoneWords())
			return
		}
		c.words(rules.ModalityWords)
	case rules.SKU, rules.Items:
		c.products(c.o.here.quote == 0)
	case rules.Text, rules.OneOrMore, rules.ID:
		c.texts(m, n)
	}
}

// windows are durations to begin with.
var windows = []rules.Word{{Name: "10s"}, {Name: "30s"}, {Name: "1m"}, {Name: "5m"}, {Name: "10m"}, {Name: "1h"}, {Name: "12h"}}

// texts adds texts that are known, by the member that holds them.
func (c *completer) texts(m *rules.Member, n int) {
	path := c.o.path(n)
	key := m.Name
	for i := len(path) - 1; i >= 0 && key == ""; i-- {
		key = path[i]
	}
	switch {
	case key == "group":
		for _, g := range scalars(scan(c.text), "group") {
			c.add(Name, g, g, "a group of the evidence", "")
		}
	case key == "message":
		in := c.text[c.from:c.at]
		i := strings.LastIndex(in, "{{")
		if i < 0 || strings.Contains(in[i:], "}}") {
			return
		}
		c.from = c.at - len(strings.TrimLeft(in[i+2:], " "))
		c.words(rules.MessageWords)
	case (key == "policy" || key == "live") && members(c.file)[0].Name == "site":
		for _, p := range c.policies() {
			c.add(Name, p.name, p.name, p.text, "")
		}
	case key == "evidence":
		for _, p := range c.policies() {
			o := scan(c.Texts[p.at.File])
			for _, e := range o.children(o.find("evidence")) {
				for _, k := range o.children(e) {
					if o.nodes[k].key == "name" {
						c.add(Name, o.scalar(k), o.scalar(k), p.name, "")
					}
				}
			}
		}
	case key == "to" || slices.Contains(path, "to"):
		for _, name := range c.Outputs {
			c.add(Name, name, name, "an output of the site", "")
		}
	case (key == "category" || key == "style") && c.Store != nil:
		seen := map[string]bool{"": true}
		for i := range c.Store.Products {
			word := c.Store.Products[i].Category
			if key == "style" {
				word = c.Store.Products[i].Style
			}
			if !seen[word] {
				seen[word] = true
				c.add(Value, word, word, key, "")
			}
		}
	case key == "person" || key == "staff":
		for _, p := range c.people() {
			c.add(Name, p, p, "a person of the events", "")
		}
	}
}

// people are those who walk in the events of a test file.
func (c *completer) people() (all []string) {
	for line := range strings.Lines(c.text) {
		if w := strings.Fields(line); len(w) > 2 && w[1] == "walk" && !slices.Contains(all, w[2]) {
			all = append(all, w[2])
		}
	}
	return all
}

func (c *completer) products(quotes bool) {
	if c.Store == nil {
		return
	}
	for i := range c.Store.Products {
		if i == most {
			return
		}
		p := &c.Store.Products[i]
		insert := p.Written
		if quotes {
			insert = `"` + insert + `"`
		}
		c.add(Value, p.Written, insert, p.Name, productDoc(c.Store, p))
	}
}

func (c *completer) zoneWords() []rules.Word {
	words := slices.Clone(rules.ZoneWords)
	for i := range words {
		if ids := c.zonesOf(words[i].Name); c.Store != nil {
			words[i].Doc += ": " + ids
		}
	}
	return words
}

// zonesOf names the zones of a kind.
func (f *Folder) zonesOf(kind string) string {
	var ids []string
	if f.Store != nil {
		for z, is := range f.Store.Kind(fusion.ZoneKind(slices.Index(fusion.ZoneKinds[:], kind))) {
			if is {
				ids = append(ids, f.Store.Zones[z].ID)
			}
		}
	}
	if len(ids) == 0 {
		return "the site has none"
	}
	return strings.Join(ids, ", ")
}

// expression adds what may stand at the end of an expression that is being written.
func (c *completer) expression() {
	src := c.text[c.from:c.at]
	all, call, arg := tokens(src)
	start := c.from
	c.from = c.at
	quoted, before := false, ""
	if n := len(all); n > 0 {
		switch t := all[n-1]; {
		case t.kind == 'w' && t.to == len(src):
			c.from = start + t.from
		case t.open:
			c.from, quoted, before = start+t.from+1, true, src[t.from+1:]
		case t.kind == '"' && t.to == len(src):
			return // behind a text
		}
	}
	f, known := function(call)
	if known && len(f.Arguments) > 0 {
		for _, a := range arguments(&f, arg) {
			c.argument(&a, quoted, before)
		}
		if quoted || !slices.ContainsFunc(arguments(&f, arg), func(a rules.Argument) bool { return a.Name == "number" }) {
			return
		}
	}
	if quoted {
		return
	}
	for _, f := range rules.Functions() {
		c.call(&f)
	}
	for _, d := range c.macros() {
		c.add(Name, d.name, d.name, "macro", code(d.text))
	}
	for _, d := range c.params(c.file) {
		c.add(Name, d.name, d.name, "param, "+d.text, "")
	}
	for _, w := range rules.OperatorWords {
		c.add(Operator, w.Name, w.Name, w.Doc, "")
	}
}

// call adds a call of a function.
func (c *completer) call(f *rules.Function) {
	insert := f.Name + "("
	switch {
	case strings.HasPrefix(c.text[c.at:], "("):
		insert = f.Name
	case len(f.Arguments) == 0:
		insert = f.Name + "()"
	}
	c.add(Function, f.Usage, insert, f.Result, functionDoc(f))
}

// argument adds what an argument may be; before is what is there of a text that is begun.
func (c *completer) argument(a *rules.Argument, quoted bool, before string) {
	put := func(k Kind, word, detail, doc string) {
		insert := word
		if !quoted {
			insert = `"` + word + `"`
		}
		c.add(k, word, insert, detail, doc)
	}
	of := func(words []rules.Word) {
		for _, w := range words {
			put(Value, w.Name, w.Doc, "")
		}
	}
	switch a.Name {
	case "event":
		for _, f := range rules.Functions() {
			if f.Event && !quoted {
				c.call(&f)
			}
		}
	case "place":
		of(c.zoneWords())
		if c.Store != nil {
			for _, z := range c.Store.Zones {
				put(Value, "id:"+z.ID, "this one "+z.Kind.String()+" of this store", "")
			}
		}
	case `"A > B > C"`:
		if i := strings.LastIndexByte(before, '>'); i >= 0 {
			c.from += len(before) - len(strings.TrimLeft(before[i+1:], " "))
		}
		of(c.zoneWords())
	case "goods":
		put(Value, "any", "all goods", "")
		for _, d := range c.lists() {
			put(Name, d.name, "list "+d.text, "")
		}
		for i := 0; c.Store != nil && i < min(most, len(c.Store.Products)); i++ {
			p := &c.Store.Products[i]
			put(Value, p.Written, p.Name, productDoc(c.Store, p))
		}
	case "window":
		of(windows)
	case "policy":
		for _, p := range c.policies() {
			put(Name, p.name, p.text, "")
		}
	case "class":
		of([]rules.Word{{Name: "person"}, {Name: "bag"}, {Name: "cart"}})
	case "number":
	default:
		of(a.Words)
	}
}

// script adds what may stand in a line of events.
func (c *completer) script() {
	line := c.text[strings.LastIndexByte(c.text[:c.at], '\n')+1 : c.at]
	words := strings.Fields(line)
	if line == "" || strings.HasSuffix(line, " ") || len(words) == 0 {
		words = append(words, "")
	}
	last := len(words) - 1
	c.from = c.at - len(words[last])
	if strings.Contains(line, "#") {
		return
	}
	if last == 1 {
		for _, v := range sim.Verbs() {
			c.add(Function, v.Name, v.Name+" ", v.Usage, v.Doc+"\n\n"+code(v.Example))
		}
		return
	}
	for _, v := range sim.Verbs() {
		usage := strings.Fields(v.Usage)
		if last < 2 || words[1] != v.Name || last-1 >= len(usage) {
			continue
		}
		switch what := usage[last-1]; what {
		case "P", "Q":
			for _, p := range c.people() {
				c.add(Name, p, p, "a person of the events", "")
			}
		case "goods", "sku":
			if what == "goods" {
				for _, d := range c.lists() {
					c.add(Name, d.name, d.name, "list "+d.text, "")
				}
			}
			c.products(false)
		default:
			kind, ok := sourcesOf[what]
			for i := 0; ok && c.Store != nil && i < len(c.Store.Sources); i++ {
				if s := &c.Store.Sources[i]; kind < 0 || int(s.Kind) == kind {
					c.add(Value, s.ID, s.ID, s.Kind.String(), "")
				}
			}
		}
	}
}

// sourcesOf are the kinds of source for which a word of a verb's usage stands; -1: any.
var sourcesOf = map[string]int{"TILL": int(fusion.TillKind), "READER": int(fusion.RFID), "SCALE": int(fusion.Weight), "G": int(fusion.Gate),
	"C": int(fusion.Count), "SOURCE": -1}

// memberDoc is what is told of a member.
func memberDoc(m *rules.Member) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nHolds: %s.", m.Doc, m.Form)
	for _, w := range m.Words {
		fmt.Fprintf(&b, "\n- `%s`: %s", w.Name, w.Doc)
	}
	if m.Default != "" {
		fmt.Fprintf(&b, "\n\nLeft out: %s.", m.Default)
	}
	if m.Example != "" {
		fmt.Fprintf(&b, "\n\n```yaml\n%s: %s\n```", m.Name, m.Example)
	}
	return b.String()
}

// functionDoc is what is told of a function.
func functionDoc(f *rules.Function) string {
	var b strings.Builder
	fmt.Fprintf(&b, "`%s` gives %s.\n\n", f.Usage, f.Result)
	if f.Event {
		b.WriteString("*Event.* ")
	}
	b.WriteString(f.Doc)
	if f.Judge != "" {
		fmt.Fprintf(&b, "\n\nFor `judge: %s`.", f.Judge)
	}
	fmt.Fprintf(&b, "\n\n%s", code(f.Example))
	return b.String()
}

func productDoc(s *fusion.Store, p *fusion.Product) string {
	return fmt.Sprintf("%s, %s, %d.%02d %s", p.Name, p.Category, p.Price/100, p.Price%100, s.Currency)
}

func code(s string) string { return "```\n" + s + "\n```" }

func sortByName(all []definition) {
	slices.SortFunc(all, func(a, b definition) int { return strings.Compare(a.name, b.name) })
}
