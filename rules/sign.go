package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"aead.dev/minisign"

	"magpie/strict"
)

// What signs a set: the list of its files' hashes that sha256sum writes, and minisign's signature of that list. Both lie in the
// set's folder and are files of the set, so that its hash says who signed it, too.
const (
	sumsFile      = "policies.sha256"
	signatureFile = sumsFile + ".minisig"
)

// howToSign is what an analyst does, with tools that everybody has.
const howToSign = "in the set's folder: sha256sum *.yaml > " + sumsFile + " && minisign -Sm " + sumsFile

// signature is who signed a set.
type signature struct {
	signer  string // the key's id as minisign shows it
	comment string // the trusted comment: what he says of it
}

// signedBy finds who of those that may has signed the files; what is wrong is told with its place in the file that is wrong.
func signedBy(files []File, keys []string) (*signature, strict.Errors) {
	var errs strict.Errors
	find := func(name string) []byte {
		for _, f := range files {
			if f.Name == name {
				return f.Data
			}
		}
		return nil
	}
	for _, name := range []string{sumsFile, signatureFile} {
		if find(name) == nil {
			return nil, strict.Errors{{File: name, Line: 1, Col: 1, Text: "it is missing: the set is not signed; " + howToSign}}
		}
	}
	sums := find(sumsFile)
	s, err := verified(keys, sums, find(signatureFile))
	if err != nil {
		errs = append(errs, strict.Error{File: signatureFile, Line: 1, Col: 1, Text: err.Error()})
	}
	return s, append(errs, listed(files, sums)...)
}

// verified reports who has signed a text.
func verified(keys []string, text, sig []byte) (*signature, error) {
	var s minisign.Signature
	if err := s.UnmarshalText(sig); err != nil {
		return nil, fmt.Errorf("this is no signature of minisign (%s); %s", strings.TrimPrefix(err.Error(), "minisign: "), howToSign)
	}
	var ids []string
	for _, k := range keys {
		var key minisign.PublicKey
		if err := key.UnmarshalText([]byte(k)); err != nil {
			return nil, fmt.Errorf("policies.signers: %s is no public key of minisign; give the line of minisign.pub that begins with RW", quote(k))
		}
		if id := keyID(key.ID()); key.ID() != s.KeyID {
			ids = append(ids, id)
		} else if minisign.Verify(key, text, sig) {
			return &signature{id, s.TrustedComment}, nil
		} else {
			return nil, fmt.Errorf("the signature by %s is not of this %s: one of the two was changed; sign again with minisign -Sm %s", id, sumsFile, sumsFile)
		}
	}
	return nil, fmt.Errorf("it is signed by %s, whom policies.signers of the site file does not name; it names %s", keyID(s.KeyID), strings.Join(ids, ", "))
}

func keyID(id uint64) string { return fmt.Sprintf("%016X", id) }

// listed reports what of a set is not as its list of hashes says; what else the list holds, such as tests, is not looked at.
func listed(files []File, sums []byte) (errs strict.Errors) {
	said := map[string]bool{}
	for i, line := range bytes.Split(sums, []byte("\n")) {
		text := strings.TrimSuffix(string(line), "\r")
		fail := func(format string, args ...any) {
			errs = append(errs, strict.Error{File: sumsFile, Line: i + 1, Col: 1, Text: fmt.Sprintf(format, args...), Code: text})
		}
		if text == "" {
			continue
		}
		hash, name, ok := strings.Cut(text, " ")
		if b, err := hex.DecodeString(hash); !ok || err != nil || len(b) != sha256.Size || len(name) < 2 || name[0] != ' ' && name[0] != '*' {
			fail("this is no line of sha256sum; write the list with sha256sum *.yaml > %s", sumsFile)
			continue
		}
		if name = strings.TrimPrefix(name[1:], "./"); !IsSetFile(name) {
			continue
		}
		k := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
		switch {
		case said[name]:
			fail("%s is listed twice", name)
		case k < 0:
			fail("%s is signed and is not there: put it back, or sign the set without it; %s", name, howToSign)
		default:
			if sum := sha256.Sum256(files[k].Data); hex.EncodeToString(sum[:]) != strings.ToLower(hash) {
				fail("%s is another than the one that was signed: put that back, or sign this one; %s", name, howToSign)
			}
		}
		said[name] = true
	}
	for _, f := range files {
		if !said[f.Name] && !isSigning(f.Name) {
			errs = append(errs, strict.Error{File: f.Name, Line: 1, Col: 1,
				Text: "it is not among the files that are signed: take it away, or sign it too; " + howToSign})
		}
	}
	return errs
}

func isSigning(name string) bool { return name == sumsFile || name == signatureFile }
