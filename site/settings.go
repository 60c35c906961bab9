package site

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
	"magpie/strict"
)

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts

func (l *loader) currency(n *yaml.Node) string {
	c := l.Text(n, "currency")
	if c != "" && (len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		l.Fail(n, "currency wants three capital letters (ISO 4217), such as GBP, not %q", strict.Clip(c))
	}
	return c
}

func (l *loader) timezone(n *yaml.Node) *time.Location {
	name := l.Text(n, "timezone")
	if name == "" {
		l.site.Notes = append(l.site.Notes, "no timezone is given, so local time is UTC")
		return time.UTC
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		l.Fail(n, "unknown timezone %q; give a name of the IANA list, such as Europe/London", strict.Clip(name))
		return time.UTC
	}
	return loc
}

var hoursForm = regexp.MustCompile(`^([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})$`)

// hours reads {mon-sat: "07:00-23:00", sun: closed}; days left out are closed.
func (l *loader) hours(n *yaml.Node) (week [7]fusion.Hours) {
	o := l.Mapping(n, "hours")
	var given [7]bool
	for _, k := range o.Keys {
		from, to, ok := dayRange(k.Value)
		if !ok {
			l.Fail(k, "hours: unknown day %q; write mon, tue, wed, thu, fri, sat, sun or a range such as mon-sat", strict.Clip(k.Value))
			continue
		}
		h := l.open(o.Get(k.Value))
		for d := from; ; d = (d + 1) % 7 {
			if given[d] {
				l.Fail(k, "hours: %s is given twice; keep one", days[d])
			}
			given[d], week[d] = true, h
			if d == to {
				break
			}
		}
	}
	if len(o.Keys) > 0 && week == [7]fusion.Hours{} && len(l.Errors) == 0 {
		l.Fail(o.Node, "hours: the store is never open; leave hours out for a store that is always open")
	}
	return week
}

func dayRange(key string) (from, to int, ok bool) {
	a, b, ranged := strings.Cut(key, "-")
	if !ranged {
		b = a
	}
	from, to = -1, -1
	for i, d := range days {
		if a == d {
			from = i
		}
		if b == d {
			to = i
		}
	}
	return from, to, from >= 0 && to >= 0
}

func (l *loader) open(n *yaml.Node) fusion.Hours {
	text := l.Text(n, "hours")
	if text == "closed" || text == "" {
		return fusion.Hours{}
	}
	if m := hoursForm.FindStringSubmatch(text); m != nil {
		var v [4]int
		for i := range v {
			v[i], _ = strconv.Atoi(m[i+1]) // two digits
		}
		h := fusion.Hours{From: v[0]*60 + v[1], To: v[2]*60 + v[3]}
		if v[1] < 60 && v[3] < 60 && h.From < h.To && h.To <= 24*60 {
			return h
		}
	}
	l.Fail(n, "hours want \"HH:MM-HH:MM\" within one day (up to 24:00) or closed, not %q", strict.Clip(text))
	return fusion.Hours{}
}

func (l *loader) labels(n *yaml.Node) map[string]string {
	o, all := l.Mapping(n, "labels"), map[string]string{}
	for _, k := range o.Keys {
		all[k.Value] = l.Text(o.Get(k.Value), "label "+strict.Clip(k.Value))
	}
	return all
}

// maxLateness bounds how long a judgement may wait, and with it what the core must keep.
const maxLateness = 60 * time.Second

func (l *loader) lateness(n *yaml.Node) (late [len(fusion.Kinds)]time.Duration) {
	for i := range late {
		late[i] = 3 * time.Second
	}
	late[fusion.Weight], late[fusion.RFID], late[fusion.Gate] = 500*time.Millisecond, 2*time.Second, 2*time.Second
	o := l.Mapping(n, "lateness", fusion.Kinds[:fusion.Status]...)
	for i, k := range fusion.Kinds[:fusion.Status] {
		if v := o.Get(k); v != nil {
			late[i] = l.boundedLateness(v, "lateness of "+k)
		}
	}
	return late
}

func (l *loader) boundedLateness(n *yaml.Node, what string) time.Duration {
	d := l.Duration(n, what, 0, longest)
	if d > maxLateness {
		l.Fail(n, "%s is %v and may be at most %v: every judgement waits for it", what, d, maxLateness)
	}
	return d
}

func (l *loader) staff(n *yaml.Node) {
	o := l.Mapping(n, "staff", "badges", "starts_in", "tasks")
	staff := &l.site.Store.Staff
	for _, b := range l.List(o.Get("badges"), "badges") {
		badge := l.Text(b, "badge")
		if i := strings.IndexByte(badge, '*'); i >= 0 && i != len(badge)-1 {
			l.Fail(b, "badge %q: * may only stand at the end", strict.Clip(badge))
		}
		staff.Badges = append(staff.Badges, badge)
	}
	for _, p := range l.List(o.Get("starts_in"), "starts_in") {
		staff.StartsIn = append(staff.StartsIn, l.place(p)...)
	}
	staff.Tasks = l.tasks(o.Get("tasks"))
}

// place reads a zone kind, which stands for all its zones, or "id:" and the id of one.
func (l *loader) place(n *yaml.Node) []int {
	word := l.Text(n, "starts_in")
	if id, one := strings.CutPrefix(word, "id:"); one {
		if i, ok := l.zones[id]; ok {
			return []int{i}
		}
		l.Fail(n, "starts_in: unknown zone %q; %s", strict.Clip(id), strict.Suggest(id, l.zoneIDs()))
		return nil
	}
	kind := l.choose(n, "starts_in", fusion.ZoneKinds[:]...)
	var zones []int
	for i, z := range l.site.Store.Zones {
		if kind >= 0 && z.Kind == fusion.ZoneKind(kind) {
			zones = append(zones, i)
		}
	}
	if kind >= 0 && zones == nil {
		l.site.Notes = append(l.site.Notes, fmt.Sprintf("staff.starts_in names %s, and the store has no zone of that kind", word))
	}
	return zones
}

// Placeholder is what the id of a source of other makers' topics may hold: {1} for what the first wildcard of the topic stands
// for, or {payload.a.b} for a member of the payload.
var Placeholder = regexp.MustCompile(`\{([^}]*)\}`)

// foreign reads other makers' topics.
func (l *loader) foreign(n *yaml.Node) {
	for _, c := range l.List(n, "sources") {
		o := l.Mapping(c, "source", "topic", "decoder", "kind", "id", "unit", "each", "map", "zones", "direction")
		s := Source{At: l.at(c), Topic: l.Text(o.Need("topic", ""), "topic"), ID: l.Text(o.Need("id", ""), "id"), Decoder: l.Text(o.Get("decoder"), "decoder")}
		captures, good := topicFilter(s.Topic)
		if s.Topic != "" && !good {
			l.Fail(o.Get("topic"), "topic %q is no MQTT filter: + and # stand alone between slashes, # only at the end", strict.Clip(s.Topic))
		}
		if strings.HasPrefix(s.Topic, "magpie/") {
			l.Fail(o.Get("topic"), "topic %q is Magpie's own; its sources need no entry here", strict.Clip(s.Topic))
		}
		l.sourceID(o.Get("id"), s.ID, captures)
		kind, members := o.Get("kind"), o.Get("map")
		switch {
		case s.Decoder == "" && (kind == nil || members == nil):
			l.Fail(c, "source: give a decoder, or kind and map")
		case (kind == nil) != (members == nil): // a decoder that takes none of them says so itself
			l.Fail(o.Get("decoder"), "source: kind and map belong together; give both, or the decoder alone")
		}
		if units := []string{"lb", "oz", "kg", "g"}; l.choose(o.Get("unit"), "unit", units...) >= 0 {
			s.Unit = o.Get("unit").Value
		}
		if each := o.Get("each"); each != nil {
			s.Each = &Mapping{l.at(each), "each", l.Text(each, "each")}
		}
		s.Kind = fusion.Kind(max(0, l.choose(kind, "source kind", fusion.Kinds[:]...)))
		m := l.Mapping(members, "map")
		for _, k := range m.Keys {
			s.Map = append(s.Map, Mapping{l.at(m.Get(k.Value)), k.Value, l.Text(m.Get(k.Value), "map "+strict.Clip(k.Value))})
		}
		s.Zones = l.zoneNames(o.Get("zones"))
		if i := l.choose(o.Get("direction"), "direction", "in", "out"); i >= 0 {
			s.Direction = []string{"in", "out"}[i]
		}
		l.site.Sources = append(l.site.Sources, s)
	}
}

// zoneNames reads what a device calls the store's zones.
func (l *loader) zoneNames(n *yaml.Node) map[string]string {
	if n == nil {
		return nil
	}
	names := map[string]string{}
	o := l.Mapping(n, "zones")
	for _, k := range o.Keys {
		if z := l.zoneRef(o.Get(k.Value), "zones "+strict.Clip(k.Value)); z >= 0 {
			names[k.Value] = l.site.Store.Zones[z].ID
		}
	}
	return names
}

// topicFilter counts the wildcards of an MQTT filter, each of which captures a part.
func topicFilter(topic string) (captures int, ok bool) {
	levels := strings.Split(topic, "/")
	for i, level := range levels {
		switch {
		case level == "+" || level == "#" && i == len(levels)-1:
			captures++
		case strings.ContainsAny(level, "+#\x00"):
			return 0, false
		}
	}
	return captures, topic != ""
}

func (l *loader) sourceID(n *yaml.Node, id string, captures int) {
	found := Placeholder.FindAllStringSubmatch(id, -1)
	for _, m := range found {
		if path, ok := strings.CutPrefix(m[1], "payload."); ok && path != "" {
			continue
		}
		if i, err := strconv.Atoi(m[1]); err != nil || i < 1 || i > captures {
			l.Fail(n, "id %q: %s names no wildcard of the topic, which has %d", strict.Clip(id), m[0], captures)
		}
	}
	if _, known := l.ids[id]; !known && len(found) == 0 && id != "" {
		var ids []string
		for k := range l.ids {
			ids = append(ids, k)
		}
		sort.Strings(ids)
		l.Fail(n, "unknown source %q; %s", strict.Clip(id), strict.Suggest(id, ids))
	}
}

// address reads a URL with one of the schemes.
func (l *loader) address(n *yaml.Node, what string, schemes ...string) string {
	text := l.Text(n, what)
	if text == "" {
		return ""
	}
	if err := checkURL(text, schemes); err != nil {
		l.Fail(n, "%s %v", what, err)
		return ""
	}
	return text
}

// brokerSchemes are those that the URL of an outer broker may have.
var brokerSchemes = []string{"mqtt", "mqtts", "tcp", "ssl", "ws", "wss"}

// CheckBroker says what is wrong with the URL of an outer broker; nil: nothing.
func CheckBroker(text string) error { return checkURL(text, brokerSchemes) }

func checkURL(text string, schemes []string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return fmt.Errorf("wants a URL that begins with %s://, not %q", strings.Join(schemes, ":// or "), strict.Clip(text))
	}
	if _, secret := u.User.Password(); secret {
		return errors.New("holds a password; secrets come from files only")
	}
	return nil
}

func (l *loader) hostPort(n *yaml.Node, what string) string {
	text := l.Text(n, what)
	if text == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(text)
	if v, bad := strconv.Atoi(port); err != nil || bad != nil || v < 0 || v > 65535 {
		l.Fail(n, "%s wants host:port, not %q", what, strict.Clip(text))
	}
	return text
}

// truth reads true or false; left out is false.
func (l *loader) truth(n *yaml.Node, what string) bool {
	if n != nil && (n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool") {
		l.Fail(n, "%s wants true or false, not %s", what, strict.Shape(n))
		return false
	}
	return n != nil && strings.EqualFold(n.Value, "true")
}

func (l *loader) broker(n *yaml.Node) {
	o := l.Mapping(n, "broker", "listen", "users", "url", "user", "password_file", "ca_file", "cert_file", "key_file", "client_ca_file", "use_identity_as_username")
	b := &l.site.Broker
	b.Listen = l.hostPort(o.Get("listen"), "listen")
	b.Users = l.path(o.Get("users"), "users")
	b.URL = l.address(o.Get("url"), "url", brokerSchemes...)
	b.User, b.PasswordFile = l.Text(o.Get("user"), "user"), l.path(o.Get("password_file"), "password_file")
	b.CAFile, b.ClientCAFile = l.path(o.Get("ca_file"), "ca_file"), l.path(o.Get("client_ca_file"), "client_ca_file")
	b.CertFile, b.KeyFile = l.path(o.Get("cert_file"), "cert_file"), l.path(o.Get("key_file"), "key_file")
	if b.URL != "" && b.Listen != "" {
		l.Fail(o.Get("url"), "broker: give listen for the embedded broker or url for an outer one, not both")
	}
	certain := o.Get("use_identity_as_username")
	b.Certain = l.truth(certain, "use_identity_as_username")
	for _, k := range []string{"client_ca_file", "users"} {
		if b.Certain && o.Get(k) == nil {
			l.Fail(certain, "broker: use_identity_as_username needs %s: the certificates say who each client is, and users what each may do", k)
		}
	}
	for _, k := range []string{"user", "password_file", "ca_file"} {
		if o.Get(k) != nil && o.Get("url") == nil {
			l.Fail(o.Get(k), "broker: %s belongs to an outer broker; give its url too", k)
		}
	}
	for _, pair := range [][2]string{{"cert_file", "key_file"}, {"key_file", "cert_file"}, {"client_ca_file", "cert_file"}} {
		if o.Get(pair[0]) != nil && o.Get(pair[1]) == nil {
			l.Fail(o.Get(pair[0]), "broker: %s needs %s too", pair[0], pair[1])
		}
	}
	if n := o.Get("client_ca_file"); n != nil && o.Get("url") != nil {
		l.Fail(n, "broker: client_ca_file belongs to the embedded broker, and url names an outer one; leave it out, or write ca_file for the authority of the outer one")
	}
	if b.Listen == "" && b.URL == "" {
		b.Listen = "127.0.0.1:1883"
	}
}

func (l *loader) influx(n *yaml.Node) {
	o := l.Mapping(n, "influx", "url", "org", "bucket", "token_file")
	if o.Node == nil {
		return
	}
	l.site.Influx = Influx{URL: l.address(o.Need("url", ""), "url", "http", "https"), Org: l.Text(o.Get("org"), "org"),
		Bucket: l.Text(o.Get("bucket"), "bucket"), TokenFile: l.path(o.Get("token_file"), "token_file")}
	if l.site.Influx.Bucket == "" {
		l.site.Influx.Bucket = "magpie"
	}
}

func (l *loader) outputs(n *yaml.Node) {
	m := l.Mapping(n, "outputs")
	for _, k := range m.Keys {
		o := l.Mapping(m.Get(k.Value), "output "+strict.Clip(k.Value), "webhook", "smtp", "pos", "secret_file")
		out := Output{Name: k.Value, Webhook: l.address(o.Get("webhook"), "webhook", "http", "https"),
			POS: l.address(o.Get("pos"), "pos", "http", "https"), SMTP: l.smtp(o.Get("smtp")),
			SecretFile: l.path(o.Get("secret_file"), "secret_file")}
		given := 0
		for _, kind := range []string{"webhook", "smtp", "pos"} {
			if o.Get(kind) != nil {
				given++
			}
		}
		if given != 1 {
			l.Fail(k, "output %q: give exactly one of webhook, smtp and pos", strict.Clip(k.Value))
		}
		if o.Get("webhook") != nil && out.SecretFile == "" {
			l.Fail(k, "output %q: a webhook is signed; give the secret_file with its key", strict.Clip(k.Value))
		}
		l.site.Outputs = append(l.site.Outputs, out)
	}
	sort.Slice(l.site.Outputs, func(i, j int) bool { return l.site.Outputs[i].Name < l.site.Outputs[j].Name })
}

// smtp reads smtp[s]://[user@]host[:port]?from=…&to=…; the password is in the output's secret_file.
func (l *loader) smtp(n *yaml.Node) string {
	text := l.address(n, "smtp", "smtp", "smtps")
	if u, err := url.Parse(text); text != "" && err == nil && (u.Query().Get("from") == "" || u.Query().Get("to") == "") {
		l.Fail(n, "smtp wants the addresses too: smtp://user@host:587?from=a@b&to=c@d,e@f")
	}
	return text
}

func (l *loader) money(budget, cost *yaml.Node) {
	b := l.Mapping(budget, "budget", "day", "hour", "source")
	l.site.Budget = Budget{Day: l.integer(b.Get("day"), "day"), Hour: l.integer(b.Get("hour"), "hour"), Source: l.integer(b.Get("source"), "source")}
	c := l.Mapping(cost, "cost", "false_alarm", "recover")
	l.site.Cost = Cost{FalseAlarm: 25, Recover: 0.6}
	if v := c.Get("false_alarm"); v != nil {
		l.site.Cost.FalseAlarm = l.positive(v, "false_alarm")
	}
	if v := c.Get("recover"); v != nil {
		if l.site.Cost.Recover = l.positive(v, "recover"); l.site.Cost.Recover > 1 {
			l.Fail(v, "recover is a share of 0 to 1, not %g", l.site.Cost.Recover)
		}
	}
}

func (l *loader) policies(n *yaml.Node) {
	o := l.Mapping(n, "policies", "dir", "signers", "overrides")
	l.site.Policies = Policies{Dir: l.path(o.Get("dir"), "dir"), Overrides: map[string]Override{}}
	for _, k := range l.List(o.Get("signers"), "signers") {
		key := l.Text(k, "signers")
		if b, err := base64.StdEncoding.DecodeString(key); key != "" && (err != nil || len(b) != 42 || string(b[:2]) != "Ed") {
			l.Fail(k, "signers wants public keys of minisign: the line of minisign.pub that begins with RW, not %s", strict.Shape(k))
		}
		l.site.Policies.Signers = append(l.site.Policies.Signers, key)
	}
	all := l.Mapping(o.Get("overrides"), "overrides")
	for _, k := range all.Keys {
		c := l.Mapping(all.Get(k.Value), "override "+strict.Clip(k.Value), "mode", "params")
		over := Override{At: l.at(k), Params: map[string]any{}}
		modes := []string{"live", "shadow", "off"}
		if m := l.choose(c.Get("mode"), "mode", modes...); m >= 0 {
			over.Mode = modes[m]
		}
		params := l.Mapping(c.Get("params"), "params")
		for _, p := range params.Keys {
			over.Params[p.Value] = l.param(params.Get(p.Value), p.Value)
		}
		l.site.Policies.Overrides[k.Value] = over
	}
}

func (l *loader) param(n *yaml.Node, name string) any {
	if n.Kind == yaml.ScalarNode {
		switch n.ShortTag() {
		case "!!int", "!!float":
			return l.number(n, "param "+name)
		case "!!bool":
			return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
		}
	}
	return l.Text(n, "param "+name)
}
