package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"magpie/policies"
	"magpie/rules"
	"magpie/site"
)

// withouts are what policies can be judged without, to see what it is worth.
func withouts() []string { return []string{"coverage", "exoneration", "groups", "decay"} }

// loadWithout loads policies as loadPolicies does, less one thing: coverage (what a policy requires to have been seen),
// exoneration (evidence that clears), groups (who of a group paid) or decay (half-lives).
func loadWithout(dir string, s *site.Site, what string) (set *rules.Set, err error) {
	var files fs.FS = policies.Files
	if dir != "" {
		files = os.DirFS(dir)
	}
	less, err := os.MkdirTemp("", "magpie-without")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(less)) }()
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, "_test.yaml") {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(doc.Content) == 1 {
			takeOut(doc.Content[0], what)
		}
		if text, err = yaml.Marshal(&doc); err != nil {
			return err
		}
		to := filepath.Join(less, filepath.FromSlash(name))
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, 0o644))
	})
	if err != nil {
		return nil, err
	}
	return loadPolicies(less, s)
}

// takeOut removes from a policy what it is to be without.
func takeOut(policy *yaml.Node, what string) {
	if policy.Kind != yaml.MappingNode {
		return
	}
	if what == "coverage" {
		removeMember(policy, "require")
	}
	evidence := member(policy, "evidence")
	if evidence == nil || evidence.Kind != yaml.SequenceNode {
		return
	}
	evidence.Content = slices.DeleteFunc(evidence.Content, func(e *yaml.Node) bool {
		switch what {
		case "exoneration":
			return member(e, "clears") != nil
		case "groups":
			condition := member(e, "if")
			return condition != nil && strings.Contains(condition.Value, "group_paid")
		case "decay":
			removeMember(e, "half_life")
		}
		return false
	})
}

func member(m *yaml.Node, key string) *yaml.Node {
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func removeMember(m *yaml.Node, key string) {
	for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}
