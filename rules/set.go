// Package rules loads, checks and compiles policy files and judges subjects by them: facts become evidence, evidence a
// score, a score a tier (contract §4). It reads no clock; a set is a function of its files, the site and its overrides.
package rules

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"magpie/fusion"
	"magpie/strict"
)

// Override is what the site file says of one policy.
type Override struct {
	File      string // where it says so, for errors; "" stands for the top of site.yaml
	Line, Col int
	Code      string // that line, "" if it is not known

	Mode   string         // live, shadow, off; "" leaves the policy's own
	Params map[string]any // numbers, texts, true or false
}

// err is an error of the override, at its place in the site file.
func (o *Override) err(format string, args ...any) strict.Error {
	return strict.Error{File: cmp.Or(o.File, "site.yaml"), Line: max(1, o.Line), Col: max(1, o.Col), Text: fmt.Sprintf(format, args...), Code: o.Code}
}

// Options is what a set takes from the site.
type Options struct {
	Store     *fusion.Store
	Overrides map[string]Override // by policy id

	// Elsewhere says that the set is not the one that the site names, but one to try, or an older one: it need not have
	// every policy that the site overrides.
	Elsewhere bool

	// FalseAlarm and Recover are what a false alarm costs and the share of the value that staff recover; both 0 stand for
	// the contract's 25 and 0.6.
	FalseAlarm, Recover float64

	Cashier string // privacy.cashier: off, pseudonym, allowed

	// Signers are the public keys, as minisign writes them, of those whose signature of a set counts. With Signed, a set that
	// none of them has signed is refused; without, it is said.
	Signers []string
	Signed  bool

	Coverage *Coverage // is told what expressions come to; nil: nothing is counted, and it costs nothing
}

// File is one file of a set, as it was read.
type File struct {
	Name string
	Data []byte
}

// Set is an immutable set of policies; goroutines may share it.
type Set struct {
	Policies []*Policy // sorted by ID
	Hash     string    // sha256:… of the files' bytes in name order
	Warnings []string
	Lists    map[string]fusion.Goods // of common.yaml, by name
	Files    []File                  // by name: common.yaml, policies and what signs them, from which the same set can be built again

	Signer     string // the id of the key by which the set is signed, as minisign shows it; "" if it is not, or nobody's signature counts
	SignedWith string // what the signer says of it: the signature's trusted comment

	by    [len(fusion.SubjectKinds)]judged
	clock atomic.Pointer[func() int64]
	calls atomic.Uint64 // of judgements, for the clock's turn
}

// judged is what judges one kind of subject: its policies that are not off, sorted by id, the operands that they read and the
// events that these read, each once however many read it. What every fact reads lies in lists of numbers side by side, so that
// many policies cost no more of the processor's cache than few.
type judged struct {
	policies []*Policy
	heads    []head
	ops      []*op
	reads    []reading
	index    map[string]int // operands by their text
	opEvents lists          // by operand: the events that it reads
	readers  lists          // by operand: the policies that read it
	shared   int            // how many operands several policies read

	byKind    [len(fusion.FactKinds)][]int // by kind of fact: the operands that it may change, but those of events and of some goods
	byProduct lists                        // by product: operands of some goods of the basket

	events        []*op
	eventIndex    map[string]int                 // events by their text
	eventOps      lists                          // by event: the operands that read it
	eventPolicies lists                          // by event: the policies that read one of these
	eventKinds    [len(fusion.FactKinds)][]int32 // by kind of fact: the events of any goods
	eventGoods    [len(fusion.FactKinds)]lists   // and those of some, by product

	shapes  map[string]*shape
	benches benches
}

// head is what judging by a policy reads of it.
type head struct {
	shape *shape
	ops   []int32 // as Policy.ops
}

// reading is what reading an operand needs of it.
type reading struct {
	eval     func(v *fusion.View, t []*tape) float64
	event    int32 // the first of its events
	events   int32 // how many it has
	cache    int32 // where its value is kept during a call, if several policies read it; else -1
	windowed bool  // every touch judges, whatever the value
	timed    bool
}

// eventsOf appends the events that a fact is one of.
func (j *judged) eventsOf(f *fusion.Fact, to []int32) []int32 {
	to = append(to, j.eventGoods[f.Kind].at(f.Product)...)
	for _, e := range j.eventKinds[f.Kind] {
		if j.events[e].is(f) {
			to = append(to, e)
		}
	}
	return to
}

// Load reads every *.yaml of a folder but *_test.yaml, and reports everything that is wrong with all of them at once as
// strict.Errors.
func Load(fsys fs.FS, opts Options) (*Set, error) {
	files, err := readFiles(fsys)
	if err != nil {
		return nil, err
	}
	return Build(files, opts)
}

// IsSetFile reports whether a file of a folder of policies says what the set does: a policy or common.yaml, not a test.
func IsSetFile(name string) bool {
	return strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, "_test.yaml") && !strings.HasPrefix(name, ".")
}

// otherYAML is the name of what was meant as a policy and would not be read.
var otherYAML = regexp.MustCompile(`(?i)\.ya?ml$`)

func readFiles(fsys fs.FS) ([]File, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the folder of policies: %w", err)
	}
	var files []File
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && !strings.HasPrefix(name, ".") && otherYAML.MatchString(name) && !strings.HasSuffix(name, ".yaml") {
			return nil, strict.Errors{{File: name, Line: 1, Col: 1, Text: "the files of a set of policies end in .yaml, and others are not read: rename it"}}
		}
		if e.IsDir() || !IsSetFile(e.Name()) && !isSigning(e.Name()) {
			continue
		}
		data, err := fs.ReadFile(fsys, e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading a policy: %w", err)
		}
		files = append(files, File{e.Name(), data})
	}
	sort.Slice(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	return files, nil
}

func hashOf(files []File) string {
	h := sha256.New()
	for _, f := range files {
		h.Write(f.Data)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Build makes a set of files that were read before, such as those of a recording.
func Build(files []File, opts Options) (*Set, error) {
	if opts.FalseAlarm == 0 && opts.Recover == 0 {
		opts.FalseAlarm, opts.Recover = 25, 0.6
	}
	var errs strict.Errors
	s := &Set{Hash: hashOf(files), Files: files}
	l := newLanguage(opts.Store)
	l.cover = opts.Coverage
	var common []byte
	var read []*file
	for _, f := range files {
		if f.Name == commonFile {
			common, l.common = f.Data, true
			if len(bytes.TrimSpace(f.Data)) == 0 {
				continue
			}
			in, root := parse(f.Name, f.Data, "lists or macros")
			read = append(read, in)
			if root != nil {
				l.readCommon(in, root)
			}
		}
	}
	s.Lists = l.lists
	table := map[*Policy][]*op{}
	ids := map[string]string{}
	for _, f := range files {
		if f.Name == commonFile || isSigning(f.Name) {
			continue
		}
		in, root := parse(f.Name, f.Data, "policy, title, alert and score, or prior and evidence")
		read = append(read, in)
		if root == nil {
			continue
		}
		p, ops := readPolicy(in, root, l, &opts)
		if other, twice := ids[p.ID]; twice && p.ID != "" {
			in.FailAt(1, 1, "the policy %s is already in %s; give each its own id", p.ID, other)
		}
		ids[p.ID] = f.Name
		p.Hash = policyHash(f.Data, common, opts.Overrides[p.ID].Params)
		s.Policies = append(s.Policies, p)
		table[p] = ops
	}
	l.answer(s.Policies)
	for _, in := range read { // a use of common.yaml may find an error in it, so that it is done when all are
		errs = append(errs, in.Errors...)
		s.Warnings = append(s.Warnings, in.Warnings...)
	}
	for id := range opts.Overrides {
		if _, ok := ids[id]; !ok && len(errs) == 0 {
			o := opts.Overrides[id]
			if opts.Elsewhere {
				s.Warnings = append(s.Warnings, fmt.Sprintf("%s:%d:%d: policies.overrides names the policy %s, which is not in this set",
					cmp.Or(o.File, "site.yaml"), o.Line, o.Col, strict.Clip(id)))
				continue
			}
			errs = append(errs, o.err("policies.overrides names the policy %s, which does not exist; %s", strict.Clip(id), strict.Suggest(id, sortedKeys(ids))))
		}
	}
	errs = append(errs, s.sign(&opts)...)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	for _, e := range s.Refused() {
		s.Warnings = append(s.Warnings, Warning(e))
	}
	sort.Slice(s.Policies, func(i, j int) bool { return s.Policies[i].ID < s.Policies[j].ID })
	s.Warnings = sorted(s.Warnings)
	for _, p := range s.Policies {
		if p.Mode != Off {
			s.by[p.Judge].add(p, table[p])
		}
	}
	for k := range s.by {
		s.by[k].done(len(opts.Store.Products))
	}
	return s, nil
}

// sign finds who signed the set, and gives what is wrong with that where it must be signed.
func (s *Set) sign(opts *Options) strict.Errors {
	if len(opts.Signers) == 0 {
		return nil
	}
	by, errs := signedBy(s.Files, opts.Signers)
	switch {
	case len(errs) == 0:
		s.Signer, s.SignedWith = by.signer, by.comment
		for _, p := range s.Policies {
			p.Signer = by.signer
		}
	case opts.Signed:
		return errs
	default:
		for _, e := range errs {
			s.Warnings = append(s.Warnings, Warning(e)+" (magpie run refuses the set)")
		}
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return sorted(all)
}

// policyHash covers all that decides what a policy says: its file, what policies share, the site's params for it.
func policyHash(data, common []byte, params map[string]any) string {
	h := sha256.New()
	h.Write(data)
	h.Write([]byte{0})
	h.Write(common)
	h.Write([]byte{0})
	if len(params) > 0 {
		text, err := json.Marshal(params) // sorted by name
		if err != nil {
			text = []byte(fmt.Sprint(params))
		}
		h.Write(text)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// add takes a policy in, interning its operands and their events.
func (j *judged) add(p *Policy, ops []*op) {
	if j.index == nil {
		j.index, j.eventIndex, j.shapes = map[string]int{}, map[string]int{}, map[string]*shape{}
	}
	p.order = len(j.policies)
	j.policies = append(j.policies, p)
	seen := map[string]bool{"": true}
	for _, o := range ops {
		i, ok := j.index[o.key]
		if !ok {
			i = len(j.ops)
			j.index[o.key] = i
			j.ops = append(j.ops, o)
		}
		p.ops = append(p.ops, i)
		for _, r := range o.relies {
			if text := r.String(); !seen[text] {
				seen[text] = true
				p.relies = append(p.relies, r)
			}
		}
	}
	made := p.shape()
	key := made.key()
	if j.shapes[key] == nil {
		j.shapes[key] = made
	}
	j.heads = append(j.heads, head{shape: j.shapes[key]})
}

// done builds what finds the operands and events of a fact, when all policies are in.
func (j *judged) done(products int) {
	readers, eventOps := make([][]int, len(j.ops)), [][]int{}
	for _, p := range j.policies {
		for _, n := range p.ops {
			readers[n] = append(readers[n], p.order)
		}
	}
	goods := make([][]int, products)
	for i, o := range j.ops {
		var events []int
		for _, e := range o.events {
			k, ok := j.eventIndex[e.key]
			if !ok {
				k = len(j.events)
				j.eventIndex[e.key] = k
				j.events, eventOps = append(j.events, e), append(eventOps, nil)
			}
			events = append(events, k)
			if n := len(eventOps[k]); n == 0 || eventOps[k][n-1] != i {
				eventOps[k] = append(eventOps[k], i)
			}
		}
		j.opEvents.add(events)
		j.readers.add(readers[i])
		j.reads = append(j.reads, j.reading(o, events, len(readers[i])))
		if o.goods != nil && len(events) == 0 {
			spread(goods, o.goods, i)
			continue
		}
		for kind := range j.byKind {
			if o.touch.has(fusion.FactKind(kind)) {
				j.byKind[kind] = append(j.byKind[kind], i)
			}
		}
	}
	j.byProduct = listsOf(goods)
	for _, of := range eventOps {
		j.eventOps.add(of)
		var all []int
		for _, n := range of {
			all = append(all, readers[n]...)
		}
		slices.Sort(all)
		j.eventPolicies.add(slices.Compact(all))
	}
	for kind := range j.eventKinds {
		goods := make([][]int, products)
		for i, e := range j.events {
			switch {
			case !e.behind.has(fusion.FactKind(kind)):
			case e.goods == nil:
				j.eventKinds[kind] = append(j.eventKinds[kind], int32(i))
			default:
				spread(goods, e.goods, i)
			}
		}
		j.eventGoods[kind] = listsOf(goods)
	}
	for i, p := range j.policies {
		ops := make([]int32, len(p.ops))
		for slot, n := range p.ops {
			ops[slot] = int32(n)
		}
		j.heads[i].ops = ops
	}
	j.shapes = nil
}

func (j *judged) reading(o *op, events []int, readers int) reading {
	r := reading{eval: o.eval, events: int32(len(events)), cache: -1, windowed: o.window > 0, timed: o.due != nil}
	if len(events) > 0 {
		r.event = int32(events[0])
	}
	if readers > 1 {
		r.cache = int32(j.shared)
		j.shared++
	}
	return r
}

// spread adds a number to the list of each of some goods.
func spread(lists [][]int, goods fusion.Goods, n int) {
	for product, has := range goods {
		if has {
			lists[product] = append(lists[product], n)
		}
	}
}

// answer looks for the tiers that alerted(…) names, when all policies are read. That only the store may ask, and only about
// others, leaves no way in a circle.
func (l *language) answer(all []*Policy) {
	byID := map[string]*Policy{}
	var ids []string
	for _, p := range all {
		byID[p.ID] = p
		if p.Judge != fusion.SubjectStore {
			ids = append(ids, p.ID)
		}
	}
	for _, a := range l.asks {
		if a.by.macro {
			continue
		}
		p := byID[a.policy]
		switch {
		case p == nil:
			a.by.fail(a.at, "alerted: there is no policy %s; %s", quote(a.policy), strict.Suggest(a.policy, sorted(ids)))
		case p.Judge == fusion.SubjectStore:
			a.by.fail(a.at, "alerted: %s judges the store too; name one that judges another subject", a.policy)
		case !p.hasTier(a.tier):
			a.by.fail(a.at, "alerted: %s has no tier %s", a.policy, a.tier)
		case p.Mode != Live:
			a.by.warn(a.at, "alerted: %s is %s and so raises no alert", a.policy, p.Mode)
		}
	}
}
