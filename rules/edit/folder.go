package edit

import (
	"strings"

	"magpie/fusion"
	"magpie/rules"
)

// Common is the file of a folder that all its policies share.
const Common = "common.yaml"

// Folder is a folder of policies as an editor holds it, and the store that they are for.
type Folder struct {
	Texts   map[string]string // by file name: policies, common.yaml and tests
	Store   *fusion.Store     // nil where none is known
	Outputs []string          // of the site
}

// Place is a part of a file.
type Place struct {
	File     string
	From, To int // bytes
}

// members are those of the kind of file.
func members(name string) []rules.Member {
	switch {
	case name == Common:
		return rules.CommonMembers
	case strings.HasSuffix(name, "_test.yaml"):
		return rules.TestMembers
	}
	return rules.PolicyMembers
}

// memberAt is what stands at a way of keys, "" for items; ok is false where nothing of that name may stand.
func memberAt(of []rules.Member, path []string) (m rules.Member, ok bool) {
	m = rules.Member{Form: rules.Mapping, Of: of}
	for _, key := range path {
		switch {
		case m.Form == rules.Mapping && key != "":
			found := false
			for i := range m.Of {
				if m.Of[i].Name == key {
					m, found = m.Of[i], true
					break
				}
			}
			if !found {
				return m, false
			}
		case m.Form == rules.Free && key != "", m.Form == rules.List && key == "":
			name := m.Name
			if m = m.Of[0]; m.Name == "" {
				m.Name = name
			}
		case m.Form == rules.OneOrMore && key == "":
			m.Form = rules.Text
		case m.Form == rules.Items:
			m.Form = rules.SKU
		default:
			return m, false
		}
	}
	return m, true
}

// definition is something with a name that a file of the folder defines.
type definition struct {
	name string
	at   Place
	text string // what it is
}

// within lists what stands directly under a key at the top of a file.
func (f *Folder) within(file, key string) (all []definition) {
	text := f.Texts[file]
	o := scan(text)
	for _, c := range o.children(o.find(key)) {
		n := &o.nodes[c]
		if o.find(key) < 0 || n.item {
			continue
		}
		end := n.end
		if next := len(text); end == 0 {
			if i := strings.IndexByte(text[n.to:], '\n'); i >= 0 {
				next = n.to + i
			}
			end = next
		}
		is := o.scalar(c)
		if is == "" {
			is = strings.TrimSpace(strings.TrimPrefix(text[n.to:end], ":"))
		}
		all = append(all, definition{n.key, Place{file, n.from, n.to}, is})
	}
	return all
}

func (f *Folder) lists() []definition             { return f.within(Common, "lists") }
func (f *Folder) macros() []definition            { return f.within(Common, "macros") }
func (f *Folder) params(file string) []definition { return f.within(file, "params") }

// policies lists the policies of the folder.
func (f *Folder) policies() (all []definition) {
	for file, text := range f.Texts {
		if file == Common || strings.HasSuffix(file, "_test.yaml") {
			continue
		}
		o := scan(text)
		if n := o.find("policy"); n >= 0 && o.scalar(n) != "" {
			all = append(all, definition{o.scalar(n), Place{file, o.nodes[n].at, o.nodes[n].end}, o.scalar(o.find("title"))})
		}
	}
	sortByName(all)
	return all
}

// scalars lists what the key holds wherever it stands in a file, each once.
func scalars(o *outline, key string) (all []string) {
	seen := map[string]bool{"": true}
	for i := range o.nodes {
		if t := o.scalar(i); o.nodes[i].key == key && !seen[t] {
			seen[t] = true
			all = append(all, t)
		}
	}
	return all
}

// named is the definition of a name.
func named(all []definition, name string) (definition, bool) {
	for _, d := range all {
		if d.name == name {
			return d, true
		}
	}
	return definition{}, false
}

// function finds a function of the language.
func function(name string) (rules.Function, bool) {
	for _, f := range rules.Functions() {
		if f.Name == name {
			return f, true
		}
	}
	return rules.Function{}, false
}

// arguments are what the argument at a place of a call may be: where more of the first may stand, more than one.
func arguments(f *rules.Function, at int) (all []rules.Argument) {
	for more := 0; more <= f.More; more++ {
		i := max(0, at-more)
		if i >= len(f.Arguments) {
			continue
		}
		known := false
		for _, a := range all {
			known = known || a.Name == f.Arguments[i].Name
		}
		if !known {
			all = append(all, f.Arguments[i])
		}
	}
	return all
}
