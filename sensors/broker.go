package sensors

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"magpie/sensors/message"
	"magpie/site"
)

// BrokerOptions are the settings of the embedded broker; Listen, Dir and Store have no default.
type BrokerOptions struct {
	Listen  string                   // host:port; port 0 takes a free one
	Dir     string                   // where it keeps sessions and what is on its way
	Store   string                   // the store's id
	Foreign []site.Source            // other makers' topics, which their sources' users may publish on
	Users   string                   // file of user:password[:source,…[:filter,…]] lines; empty: anyone, on a loopback address only
	Certain bool                     // with TLS.CA: the name in its certificate is who a client is; its user and password count for nothing
	TLS     Files                    // of the broker; with CA every client needs a certificate; none: plain MQTT
	Sync    time.Duration            // how often it syncs its files; 0: always, before it acknowledges
	Rate    int                      // bytes a second that one client may send, each packet counting for 512 more, beyond which it is slowed; 2 MiB
	Again   time.Duration            // after which it sends again what nobody acknowledged, also over a reconnect; 5 s
	Keep    bool                     // it keeps every message for Client, from the first one on; else for whom subscribes, from then on
	Bounds  Bounds                   // of what it keeps for others, while Run runs
	Known   func(topic string) bool  // whether the site has a topic's source: what is retained there goes last; nil: it has none
	Forgot  func(what string, n int) // hears what went at the bounds, retained or session; may be nil
	Log     *slog.Logger             // nil: nothing
}

// Broker is an MQTT 3.1.1 broker in this process: a NATS server that listens for MQTT only, on this machine, behind an entrance.
type Broker struct {
	opts       *server.Options
	log        natsLog
	scheme     string
	password   string
	client     string
	guard      *guard            // nil: plain MQTT
	identities map[string]string // passwords of the users that certificates name; nil: clients name their users themselves
	rate       int
	bounds     Bounds
	known      func(topic string) bool
	forgot     func(what string, n int)
	address    string        // where clients connect
	failed     chan struct{} // holds one when the server can no longer write

	mu       sync.Mutex
	nats     *server.Server
	entrance *entrance // nil while the server is not for clients
}

// ownUser is who Magpie itself is on its own broker.
const ownUser = "magpie"

// NewBroker starts a broker and returns when it takes connections.
func NewBroker(o BrokerOptions) (*Broker, error) {
	open, users, identities, err := o.check()
	if err != nil {
		return nil, err
	}
	b := &Broker{identities: identities, password: rand.Text(), scheme: "mqtt", rate: cmp.Or(o.Rate, 2<<20), failed: make(chan struct{}, 1), bounds: o.Bounds.filled(), known: o.Known, forgot: o.Forgot}
	b.log = natsLog{cmp.Or(o.Log, slog.New(slog.DiscardHandler)), b.failed}
	if o.TLS != (Files{}) {
		if b.guard, err = newGuard(o.TLS, b.log.log); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
		b.scheme = "mqtts"
	}
	b.opts = &server.Options{
		ServerName: "magpie", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: o.Dir, SyncAlways: o.Sync == 0, SyncInterval: cmp.Or(o.Sync, time.Minute),
		MaxPayload: 2 * maxPayload, // more than the contract allows, so that what is too big is told so and not cut off
		Users:      append(users, &server.User{Username: ownUser, Password: b.password}),
		MQTT:       server.MQTTOpts{Host: "127.0.0.1", MaxAckPending: 4096, AckWait: cmp.Or(o.Again, 5*time.Second)},
	}
	if b.guard != nil {
		b.opts.MQTT.TLSConfig = b.guard.inside()
	}
	if open && b.guard == nil {
		b.log.Warnf("the broker listens on %s without TLS, so that others on the network can read passwords and messages: set cert_file and key_file under broker", o.Listen)
	}
	if o.Users == "" {
		b.opts.MQTT.NoAuthUser = anyone
	}
	listener, err := o.listen()
	if err != nil {
		return nil, err
	}
	if o.Keep {
		err = b.keep()
	}
	if err == nil {
		err = b.start()
	}
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("broker: %w", err)
	}
	b.open(listener) // not before it keeps what comes
	return b, nil
}

// Check reports why a broker with these options cannot be started, as far as that is known without writing anything.
func (o BrokerOptions) Check() error {
	_, _, _, err := o.check()
	return err
}

// check gives the users, and whether the broker is open to others than this machine.
func (o BrokerOptions) check() (open bool, users []*server.User, identities map[string]string, err error) {
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return false, nil, nil, fmt.Errorf("broker: listen %q: %w (give host:port)", o.Listen, err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return false, nil, nil, fmt.Errorf("broker: listen %q: the port is no number from 0 to 65535", o.Listen)
	}
	if o.Certain && (o.Users == "" || o.TLS.CA == "") {
		return false, nil, nil, errors.New("broker: use_identity_as_username needs users, which says what each may do, and client_ca_file, whose certificates say who each is")
	}
	if users, identities, err = o.users(); err != nil {
		return false, nil, nil, err
	}
	ip := net.ParseIP(host)
	if open = host != "localhost" && (ip == nil || !ip.IsLoopback()); open && o.Users == "" {
		return false, nil, nil, fmt.Errorf("broker: listen %q is open to the network and there are no users: set broker.users in the site file, or listen on 127.0.0.1", o.Listen)
	}
	l, err := o.listen()
	if err != nil {
		return false, nil, nil, err
	}
	return open, users, identities, l.Close()
}

// listen takes the port, or says what to do where somebody else has it.
func (o BrokerOptions) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", o.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("broker: another program listens on %s: if it is the broker to use, give --broker mqtt://%s or broker.url in the site file, else set broker.listen there to another port",
			o.Listen, o.Listen)
	}
	if err != nil {
		return nil, fmt.Errorf("broker: cannot listen on %s: %w; set broker.listen in the site file to an address of this machine", o.Listen, err)
	}
	return l, nil
}

// URL is where clients connect, mqtt://host:port.
func (b *Broker) URL() string { return b.scheme + "://" + b.address }

// OwnURL is where Magpie itself connects, which nothing slows.
func (b *Broker) OwnURL() string {
	return b.scheme + "://" + net.JoinHostPort(b.opts.MQTT.Host, strconv.Itoa(b.opts.MQTT.Port))
}

// Own is the user and password with which Magpie itself may do everything; they change with every start.
func (b *Broker) Own() (user, password string) { return ownUser, b.password }

// OwnTLS is how Magpie itself connects to OwnURL where the broker speaks TLS, else nil.
func (b *Broker) OwnTLS() *tls.Config {
	if b.guard == nil {
		return nil
	}
	return b.guard.client()
}

// Client is the client id for which the broker keeps every message. Nobody else knows it: who connects under a client's id
// takes its place, and what waits for it.
func (b *Broker) Client() string { return b.client }

// anyone is the user that a client without a name is.
const anyone = "anyone"

// noRead is what nobody but Magpie may subscribe to. $MQTT is not in it: the server itself refuses subscriptions there,
// and hands every session its QoS 1 and 2 messages through subjects below it.
func noRead() []string { return subjects("$JS/#", "$SYS/#") }

// users reads who may do what. $JS, $SYS and $MQTT are the server's own topics: a message on $JS/API deletes what the
// broker keeps.
func (o *BrokerOptions) users() (users []*server.User, identities map[string]string, err error) {
	ours := []string{message.Topic(o.Store, "alert", "#"), message.Topic(o.Store, "rejected", "#")}
	open := &server.Permissions{
		Publish:   &server.SubjectPermission{Deny: subjects(append(ours, "$JS/#", "$SYS/#", "$MQTT/#")...)},
		Subscribe: &server.SubjectPermission{Deny: noRead()},
	}
	if o.Users == "" {
		return []*server.User{{Username: anyone, Password: rand.Text(), Permissions: open}}, nil, nil
	}
	text, err := os.ReadFile(o.Users)
	if err != nil {
		return nil, nil, fmt.Errorf("broker: users: %w", err)
	}
	if o.Certain {
		identities = map[string]string{}
	}
	var errs []error
	plain := 0
	seen := map[string]bool{ownUser: true, anyone: true}
	for i, raw := range strings.Split(string(text), "\n") {
		line := strings.TrimSpace(raw)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(line, ":")
		password, rest, listed := strings.Cut(rest, ":")
		sources, filters, reads := strings.Cut(rest, ":")
		switch {
		case name == "" || password == "" && !o.Certain:
			errs = append(errs, fmt.Errorf("%s:%d:1: want user:password, or user:password:source,source", o.Users, i+1))
			continue
		case seen[name]:
			errs = append(errs, fmt.Errorf("%s:%d:1: the name %q is taken: choose another", o.Users, i+1, name))
			continue
		}
		seen[name] = true
		u := &server.User{Username: name, Password: password, Permissions: open}
		if listed {
			ids, err := sourceIDs(sources)
			if err != nil {
				at := strings.LastIndex(raw, sources) + 1
				errs = append(errs, fmt.Errorf("%s:%d:%d: user %q: %w", o.Users, i+1, at, name, err))
				continue
			}
			u.Permissions = o.vendor(ids, open.Publish.Deny)
			if reads {
				more, err := readFilters(filters)
				if err != nil {
					at := strings.LastIndex(raw, filters) + 1
					errs = append(errs, fmt.Errorf("%s:%d:%d: user %q: %w", o.Users, i+1, at, name, err))
					continue
				}
				u.Permissions.Subscribe.Allow = append(u.Permissions.Subscribe.Allow, subjects(more...)...)
			}
		}
		users = append(users, u)
		if o.Certain {
			u.Password = rand.Text()
			identities[name] = u.Password
		} else if !strings.HasPrefix(password, "$2") {
			plain++
		}
	}
	if plain > 0 && o.Log != nil {
		o.Log.Warn("the users file holds passwords as they are; bcrypt hashes (htpasswd -nbB) serve too", "file", o.Users, "passwords", plain)
	}
	return users, identities, errors.Join(errs...)
}

// sourceIDs reads the sources of a user; there is at least one, for an empty list of what is allowed allows everything.
func sourceIDs(text string) ([]string, error) {
	ids := strings.Split(text, ",")
	for i, id := range ids {
		id = strings.TrimSpace(id)
		ids[i] = id
		bad := func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/+#*>\\\"'", r) }
		switch {
		case id == "":
			return nil, errors.New("an empty source id: name the user's sources, as in user:password:r-door,g1, or write user:password for one who may publish as any source")
		case len(id) > 64 || strings.ContainsFunc(id, bad):
			return nil, fmt.Errorf("the source id %q must be at most 64 characters without spaces, quotes, / + # * or >: write it as in the site file", id)
		}
	}
	return ids, nil
}

// readFilters reads the topics that a user may read beside what was rejected of its own.
func readFilters(text string) ([]string, error) {
	var filters []string
	for f := range strings.SplitSeq(text, ",") {
		f = strings.TrimSpace(f)
		filters = append(filters, f)
		if parent, ok := strings.CutSuffix(f, "/#"); ok { // which # stands for too
			filters = append(filters, parent)
		}
		levels := strings.Split(f, "/")
		for n, l := range levels {
			if f == "" || strings.ContainsAny(l, " *>") || l != "+" && l != "#" && strings.ContainsAny(l, "+#") || l == "#" && n < len(levels)-1 {
				return nil, fmt.Errorf("%q is no MQTT filter that may be read: + and # stand alone between slashes, # only at the end, no spaces, * or >", f)
			}
		}
	}
	return filters, nil
}

// vendor is what a user with sources of its own may do: publish as these sources, and read why they were rejected.
func (o *BrokerOptions) vendor(sources, deny []string) *server.Permissions {
	var publish, read []string
	for _, id := range sources {
		publish = append(publish, message.Topic(o.Store, "+", id))
		read = append(read, message.Topic(o.Store, "rejected", "+/"+id))
		for _, f := range o.Foreign {
			if topic, ok := filled(f.Topic, f.ID, id); ok {
				publish = append(publish, topic)
			}
		}
	}
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: subjects(publish...), Deny: deny},
		Subscribe: &server.SubjectPermission{Allow: subjects(read...), Deny: noRead()},
	}
}

// filled is a foreign topic filter with the wildcard that names the source replaced by its id.
func filled(filter, template, id string) (string, bool) {
	if template == id {
		return filter, true
	}
	n := 0
	levels := strings.Split(filter, "/")
	for i, l := range levels {
		if l != "+" && l != "#" {
			continue
		}
		n++
		if template == "{"+strconv.Itoa(n)+"}" {
			levels[i] = id
			return strings.Join(levels, "/"), true
		}
	}
	return "", false
}

// subjects writes MQTT filters as the NATS server names them.
func subjects(filters ...string) []string {
	var all []string
	for _, f := range filters {
		levels := strings.Split(f, "/")
		for i, l := range levels {
			switch l {
			case "":
				levels[i] = "/"
			case "+":
				levels[i] = "*"
			case "#":
				levels[i] = ">"
			default:
				levels[i] = strings.ReplaceAll(l, ".", "//")
			}
		}
		all = append(all, strings.Join(levels, "."))
	}
	return all
}
