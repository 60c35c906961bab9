package rules

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"
)

// TestMinisignVectors verifies the signatures of the text "test" that minisign's own libraries publish: the old kind, and the one
// over a hash.
func TestMinisignVectors(t *testing.T) {
	const key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
	const old = "untrusted comment: signature from minisign secret key\n" +
		"RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n" +
		"trusted comment: timestamp:1555779966\tfile:test\n" +
		"QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n"
	const hashed = "untrusted comment: signature from minisign secret key\n" +
		"RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n" +
		"trusted comment: timestamp:1633700835\tfile:test\tprehashed\n" +
		"wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==\n"
	for _, sig := range []string{old, hashed} {
		s, err := verified([]string{key}, []byte("test"), []byte(sig))
		if err != nil || s.signer != "E7620F1842B4E81F" || !strings.HasPrefix(s.comment, "timestamp:1") {
			t.Errorf("got %+v, %v", s, err)
		}
		for what, changed := range map[string]string{"the comment": strings.Replace(sig, "file:test", "file:tent", 1), "the key": strings.Replace(sig, "LRCGA9i5", "LRCGA9i6", 1)} {
			if s, err := verified([]string{key}, []byte("test"), []byte(changed)); err == nil {
				t.Errorf("with another %s: got %+v", what, s)
			}
		}
		if s, err := verified([]string{key}, []byte("Test"), []byte(sig)); err == nil {
			t.Errorf("of another text: got %+v", s)
		}
	}
}

// signing is a set's files and who signs them.
type signing struct {
	*testing.T
	files  map[string]string
	public string
	secret minisign.PrivateKey
}

func newSigning(t *testing.T) *signing {
	public, secret, err := minisign.GenerateKey(strings.NewReader(strings.Repeat("not random at all", 10)))
	if err != nil {
		t.Fatal(err)
	}
	return &signing{t, map[string]string{
		"common.yaml": "macros:\n  late: 'hour() >= 21'\n",
		"p.yaml":      scoring("late ? 1 : 0.5"),
		"p_test.yaml": "site: s.yaml\ntests: []\n",
	}, public.String(), secret}
}

// sign lists the hashes of the YAML files, as sha256sum *.yaml does, and signs the list.
func (s *signing) sign() {
	var names []string
	for name := range s.files {
		if strings.HasSuffix(name, ".yaml") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	sums := ""
	for _, name := range names {
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(s.files[name])), name)
	}
	s.files[sumsFile] = sums
	s.files[signatureFile] = string(minisign.SignWithComments(s.secret, []byte(sums), "version 7", "any"))
}

func (s *signing) load(must bool, keys ...string) (*Set, error) {
	var all []string
	for name, text := range s.files {
		all = append(all, name, text)
	}
	return tryLoad(Options{Signers: keys, Signed: must}, all...)
}

// refused wants the set to be refused with these words, and only said to be unsigned where it need not be signed.
func (s *signing) refused(want string, keys ...string) {
	s.Helper()
	_, err := s.load(true, keys...)
	if err == nil || !strings.Contains(err.Error(), want) {
		s.Errorf("got %v, want %s", err, want)
	}
	set, err := s.load(false, keys...)
	if err != nil || set.Signer != "" || set.Policies[0].Signer != "" ||
		!slices.ContainsFunc(set.Warnings, func(w string) bool { return strings.Contains(w, strings.Split(want, "\n")[0]) }) {
		s.Errorf("where it need not be signed: %v, warnings %q", err, set.Warnings)
	}
}

// TestSignedSets holds that a set is what was signed, file by file, by somebody who may.
func TestSignedSets(t *testing.T) {
	s := newSigning(t)
	id := keyID(s.secret.ID())
	if _, err := s.load(true); err != nil {
		t.Errorf("nobody signs: %v", err)
	}
	unsigned, _ := s.load(false)
	s.refused("policies.sha256:1:1: it is missing: the set is not signed; in the set's folder: sha256sum *.yaml > policies.sha256 && minisign -Sm policies.sha256", s.public)
	s.sign()
	set, err := s.load(true, "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", s.public)
	if err != nil || set.Signer != id || set.SignedWith != "version 7" || set.Policies[0].Signer != id {
		t.Fatalf("signed: %v, %+v", err, set)
	}
	if set.Hash == unsigned.Hash || set.Policies[0].Hash != unsigned.Policies[0].Hash {
		t.Error("who signed a set is part of the set's hash, and not of a policy's")
	}
	again, err := Build(set.Files, Options{Store: shop(), Signers: []string{s.public}, Signed: true})
	if err != nil || again.Hash != set.Hash || again.Signer != id {
		t.Errorf("built again of its files: %v", err)
	}
	s.refused("policies.sha256.minisig:1:1: it is signed by "+id+", whom policies.signers of the site file does not name; it names E7620F1842B4E81F",
		"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")
	s.refused(`policies.signers: "x" is no public key of minisign`, "x")

	keep := s.files["p.yaml"]
	s.files["p.yaml"] = scoring("0.25")
	s.refused("policies.sha256:2:1: p.yaml is another than the one that was signed", s.public)
	s.files["p.yaml"] = keep
	s.files["q.yaml"] = strings.Replace(scoring("0.25"), "policy: p", "policy: q", 1)
	s.refused("q.yaml:1:1: it is not among the files that are signed", s.public)
	delete(s.files, "q.yaml")
	keep = s.files["common.yaml"]
	delete(s.files, "common.yaml")
	s.files["p.yaml"] = scoring("1")
	_, err = s.load(true, s.public)
	wantErrors(t, err, `policies.sha256:1:1: common.yaml is signed and is not there: put it back, or sign the set without it; `+howToSign+`
  | `+strings.Split(s.files[sumsFile], "\n")[0]+`
  | ^
policies.sha256:2:1: p.yaml is another than the one that was signed: put that back, or sign this one; `+howToSign+`
  | `+strings.Split(s.files[sumsFile], "\n")[1]+`
  | ^`)
	s.files["common.yaml"], s.files["p.yaml"] = keep, scoring("late ? 1 : 0.5")
	s.files["p_test.yaml"] = "tests are not what is signed"
	if _, err := s.load(true, s.public); err != nil {
		t.Errorf("another test: %v", err)
	}

	list := s.files[sumsFile]
	s.files[sumsFile] = strings.Replace(list, "p.yaml", "P.yaml", 1)
	s.refused("policies.sha256.minisig:1:1: the signature by "+id+" is not of this policies.sha256", s.public)
	s.files[sumsFile] = list + "what is this\n"
	s.refused("policies.sha256:4:1: this is no line of sha256sum", s.public)
	s.files[sumsFile] = list + list
	s.refused("policies.sha256:4:1: common.yaml is listed twice", s.public)
	s.files[sumsFile] = list
	s.files[signatureFile] = "no signature"
	s.refused("policies.sha256.minisig:1:1: this is no signature of minisign (invalid signature)", s.public)
	delete(s.files, signatureFile)
	s.refused("policies.sha256.minisig:1:1: it is missing", s.public)
}

// TestRealMinisign signs a set as an analyst does, with the programs that everybody has.
func TestRealMinisign(t *testing.T) {
	if testing.Short() {
		t.Skip("runs minisign")
	}
	if _, err := exec.LookPath("minisign"); err != nil {
		t.Skip("minisign is not installed: scripts/setup.sh test-tools")
	}
	s := newSigning(t)
	dir := t.TempDir()
	for name, text := range s.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, signing := range []string{"minisign -Sm policies.sha256 -s key", "minisign -l -Sm policies.sha256 -s key"} {
		if _, err := os.Stat(filepath.Join(dir, "key")); err != nil {
			signing = "minisign -G -W -p pub -s key && " + signing
		}
		cmd := exec.Command("sh", "-c", "sha256sum *.yaml > policies.sha256 && "+signing)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", signing, err, out)
		}
		pub, err := os.ReadFile(filepath.Join(dir, "pub"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(pub), "\n")
		set, err := Load(os.DirFS(dir), Options{Store: shop(), Signers: []string{lines[1]}, Signed: true})
		if err != nil || !strings.HasSuffix(lines[0], " "+strings.TrimLeft(set.Signer, "0")) || // minisign leaves out leading zeros
			!strings.Contains(set.SignedWith, "file:policies.sha256") {
			t.Fatalf("%s: %v, %+v; public key %s", signing, err, set, pub)
		}
	}
}
