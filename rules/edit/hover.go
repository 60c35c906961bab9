package edit

import (
	"fmt"
	"strings"

	"magpie/fusion"
	"magpie/rules"
	"magpie/sim"
)

// Hover tells what the word at a byte of a file means, as Markdown, and where the word is; "" where nothing is known of it.
func (f *Folder) Hover(file string, at int) (text string, of Place) {
	w, ok := f.word(file, at)
	if !ok {
		return "", Place{}
	}
	return w.doc, w.at
}

// Definition finds where the macro, list, param or policy at a byte of a file is written.
func (f *Folder) Definition(file string, at int) (Place, bool) {
	w, ok := f.word(file, at)
	return w.defined, ok && w.defined.File != ""
}

// word is a word of a file, what it means, and where it is defined.
type word struct {
	at, defined Place
	doc         string
}

func (f *Folder) word(file string, at int) (word, bool) {
	text := f.Texts[file]
	if at < 0 || at > len(text) {
		return word{}, false
	}
	o := scan(text)
	for i := range o.nodes {
		n := &o.nodes[i]
		if n.to > n.from && at >= n.from && at < n.to {
			m, ok := memberAt(members(file), o.path(i))
			if !ok {
				return word{}, false
			}
			return word{at: Place{file, n.from, n.to}, doc: memberDoc(&m)}, true
		}
		if n.end > n.at && at >= n.at && at < n.end {
			m, ok := memberAt(members(file), o.path(i))
			if !ok {
				return word{}, false
			}
			return f.inValue(o, i, &m, file, at)
		}
	}
	return word{}, false
}

// inValue tells of a word in what a member holds.
func (f *Folder) inValue(o *outline, n int, m *rules.Member, file string, at int) (word, bool) {
	from, end := o.nodes[n].at, o.nodes[n].end
	src := o.text[from:end]
	w := word{at: Place{file, from, end}}
	switch {
	case m.Form.Expression():
		all, _, _ := tokens(src)
		for _, t := range all {
			if at < from+t.from || at >= from+t.to {
				continue
			}
			w.at = Place{file, from + t.from, from + t.to}
			if t.kind == 'w' {
				return w, f.identifier(&w, file, src[t.from:t.to])
			}
			if t.kind == '"' {
				return w, f.text(&w, t.call, t.arg, t.text(src), at-from-t.from-1)
			}
		}
		return w, false
	case m.Form == rules.Script:
		return w, f.event(&w, o.text, at)
	case m.Form == rules.Needed:
		modality, place, _ := strings.Cut(src, "@")
		w.doc = told(rules.ModalityWords, modality)
		if place != "" {
			w.doc += "\n\n" + told(rules.ZoneWords, place) + ": " + f.zonesOf(place)
		}
		return w, w.doc != ""
	case m.Form == rules.SKU || m.Form == rules.Items:
		return w, f.goods(&w, src)
	case m.Name == "policy" && members(file)[0].Name == "site":
		return w, f.policy(&w, src)
	}
	w.doc = told(m.Words, src)
	return w, w.doc != ""
}

// told is what a word means.
func told(words []rules.Word, name string) string {
	for _, w := range words {
		if w.Name == name {
			return "`" + w.Name + "`: " + w.Doc
		}
	}
	return ""
}

// identifier tells of a name in an expression.
func (f *Folder) identifier(w *word, file, name string) bool {
	if d, ok := named(f.params(file), name); ok && file != Common {
		w.doc, w.defined = fmt.Sprintf("param `%s`: %s", name, d.text), d.at
		return true
	}
	if d, ok := named(f.macros(), name); ok {
		w.doc, w.defined = "macro of "+Common+"\n\n"+code(d.text), d.at
		return true
	}
	if x, ok := function(name); ok {
		w.doc = functionDoc(&x)
		return true
	}
	w.doc = told(rules.OperatorWords, name)
	return w.doc != ""
}

// text tells of a text in the arguments of a call; at is the byte of it that is asked about.
func (f *Folder) text(w *word, call string, arg int, text string, at int) bool {
	x, ok := function(call)
	if !ok {
		return false
	}
	for _, a := range arguments(&x, arg) {
		switch a.Name {
		case `"A > B > C"`:
			from := 0
			for part := range strings.SplitSeq(text, ">") {
				if at >= from && at <= from+len(part) {
					return f.zone(w, strings.TrimSpace(part))
				}
				from += len(part) + 1
			}
		case "place":
			return f.zone(w, text)
		case "goods":
			return f.goods(w, text)
		case "policy":
			return f.policy(w, text)
		default:
			if w.doc = told(a.Words, text); w.doc != "" {
				return true
			}
		}
	}
	return false
}

func (f *Folder) zone(w *word, place string) bool {
	if id, one := strings.CutPrefix(place, "id:"); one && f.Store != nil {
		for _, z := range f.Store.Zones {
			if z.ID == id {
				w.doc = fmt.Sprintf("`%s`: the zone %s of this store, of the kind %s", place, id, z.Kind)
				return true
			}
		}
		return false
	}
	if w.doc = told(rules.ZoneWords, place); w.doc == "" {
		return false
	}
	if f.Store != nil {
		w.doc += "; here " + f.zonesOf(place)
	}
	return true
}

// goods tells of a list, a SKU or any.
func (f *Folder) goods(w *word, name string) bool {
	if name == "any" {
		w.doc = "`any`: all goods, those that the catalogue does not know too"
		return true
	}
	if d, ok := named(f.lists(), name); ok {
		w.doc, w.defined = "list of "+Common+"\n\n"+code(d.text), d.at
		return true
	}
	if f.Store == nil {
		return false
	}
	i := f.Store.ProductIndex(fusion.GTIN14(name))
	if i < 0 {
		return false
	}
	w.doc = productDoc(f.Store, &f.Store.Products[i])
	return true
}

func (f *Folder) policy(w *word, id string) bool {
	d, ok := named(f.policies(), id)
	if ok {
		w.doc, w.defined = "policy `"+id+"`: "+d.text, d.at
	}
	return ok
}

// event tells of a word of a line of events.
func (f *Folder) event(w *word, text string, at int) bool {
	from := at
	for from > 0 && !strings.ContainsRune(" \n", rune(text[from-1])) {
		from--
	}
	to := at
	for to < len(text) && !strings.ContainsRune(" \r\n", rune(text[to])) {
		to++
	}
	w.at.From, w.at.To = from, to
	name := text[from:to]
	for _, v := range sim.Verbs() {
		if v.Name == name {
			w.doc = "`" + v.Usage + "`\n\n" + v.Doc + "\n\n" + code(v.Example)
			return true
		}
	}
	return name != "" && f.goods(w, name)
}
