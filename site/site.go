// Package site reads the description of one store: site.yaml and the tables that it names (contract, §2). What the core
// needs becomes a fusion.Store; the rest are plain settings of the adapters. Reading is strict: every key, word, zone
// and number is checked, and everything wrong is reported at once, each with file, line and column.
package site

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // a bare machine has no time zones of its own

	"magpie/fusion"
	"magpie/strict"
)

// maxFile bounds site.yaml and each table, so that a wrong path cannot fill the memory.
const maxFile = 64 << 20

// Pos is a place in a file; lines and columns count from 1.
type Pos struct {
	File string
	Line int
	Col  int
	Code string // the line of the file, for errors found later
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Site is one store as its site file says. Nothing changes it after Load. Paths in it are joined with the directory of
// the site file.
type Site struct {
	Path   string            // of the site file, as given to Load
	Hash   string            // "sha256:…" over the site file and the tables that it names
	Store  *fusion.Store     // what the core knows: zones, sources, products, staff, hours, time zone
	Notes  []string          // what a careful reader of the file should know, one sentence each
	Labels map[string]string // free words for a chain's own grouping

	Cameras  []Camera
	Devices  []Device
	Sources  []Source
	Lateness [len(fusion.Kinds)]time.Duration // by fusion.Kind, defaults filled in
	Broker   Broker
	Influx   Influx
	Outputs  []Output // by name
	Budget   Budget
	Cost     Cost
	Policies Policies
	Privacy  Privacy
}

// Camera is a camera and how its image maps to the floor.
type Camera struct {
	ID         string
	URL        string             // file, rtsp:// or GStreamer pipeline; empty: it only publishes tracks
	Frame      [2]int             // width and height in pixels, 0 when not given
	Homography *fusion.Homography // pixels to metres, nil when not given
	RMS        float64            // error of a homography fitted from points, metres
	Upright    *fusion.Upright    // how tall what it sees is; nil when its homography does not tell
	Sees       []fusion.Point     // floor polygon in metres; nil: every zone
	Masks      [][]fusion.Point   // polygons in pixels, blacked out before inference
}

// Device is a source without a section of its own, or a signal, gate or counter.
type Device struct {
	ID      string
	Kind    fusion.Kind
	KeyFile string // holds the key with which an edge script signs POST /api/alerts
}

// Source is a foreign topic: what to subscribe to and how its messages become events.
type Source struct {
	At        Pos               // of the entry in the site file
	Topic     string            // MQTT filter; + and # capture {1}, {2}, …
	ID        string            // of the source, with {n} filled in from the captures and {payload.a.b} from the payload
	Decoder   string            // a decoder's name, or empty
	Unit      string            // of a weight that does not say it: lb, oz, kg or g; empty: the decoder's own
	Kind      fusion.Kind       // of the messages, when there is no Decoder or it leaves that to the site
	Each      *Mapping          // the array in the payload whose elements are readings; nil: the payload is one
	Map       []Mapping         // members by expression, where Kind is given
	Direction string            // in or out: which way the people go whom a counter counts that does not say it
	Zones     map[string]string // ids of zones, by what the device calls them; with a Decoder that has such names
}

// Mapping is one member of a canonical message and the expression that yields it.
type Mapping struct {
	At     Pos // of the expression
	Member string
	Expr   string
}

// Broker is where MQTT comes from: the embedded broker (Listen, Users) or an outer one (URL).
type Broker struct {
	Listen       string // host:port, default 127.0.0.1:1883
	Users        string // file of user:password lines for the embedded broker
	URL          string // mqtt:// or mqtts:// of an outer broker; empty: embedded
	User         string
	PasswordFile string
	CAFile       string // authorities that vouch for an outer broker
	CertFile     string // certificate of the embedded broker, which then speaks TLS, or ours for an outer one
	KeyFile      string // of CertFile
	ClientCAFile string // authorities of the certificates that clients of the embedded broker need
	Certain      bool   // the name in its certificate is who a client of the embedded broker is
}

// Influx is where numbers go; URL empty means nowhere.
type Influx struct{ URL, Org, Bucket, TokenFile string }

// Output is one place where alerts go. Exactly one of Webhook, POS and SMTP is set.
type Output struct {
	Name       string
	Webhook    string // URL
	POS        string // URL
	SMTP       string // smtp[s]://[user@]host[:port]?from=…&to=…
	SecretFile string // signing keys of a Webhook (one a line; needed), key of a POS, password of SMTP
}

// Budget is how many staff and gate alerts may go out; 0 means no bound.
type Budget struct{ Day, Hour, Source int }

// Cost is what a false alarm costs, in the site's currency, and the share of a loss that an alert recovers.
type Cost struct{ FalseAlarm, Recover float64 }

// Policies says where the policy files are and what this site changes in them.
type Policies struct {
	Dir       string   // empty: the built-in set
	Signers   []string // public keys of minisign: whose signatures of a set count; empty: no set need be signed
	Overrides map[string]Override
}

// Override changes one policy for one site.
type Override struct {
	At     Pos
	Mode   string         // live, shadow, off, or empty: as the policy says
	Params map[string]any // float64, string or bool
}

// Privacy is what may be seen, joined and kept.
type Privacy struct {
	Cashier string   // off, pseudonym or allowed
	KeyFile string   // of pseudonyms; empty: none
	Drop    []string // JSON members cut where a line enters the journal
	Keep    Keep
}

// Keep is how long each kind of data stays; 0 means that it is never written. Recordings is at least an hour.
type Keep struct{ Frames, Clips, Recordings, Visits, Verdicts time.Duration }

// Load reads a site file and the tables that it names. The error, if any, is strict.Errors with everything that is wrong,
// or what the system said of a file that cannot be read.
func Load(path string) (*Site, error) {
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("site file: %w; give the store's with --site, examples/site.yaml is one to begin with", err)
	}
	if err != nil {
		return nil, fmt.Errorf("site file: %w", err)
	}
	return Parse(path, text, readFile)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	return text, err
}

// Parse is Load with the site file's text at hand; read opens the tables that it names, by their joined path.
func Parse(path string, text []byte, read func(path string) ([]byte, error)) (*Site, error) {
	l := &loader{
		File:  strict.NewFile(path, text),
		dir:   filepath.Dir(path),
		read:  read,
		hash:  sha256.New(),
		site:  &Site{Path: path, Store: &fusion.Store{}},
		zones: map[string]int{},
		ids:   map[string]int{},
	}
	l.hashPart(text)
	if root := l.Root("store and zones"); root != nil {
		l.root(root)
	}
	if err := l.Errors.Err(); err != nil {
		return nil, err
	}
	l.site.Hash = "sha256:" + hex.EncodeToString(l.hash.Sum(nil))
	l.site.Store.Index()
	return l.site, nil
}

// Camera returns the settings of a camera by its id.
func (s *Site) Camera(id string) (Camera, bool) {
	for _, c := range s.Cameras {
		if c.ID == id {
			return c, true
		}
	}
	return Camera{}, false
}
