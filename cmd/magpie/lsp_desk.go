package main

import (
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"magpie/fusion"
	"magpie/rules"
	"magpie/rules/edit"
	"magpie/sensors"
	"magpie/site"
)

// editorDesk is the files of a session: as the editor holds them, else as they lie on disk.
type editorDesk struct {
	root     string // of the workspace
	sitePath string // that was named; "": one is looked for
	open     map[string]*openDocument
	disk     map[string]diskFile
	sites    map[string]*knownSite
}

type openDocument struct {
	uri     string
	version int
	text    string
}

// diskFile is a file as it was read, to be read again when it has changed.
type diskFile struct {
	size int64
	at   time.Time
	text string
}

// knownSite is a site as it was read, and the text of every file that went into it.
type knownSite struct {
	site  *site.Site
	err   error
	texts map[string]string
}

func newEditorDesk(sitePath string) *editorDesk {
	return &editorDesk{sitePath: sitePath, open: map[string]*openDocument{}, disk: map[string]diskFile{}, sites: map[string]*knownSite{}}
}

// text is a file's text, "" where there is none.
func (d *editorDesk) text(path string) string {
	t, _ := d.read(path)
	return string(t)
}

func (d *editorDesk) read(path string) ([]byte, error) {
	if o := d.open[path]; o != nil {
		return []byte(o.text), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if was, ok := d.disk[path]; ok && was.size == info.Size() && was.at.Equal(info.ModTime()) {
		return []byte(was.text), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text := strings.TrimPrefix(string(b), "\ufeff") // which an editor does not count
	d.disk[path] = diskFile{info.Size(), info.ModTime(), text}
	return []byte(text), nil
}

// address is how the editor names a file.
func (d *editorDesk) address(path string) string {
	if o := d.open[path]; o != nil {
		return o.uri
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

var topOfPolicy = regexp.MustCompile(`(?m)^policy:`)

// folders are those with policies of which something is open.
func (d *editorDesk) folders() map[string]bool {
	all := map[string]bool{}
	for path := range d.open {
		dir := filepath.Dir(path)
		if _, known := all[dir]; known || !isPolicyFile(filepath.Base(path)) {
			continue
		}
		all[dir] = filepath.Base(dir) == "policies"
		for _, text := range d.texts(dir) {
			all[dir] = all[dir] || topOfPolicy.MatchString(text)
		}
		if !all[dir] {
			delete(all, dir)
		}
	}
	return all
}

func isPolicyFile(name string) bool {
	return rules.IsSetFile(name) || strings.HasSuffix(name, "_test.yaml") && !strings.HasPrefix(name, ".")
}

// texts are the policies, common.yaml and tests of a folder, by name.
func (d *editorDesk) texts(dir string) map[string]string {
	all := map[string]string{}
	entries, _ := os.ReadDir(dir) // a folder that is not there yet may well hold what is not saved
	for _, e := range entries {
		if !e.IsDir() && isPolicyFile(e.Name()) {
			all[e.Name()] = d.text(filepath.Join(dir, e.Name()))
		}
	}
	for path, o := range d.open {
		if filepath.Dir(path) == dir && isPolicyFile(filepath.Base(path)) {
			all[filepath.Base(path)] = o.text
		}
	}
	return all
}

// siteOf is the path of the site file by which a folder is checked, "" if there is none.
func (d *editorDesk) siteOf(dir string) string {
	if d.sitePath != "" {
		return d.sitePath
	}
	for at, up := dir, 0; up < 4; up++ {
		path := filepath.Join(at, "site.yaml")
		if _, err := d.read(path); err == nil {
			return path
		}
		at = filepath.Dir(at)
	}
	texts := d.texts(dir)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !strings.HasSuffix(name, "_test.yaml") {
			continue
		}
		for line := range strings.Lines(texts[name]) {
			if named, ok := strings.CutPrefix(line, "site:"); ok {
				path := filepath.Join(dir, filepath.FromSlash(strings.Trim(strings.TrimSpace(named), `'"`)))
				if _, err := d.read(path); err == nil {
					return path
				}
			}
		}
	}
	return ""
}

// site reads a site file, again only where something that it was made of has changed.
func (d *editorDesk) site(path string) (*site.Site, error) {
	if k := d.sites[path]; k != nil {
		same := true
		for p, was := range k.texts {
			same = same && d.text(p) == was
		}
		if same {
			return k.site, k.err
		}
	}
	k := &knownSite{texts: map[string]string{}}
	read := func(p string) ([]byte, error) {
		b, err := d.read(p)
		k.texts[p] = string(b)
		return b, err
	}
	text, err := read(path)
	if err != nil {
		k.err = err
	} else {
		k.site, k.err = site.Parse(path, text, read)
	}
	d.sites[path] = k
	return k.site, k.err
}

// check is what `magpie check` says of a folder and of its site. Without a site, or with a broken one, what depends on it is
// not said.
func (d *editorDesk) check(dir string) (wrong, doubtful []finding) {
	path := d.siteOf(dir)
	c := &checked{}
	var errs error
	if path != "" {
		if c.site, errs = d.site(path); errs == nil {
			_, errs = sensors.NewDecoder(c.site.Store, sensors.Options{Foreign: c.site.Sources})
		}
	}
	known := c.site != nil
	if !known {
		var broken []finding
		if errs != nil {
			broken, _ = c.findings(errs, path, dir)
		}
		wrong, errs = broken, nil
		c.site = &site.Site{Store: &fusion.Store{Location: time.UTC}}
		c.site.Privacy.Cashier = "allowed"
		c.site.Store.Index()
	}
	var files []rules.File
	texts := d.texts(dir)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if rules.IsSetFile(name) {
			files = append(files, rules.File{Name: name, Data: []byte(texts[name])})
		} else {
			errs = errors.Join(errs, checkTest(name, []byte(texts[name])))
		}
	}
	o := ruleOptions(c.site)
	o.Elsewhere = dir != c.site.Policies.Dir
	set, err := rules.Build(files, o)
	c.set = set
	errs = errors.Join(errs, err)
	more, doubts := c.findings(errs, path, dir)
	if !known {
		return append(wrong, more...), nil
	}
	return more, doubts
}

// folder is what an editor's questions about a file are answered from, with the file's name and text in it; nil for a file of
// no folder of policies.
func (d *editorDesk) folder(path string) (f *edit.Folder, name, text string) {
	dir := filepath.Dir(path)
	if !isPolicyFile(filepath.Base(path)) || !d.folders()[dir] {
		return nil, "", ""
	}
	f = &edit.Folder{Texts: d.texts(dir)}
	if at := d.siteOf(dir); at != "" {
		if s, err := d.site(at); err == nil {
			f.Store = s.Store
			for _, o := range s.Outputs {
				f.Outputs = append(f.Outputs, o.Name)
			}
			slices.Sort(f.Outputs)
		}
	}
	name = filepath.Base(path)
	return f, name, f.Texts[name]
}
