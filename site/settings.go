package site

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"magpie/fusion"
)

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts

func (l *loader) currency(n *yaml.Node) string {
	c := l.text(n, "currency")
	if c != "" && (len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		l.failf(n, "currency wants three capital letters (ISO 4217), such as GBP, not %q", clip(c))
	}
	return c
}

func (l *loader) timezone(n *yaml.Node) *time.Location {
	name := l.text(n, "timezone")
	if name == "" {
		l.site.Notes = append(l.site.Notes, "no timezone is given, so local time is UTC")
		return time.UTC
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		l.failf(n, "unknown timezone %q; give a name of the IANA list, such as Europe/London", clip(name))
		return time.UTC
	}
	return loc
}

var hoursForm = regexp.MustCompile(`^([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})$`)

// hours reads {mon-sat: "07:00-23:00", sun: closed}; days left out are closed.
func (l *loader) hours(n *yaml.Node) (week [7]fusion.Hours) {
	o := l.mapping(n, "hours")
	var given [7]bool
	for _, k := range o.keys {
		from, to, ok := dayRange(k.Value)
		if !ok {
			l.failf(k, "hours: unknown day %q; write mon, tue, wed, thu, fri, sat, sun or a range such as mon-sat", clip(k.Value))
			continue
		}
		h := l.open(o.get(k.Value))
		for d := from; ; d = (d + 1) % 7 {
			if given[d] {
				l.failf(k, "hours: %s is given twice; keep one", days[d])
			}
			given[d], week[d] = true, h
			if d == to {
				break
			}
		}
	}
	if len(o.keys) > 0 && week == [7]fusion.Hours{} && len(l.errs) == 0 {
		l.failf(o.node, "hours: the store is never open; leave hours out for a store that is always open")
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
	text := l.text(n, "hours")
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
	l.failf(n, "hours want \"HH:MM-HH:MM\" within one day (up to 24:00) or closed, not %q", clip(text))
	return fusion.Hours{}
}

func (l *loader) labels(n *yaml.Node) map[string]string {
	o, all := l.mapping(n, "labels"), map[string]string{}
	for _, k := range o.keys {
		all[k.Value] = l.text(o.get(k.Value), "label "+clip(k.Value))
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
	o := l.object(n, "lateness", fusion.Kinds[:fusion.Status]...)
	for i, k := range fusion.Kinds[:fusion.Status] {
		if v := o.get(k); v != nil {
			late[i] = l.boundedLateness(v, "lateness of "+k)
		}
	}
	return late
}

func (l *loader) boundedLateness(n *yaml.Node, what string) time.Duration {
	d := l.duration(n, what)
	if d > maxLateness {
		l.failf(n, "%s is %v and may be at most %v: every judgement waits for it", what, d, maxLateness)
	}
	return d
}

func (l *loader) staff(n *yaml.Node) {
	o := l.object(n, "staff", "badges", "starts_in", "tasks")
	staff := &l.site.Store.Staff
	for _, b := range l.list(o.get("badges"), "badges") {
		badge := l.text(b, "badge")
		if i := strings.IndexByte(badge, '*'); i >= 0 && i != len(badge)-1 {
			l.failf(b, "badge %q: * may only stand at the end", clip(badge))
		}
		staff.Badges = append(staff.Badges, badge)
	}
	for _, p := range l.list(o.get("starts_in"), "starts_in") {
		staff.StartsIn = append(staff.StartsIn, l.place(p)...)
	}
	staff.Tasks = l.tasks(o.get("tasks"))
}

// place reads a zone kind, which stands for all its zones, or "id:" and the id of one.
func (l *loader) place(n *yaml.Node) []int {
	word := l.text(n, "starts_in")
	if id, one := strings.CutPrefix(word, "id:"); one {
		if i, ok := l.zones[id]; ok {
			return []int{i}
		}
		l.failf(n, "starts_in: unknown zone %q; %s", clip(id), choice(id, l.zoneIDs()))
		return nil
	}
	kind := l.word(n, "starts_in", fusion.ZoneKinds[:]...)
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

var capture = regexp.MustCompile(`\{([^}]*)\}`)

// foreign reads other makers' topics.
func (l *loader) foreign(n *yaml.Node) {
	for _, c := range l.list(n, "sources") {
		o := l.object(c, "source", "topic", "decoder", "kind", "id", "map")
		s := Source{At: l.at(c), Topic: l.text(o.need("topic"), "topic"), ID: l.text(o.need("id"), "id"), Decoder: l.text(o.get("decoder"), "decoder")}
		captures, good := topicFilter(s.Topic)
		if s.Topic != "" && !good {
			l.failf(o.get("topic"), "topic %q is no MQTT filter: + and # stand alone between slashes, # only at the end", clip(s.Topic))
		}
		if strings.HasPrefix(s.Topic, "magpie/") {
			l.failf(o.get("topic"), "topic %q is Magpie's own; its sources need no entry here", clip(s.Topic))
		}
		l.sourceID(o.get("id"), s.ID, captures)
		kind, members := o.get("kind"), o.get("map")
		switch {
		case s.Decoder != "" && (kind != nil || members != nil):
			l.failf(o.get("decoder"), "source: give either a decoder, or kind and map")
		case s.Decoder == "" && (kind == nil || members == nil):
			l.failf(c, "source: give a decoder, or kind and map")
		}
		s.Kind = fusion.Kind(max(0, l.word(kind, "source kind", fusion.Kinds[:]...)))
		m := l.mapping(members, "map")
		for _, k := range m.keys {
			s.Map = append(s.Map, Mapping{l.at(m.get(k.Value)), k.Value, l.text(m.get(k.Value), "map "+clip(k.Value))})
		}
		l.site.Sources = append(l.site.Sources, s)
	}
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
	found := capture.FindAllStringSubmatch(id, -1)
	for _, m := range found {
		if i, err := strconv.Atoi(m[1]); err != nil || i < 1 || i > captures {
			l.failf(n, "id %q: %s names no wildcard of the topic, which has %d", clip(id), m[0], captures)
		}
	}
	if _, known := l.ids[id]; !known && len(found) == 0 && id != "" {
		var ids []string
		for k := range l.ids {
			ids = append(ids, k)
		}
		sort.Strings(ids)
		l.failf(n, "unknown source %q; %s", clip(id), choice(id, ids))
	}
}

// address reads a URL with one of the schemes.
func (l *loader) address(n *yaml.Node, what string, schemes ...string) string {
	text := l.text(n, what)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !has(schemes, u.Scheme) {
		l.failf(n, "%s wants a URL that begins with %s://, not %q", what, strings.Join(schemes, ":// or "), clip(text))
		return ""
	}
	if _, secret := u.User.Password(); secret {
		l.failf(n, "%s holds a password; secrets come from files only", what)
	}
	return text
}

func (l *loader) hostPort(n *yaml.Node, what string) string {
	text := l.text(n, what)
	if text == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(text)
	if v, bad := strconv.Atoi(port); err != nil || bad != nil || v < 0 || v > 65535 {
		l.failf(n, "%s wants host:port, not %q", what, clip(text))
	}
	return text
}

func (l *loader) broker(n *yaml.Node) {
	o := l.object(n, "broker", "listen", "users", "url", "user", "password_file", "ca_file")
	b := &l.site.Broker
	b.Listen = l.hostPort(o.get("listen"), "listen")
	b.Users = l.path(o.get("users"), "users")
	b.URL = l.address(o.get("url"), "url", "mqtt", "mqtts", "tcp", "ssl", "ws", "wss")
	b.User, b.PasswordFile = l.text(o.get("user"), "user"), l.path(o.get("password_file"), "password_file")
	b.CAFile = l.path(o.get("ca_file"), "ca_file")
	if b.URL != "" && b.Listen != "" {
		l.failf(o.get("url"), "broker: give listen for the embedded broker or url for an outer one, not both")
	}
	for _, k := range []string{"user", "password_file", "ca_file"} {
		if o.get(k) != nil && o.get("url") == nil {
			l.failf(o.get(k), "broker: %s belongs to an outer broker; give its url too", k)
		}
	}
	if b.Listen == "" && b.URL == "" {
		b.Listen = "127.0.0.1:1883"
	}
}

func (l *loader) influx(n *yaml.Node) {
	o := l.object(n, "influx", "url", "org", "bucket", "token_file")
	if o.node == nil {
		return
	}
	l.site.Influx = Influx{URL: l.address(o.need("url"), "url", "http", "https"), Org: l.text(o.get("org"), "org"),
		Bucket: l.text(o.get("bucket"), "bucket"), TokenFile: l.path(o.get("token_file"), "token_file")}
	if l.site.Influx.Bucket == "" {
		l.site.Influx.Bucket = "magpie"
	}
}

func (l *loader) outputs(n *yaml.Node) {
	m := l.mapping(n, "outputs")
	for _, k := range m.keys {
		o := l.object(m.get(k.Value), "output "+clip(k.Value), "webhook", "smtp", "pos", "secret_file")
		out := Output{Name: k.Value, Webhook: l.address(o.get("webhook"), "webhook", "http", "https"),
			POS: l.address(o.get("pos"), "pos", "http", "https"), SMTP: l.smtp(o.get("smtp")),
			SecretFile: l.path(o.get("secret_file"), "secret_file")}
		given := 0
		for _, kind := range []string{"webhook", "smtp", "pos"} {
			if o.get(kind) != nil {
				given++
			}
		}
		if given != 1 {
			l.failf(k, "output %q: give exactly one of webhook, smtp and pos", clip(k.Value))
		}
		if o.get("webhook") != nil && out.SecretFile == "" {
			l.failf(k, "output %q: a webhook is signed; give the secret_file with its key", clip(k.Value))
		}
		l.site.Outputs = append(l.site.Outputs, out)
	}
	sort.Slice(l.site.Outputs, func(i, j int) bool { return l.site.Outputs[i].Name < l.site.Outputs[j].Name })
}

// smtp reads smtp[s]://[user@]host[:port]?from=…&to=…; the password is in the output's secret_file.
func (l *loader) smtp(n *yaml.Node) string {
	text := l.address(n, "smtp", "smtp", "smtps")
	if u, err := url.Parse(text); text != "" && err == nil && (u.Query().Get("from") == "" || u.Query().Get("to") == "") {
		l.failf(n, "smtp wants the addresses too: smtp://user@host:587?from=a@b&to=c@d,e@f")
	}
	return text
}

func (l *loader) money(budget, cost *yaml.Node) {
	b := l.object(budget, "budget", "day", "hour", "source")
	l.site.Budget = Budget{Day: l.integer(b.get("day"), "day"), Hour: l.integer(b.get("hour"), "hour"), Source: l.integer(b.get("source"), "source")}
	c := l.object(cost, "cost", "false_alarm", "recover")
	l.site.Cost = Cost{FalseAlarm: 25, Recover: 0.6}
	if v := c.get("false_alarm"); v != nil {
		l.site.Cost.FalseAlarm = l.positive(v, "false_alarm")
	}
	if v := c.get("recover"); v != nil {
		if l.site.Cost.Recover = l.positive(v, "recover"); l.site.Cost.Recover > 1 {
			l.failf(v, "recover is a share of 0 to 1, not %g", l.site.Cost.Recover)
		}
	}
}

func (l *loader) policies(n *yaml.Node) {
	o := l.object(n, "policies", "dir", "overrides")
	l.site.Policies = Policies{Dir: l.path(o.get("dir"), "dir"), Overrides: map[string]Override{}}
	all := l.mapping(o.get("overrides"), "overrides")
	for _, k := range all.keys {
		c := l.object(all.get(k.Value), "override "+clip(k.Value), "mode", "params")
		over := Override{At: l.at(k), Params: map[string]any{}}
		modes := []string{"live", "shadow", "off"}
		if m := l.word(c.get("mode"), "mode", modes...); m >= 0 {
			over.Mode = modes[m]
		}
		params := l.mapping(c.get("params"), "params")
		for _, p := range params.keys {
			over.Params[p.Value] = l.param(params.get(p.Value), p.Value)
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
	return l.text(n, "param "+name)
}
