package sensors

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/google/go-cmp/cmp"
)

// TestChargesChangeNothing evaluates expressions as they stand in a site file and as expr has them: they give the same.
func TestChargesChangeNothing(t *testing.T) {
	payload := []byte(`{"n":3,"s":"a,b;c","l":[3,1,2,1],"t":["x","y","x"],"o":{"b":2,"a":[1,{"c":null}]},"r":[{"e":"E2","a":1},{"e":"E3","a":2},{"e":"E4","a":1}],
		"j":"{\"reads\":[{\"e\":\"E2\",\"n\":1.5},{\"e\":\"\\u0041\"}]}"}`)
	var plainPayload any
	if err := json.Unmarshal(payload, &plainPayload); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`payload.n + 1`, `payload.n + payload.n`, `"a" + payload.s + "b"`, `payload.s + payload.s`, `1..4`, `1..payload.n`, `2 in 1..3`, `"x" in payload.t`, `5 in payload.l`,
		`payload.o in [payload.o]`, `"a" in payload.o`, `payload.n in [1, 2, 3]`, `filter(payload.r, .a == 1)`, `map(payload.r, .e + "0")`, `map(payload.r, #index)`,
		`map(filter(payload.r, .a == 1), .e)`, `count(payload.r, .a == 1)`, `count(payload.r, .a in payload.l)`, `sum(payload.l)`, `sum(payload.l, # * 2)`, `find(payload.r, .a == 2)`,
		`findIndex(payload.r, .a == 2)`, `findLast(payload.r, .a == 1).e`, `findLastIndex(payload.l, # == 1)`, `all(payload.l, # > 0)`, `any(payload.l, # > 2)`, `none(payload.l, # > 3)`,
		`one(payload.l, # == 2)`, `reduce(payload.l, #acc + #)`, `reduce(payload.l, #acc + #, 10)`, `reduce(payload.t, #acc + #, "")`, `sortBy(payload.r, .e, "desc")`,
		`groupBy(payload.r, .e)["E3"]`, `len(groupBy(payload.r, .a))`, `upper("aß")`, `lower("AÄ")`, `split(payload.s, ",")`, `split(payload.s, ",", 1)`, `splitAfter(payload.s, ";")`,
		`replace(payload.s, ",", "--")`, `replace(payload.s, ",", "", 1)`, `repeat("ab", 3)`, `join(payload.t)`, `join(payload.t, "/")`, `join(split(payload.s, ","), "")`, `concat(payload.l, payload.t)`,
		`flatten([payload.l, [payload.t]])`, `reverse(payload.l)`, `sort(payload.l)`, `sort(payload.t, "desc")`, `uniq(payload.l)`, `uniq(payload.r)`, `median(payload.l)`, `mean(payload.l)`,
		`max(payload.l, 9)`, `fromPairs([["a", 1], ["b", payload.t]])["b"]`, `string(payload.n)`, `string(payload.t)`, `int("5")`, `int(payload.n)`, `float("5.5")`, `toBase64(payload.s)`, `fromBase64("YSxi")`,
		`fromJSON(payload.j)`, `fromJSON(payload.j).reads[1].e`, `fromJSON("[1, 2]")`, `string(date("2026-11-22"))`, `string(duration("90s"))`, `payload.s matches "^a"`, `payload.l[1:3]`, `payload.s[0:1]`,
		`let a = payload.l; map(a, a[0] + #)`, `payload.o?.x ?? "none"`, `payload.l | map(# + 1) | filter(# > 2) | len()`, `first(filter(payload.r, .a == 1)).e`,
		`map(payload.l, map(payload.t, #))`,
	} {
		d, err := mapSite(t, `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', mode: 'type(`+text+`) == "nil" ? nil : toJSON(`+text+`)', grams: '1'}}`)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		m := draft{}
		m.topic, m.size = "a", len(payload)
		env := d.mapEnv(&m)
		g := d.foreign[0].made
		g.begin(d, &m)
		d.m.size = 1 << 20
		var r *Rejection
		if env.Payload, r = env.values.read(payload, nil); r != nil {
			t.Fatal(r)
		}
		env.values.left = 1 << 20
		got, err := d.evaluate(g.members[1].program)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		program, err := expr.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := expr.Run(program, map[string]any{"payload": plainPayload})
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
	for text, want := range map[string]string{
		`"a" + 5`:                             `invalid operation: + (mismatched types string and int)`,
		`"a" + payload.s`:                     ``,
		`payload.a + payload.b`:               ``,
		`"a"..3`:                              `invalid operation: .. (mismatched types string and int)`,
		`filter("abc", true)`:                 `builtin filter takes only array (got string)`,
		`upper(5)`:                            `cannot use int as argument (type string) to call upper`,
		`len(payload.s matches "[") + 1`:      `error parsing regexp`,
		`payload.s matches payload.p ? 1 : 2`: `map: grams: matches wants a pattern that is written here, in quotes, and not one of the payload`,
	} {
		_, err := mapSite(t, `{topic: a, kind: weight, id: g1, map: {ts: '"arrival"', grams: '`+text+`'}}`)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}
