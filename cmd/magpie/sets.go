package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"magpie/rules"
	"magpie/site"
)

// setStore keeps every policy set that ever judged, each in a folder named by its hash, so that a replay of the journal,
// and a restart, judge as it was judged.
type setStore struct {
	dir  string
	site *site.Site

	mu     sync.Mutex
	loaded map[string]*rules.Set
}

func newSetStore(dir string, s *site.Site) *setStore {
	return &setStore{dir: dir, site: s, loaded: map[string]*rules.Set{}}
}

// load reads the set of a directory (empty: the built-in one), which is to judge from now on, and keeps a copy of its files.
func (st *setStore) load(dir string) (*rules.Set, error) {
	set, err := loadSigned(dir, st.site)
	if err != nil {
		return nil, err
	}
	return set, st.take(set)
}

// take keeps a copy of the files of a set that was loaded.
func (st *setStore) take(set *rules.Set) error {
	if err := st.keep(set); err != nil {
		return fmt.Errorf("cannot keep policy set %s: %w", set.Hash, err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.loaded[set.Hash] = set
	return nil
}

func (st *setStore) keep(set *rules.Set) error {
	to := filepath.Join(st.dir, set.Hash)
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	if err := os.MkdirAll(st.dir, 0o700); err != nil {
		return err
	}
	part, err := os.MkdirTemp(st.dir, "part-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	for _, f := range set.Files {
		if err := writeSynced(filepath.Join(part, f.Name), f.Data); err != nil {
			return err
		}
	}
	return os.Rename(part, to)
}

// get returns the set that a control line names.
func (st *setStore) get(hash string) (*rules.Set, error) {
	st.mu.Lock()
	set := st.loaded[hash]
	st.mu.Unlock()
	if set != nil {
		return set, nil
	}
	set, err := loadPolicies(filepath.Join(st.dir, hash), st.site)
	if err != nil {
		return nil, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.loaded[hash] = set
	return set, nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// reloadState is what became of the last reload, for the page and the metrics.
type reloadState struct {
	set    *rules.Set
	loaded time.Time
	err    error
	errAt  time.Time
}
