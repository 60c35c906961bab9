package rules

// Form is what a member of a file may hold.
type Form uint8

// The forms. An expression is written in single quotes.
const (
	Text       Form = iota
	ID              // at most 64 letters, digits, - and _
	OneWord         // one of Words
	Number          // between Least and Most
	Share           // a number between 0 and 1, neither of them
	Threshold       // a number above 0, at most 1
	Cost            // a Threshold, or cost
	Flag            // true or false
	Duration        // 500ms, 20s, 2m, 24h
	Truth           // an expression that is true or false
	Quality         // an expression that is true or false, or a number 0–1
	Plain           // a number, a text, true or false
	Needed          // a modality, or modality@zone-kind
	SKU             // up to 14 digits in quotes
	Items           // a list of SKUs, or {SKU: how many}
	Comparison      // ">= 0.6"
	Moment          // 21s, or end
	LocalTime       // 2026-11-20T22:30:00
	Script          // lines of the test notation
	Mapping         // of members, Of
	Free            // a mapping of names of the author's own, each holding Of[0]
	List            // of Of[0]
	OneOrMore       // a Text, or a list of them
)

var formNames = [...]string{"text", "id", "one word", "number", "number between 0 and 1", "number above 0, at most 1", "number above 0, at most 1, or `cost`", "`true` or `false`",
	"duration", "condition", "condition, or number 0–1", "number, text, `true` or `false`", "`modality` or `modality@zone kind`", "SKU in quotes", "list of SKUs, or `{SKU: number}`",
	"comparison in quotes", "time, or `end`", "local time", "lines of events", "mapping", "mapping of names of your own", "list", "text, or list of texts"}

func (f Form) String() string { return formNames[f] }

// Expression reports whether the form is an expression of the language.
func (f Form) Expression() bool { return f == Truth || f == Quality }

// Member is one member of a file that analysts write. The readers take their keys from these tables, and the reference in
// docs/policies.md, the JSON Schema and what editors show are made of them, so that none can say something else.
type Member struct {
	Name        string
	Form        Form
	Words       []Word  // of OneWord
	Least, Most float64 // of Number
	Of          []Member
	Need        bool
	Instead     []string // members beside which it cannot stand
	Default     string   // "" where nothing stands for it
	Doc         string
	Example     string // of its value, as YAML
}

// keys lists the members' names, for a reader.
func keys(of []Member) []string {
	all := make([]string, len(of))
	for i := range of {
		all[i] = of[i].Name
	}
	return all
}

// member finds a member by its name.
func member(of []Member, name string) Member {
	for i := range of {
		if of[i].Name == name {
			return of[i]
		}
	}
	return Member{}
}

// JudgeWords are the kinds of subject.
var JudgeWords = []Word{{"visit", "one person's stay in the store"}, {"till", "a till, by its own events"}, {"cashier", "a cashier, by their events; the site must allow it (`privacy.cashier`)"},
	{"zone", "a zone, by its own events"}, {"store", "the store, by all events and by the alerts of the others"}}

// ModeWords are the modes.
var ModeWords = []Word{{"live", "raises alerts"}, {"shadow", "judged and counted, raises nothing"}, {"off", "only checked"}}

// StrengthWords are the weights in words.
var StrengthWords = []Word{{"weak", "likelihood ratio 3"}, {"moderate", "likelihood ratio 10"}, {"strong", "likelihood ratio 100"}, {"very strong", "likelihood ratio 800"}}

var clearsWords = []Word{{"weak", "likelihood ratio 1/3"}, {"moderate", "likelihood ratio 1/10"}, {"strong", "likelihood ratio 1/100"}, {"very strong", "likelihood ratio 1/800"}}

// ActionWords are what an alert may ask of staff.
var ActionWords = []Word{{"watch", "look, and no more"}, {"offer help", "go there and ask whether one can help"}, {"ask to rescan", "at a self-checkout"}, {"check receipt", "on the way out"},
	{"check the room", "a fitting room, when it is empty"}, {"call manager", "let somebody decide"}}

var evidenceMembers = []Member{
	{Name: "name", Form: Text, Need: true, Doc: "In a few words, what it means. Alerts show it; it never says thief, theft, steal or suspect.", Example: "goods not paid for"},
	{Name: "if", Form: Quality, Need: true, Doc: "When it speaks, and how surely: a condition counts wholly or not at all, a number 0–1 in part.", Example: "'p_unpaid()'"},
	{Name: "weight", Form: OneWord, Words: StrengthWords, Instead: []string{"clears", "lr"}, Doc: "How much it speaks for it. Evidence needs one of `weight`, `clears`, `lr`.", Example: "strong"},
	{Name: "clears", Form: OneWord, Words: clearsWords, Instead: []string{"weight", "lr"}, Doc: "How much it speaks against it: the inverse of the same ratio.", Example: "very strong"},
	{Name: "lr", Form: Number, Least: 1e-6, Most: 1e6, Instead: []string{"weight", "clears"}, Doc: "The likelihood ratio itself, where you have fitted one; below 1 it clears.", Example: "42"},
	{Name: "group", Form: Text, Doc: "Evidence of one kind is not independent: together it adds no more than its strongest member.", Example: "basket"},
	{Name: "half_life", Form: Duration, Doc: "It counts half after so long, and so on; 1ms to 24h. Without one it stays as it is now.", Example: "20s"},
}

var tierMembers = []Member{
	{Name: "log", Form: Threshold, Doc: TierWords[0].Doc, Example: "0.1"},
	{Name: "review", Form: Threshold, Doc: TierWords[1].Doc, Example: "0.3"},
	{Name: "staff", Form: Cost, Doc: TierWords[2].Doc + "; `cost`: the dearer the goods, the lower the score that is enough, never below review", Example: "cost"},
	{Name: "gate", Form: Threshold, Doc: TierWords[3].Doc, Example: "0.9"},
}

var outputMember = []Member{{Form: Text, Doc: "the name of an output of the site file", Example: "floor"}}

var toMembers = []Member{
	{Name: "log", Form: List, Of: outputMember, Doc: "Outputs of the site that get it from this tier up.", Example: "[lp-desk]"},
	{Name: "review", Form: List, Of: outputMember, Doc: "Outputs of the site that get it from this tier up.", Example: "[lp-desk]"},
	{Name: "staff", Form: List, Of: outputMember, Doc: "Outputs of the site that get it from this tier up.", Example: "[floor]"},
	{Name: "gate", Form: List, Of: outputMember, Doc: "Outputs of the site that get it.", Example: "[pos]"},
}

var alertMembers = []Member{
	{Name: "tiers", Form: Mapping, Of: tierMembers, Need: true, Doc: "From which score on the alert is of which tier; each lies above the one before.", Example: "{log: 0.1, review: 0.3, staff: 0.6, gate: 0.9}"},
	{Name: "to", Form: Mapping, Of: toMembers, Doc: "Where the alert goes, by tier; the names are outputs of the site file.", Example: "{review: [lp-desk], staff: [floor]}"},
	{Name: "action", Form: OneWord, Words: ActionWords, Default: "watch", Doc: "What staff are asked to do.", Example: "offer help"},
	{Name: "cooldown", Form: Duration, Default: "2m", Doc: "How long a closed alert of the same subject keeps the next one back; one of a till, a cashier, a zone or the store, which have no end, closes after so long without a change. 1ms to 24h.", Example: "2m"},
	{Name: "message", Form: Text, Default: "the title", Doc: "What people read. Between `{{` and `}}` stands one of the words below.", Example: "'{{ zone }}: {{ count }} × {{ item }} not paid?'"},
}

var groupMembers = []Member{
	{Name: "cap", Form: Number, Least: 1, Most: 1e12, Need: true, Doc: "The likelihood ratio that all evidence of the group reaches at most, for or against.", Example: "2000"},
}

// PolicyMembers are the members of a policy file.
var PolicyMembers = []Member{
	{Name: "policy", Form: ID, Need: true, Doc: "Its id, unique in the folder: at most 64 letters, digits, - and _.", Example: "unpaid-exit"},
	{Name: "title", Form: Text, Need: true, Doc: "In one line, what it watches for. People read it; it never says thief, theft, steal or suspect.", Example: "Leaves with goods that no till has seen"},
	{Name: "judge", Form: OneWord, Words: JudgeWords, Default: "visit", Doc: "Whose events its functions see, and whose score it is.", Example: "visit"},
	{Name: "mode", Form: OneWord, Words: ModeWords, Default: "live", Doc: "What becomes of what it says. The site file may say otherwise (`policies.overrides`).", Example: "shadow"},
	{Name: "needs", Form: List, Of: []Member{{Form: Needed, Doc: "a modality, or modality@zone kind", Example: "track@exit"}},
		Doc: "What the site must have for it. On a site without it the policy runs in shadow, and `magpie check` says so.", Example: "[weight@aisle, track@exit]"},
	{Name: "params", Form: Free, Of: []Member{{Form: Plain, Doc: "a number, a text, true or false, that expressions may name", Example: "1.0"}},
		Doc: "Constants with a name for its expressions, which a site may override.", Example: "{floor_value: 1.0}"},
	{Name: "prior", Form: Share, Instead: []string{"score"}, Doc: "How likely it is before any evidence: of how many subjects it is true. It stands with `evidence`.", Example: "0.002"},
	{Name: "when", Form: Truth, Default: "whenever something that it reads changes", Doc: "When a judgement is due; until the next one the score stays.", Example: `'near("exit") and heading("out")'`},
	{Name: "evidence", Form: List, Of: []Member{{Form: Mapping, Of: evidenceMembers}}, Instead: []string{"score"}, Doc: "What speaks for it and against it, at most 64 pieces. It stands with `prior`.",
		Example: `[{name: goods not paid for, if: 'p_unpaid()', weight: strong}]`},
	{Name: "score", Form: Quality, Instead: []string{"prior", "evidence"}, Doc: "One expression in the place of `prior` and `evidence`: the score itself.", Example: "'p_unpaid()'"},
	{Name: "groups", Form: Free, Of: []Member{{Form: Mapping, Of: groupMembers, Doc: "what all evidence of that group adds at most", Example: "{cap: 2000}"}}, Doc: "Other caps than the strongest member's, by group.",
		Example: "{basket: {cap: 2000}}"},
	{Name: "require", Form: Truth, Doc: "Where it is not true the score stays and the tier is at most review; the alert says `capped_by: require`.", Example: `'coverage("track", "exit") >= 0.5'`},
	{Name: "alert", Form: Mapping, Of: alertMembers, Need: true, Doc: "What it does with its score.", Example: "{tiers: {review: 0.3, staff: 0.6}}"},
	{Name: "type", Form: Text, Doc: "What the loss is called; `magpie policies` lists it.", Example: "grab and walk out"},
	{Name: "rationale", Form: Text, Doc: "Why it looks at what it does.", Example: "who leaves with goods has passed every till"},
	{Name: "false_alarms", Form: Text, Doc: "What honest people do that looks the same, and what it cannot see.", Example: "goods left at the till after a void"},
}

var listMembers = []Member{
	{Name: "category", Form: OneOrMore, Doc: "Goods of one of these categories of the products table.", Example: "razor-blades"},
	{Name: "style", Form: OneOrMore, Doc: "Goods of one of these styles of the products table.", Example: "[malt, blend]"},
	{Name: "min_price", Form: Number, Most: 1e9, Doc: "Goods that cost at least so much, in the site's currency.", Example: "20"},
	{Name: "max_price", Form: Number, Most: 1e9, Doc: "Goods that cost at most so much.", Example: "5"},
	{Name: "tagged", Form: Flag, Doc: "Goods that have a tag, or have none.", Example: "true"},
	{Name: "skus", Form: List, Of: []Member{{Form: SKU, Doc: "a SKU in quotes", Example: `"071142008582"`}}, Doc: "These goods.", Example: `["071142008582"]`},
}

// CommonMembers are the members of common.yaml.
var CommonMembers = []Member{
	{Name: "lists", Form: Free, Of: []Member{{Form: Mapping, Of: listMembers, Doc: "goods to which all of its members apply", Example: "{min_price: 20, tagged: true}"}},
		Doc: "Goods with a name: every product of the site to which all members of the list apply.", Example: "{high-value: {min_price: 20}}"},
	{Name: "macros", Form: Free, Of: []Member{{Form: Quality, Doc: "an expression that policies may name", Example: `'between("21:00", "06:00")'`}},
		Doc: "Expressions with a name. The name is a word of letters, digits and _.", Example: `{late: 'between("21:00", "06:00")'}`},
}

var expectAlertWords = []Word{{"true", "one stands"}, {"false", "none stands at that time"}, {"never", "none was raised up to that time"}, {"retracted", "one was raised and taken back"}}

var expectMembers = []Member{
	{Name: "at", Form: Moment, Need: true, Doc: "When it is asked: a time since the start, or the end of the recording.", Example: "21s"},
	{Name: "alert", Form: OneWord, Words: expectAlertWords, Default: "true", Doc: "Whether there is an alert.", Example: "never"},
	{Name: "policy", Form: Text, Doc: "Only alerts of this policy count, and `score` is its score.", Example: "unpaid-exit"},
	{Name: "person", Form: Text, Doc: "Only alerts of this person of the events count.", Example: "A"},
	{Name: "state", Form: OneWord, Words: []Word{{"confirmed", "what stands once everything up to that time has arrived; this is what is asked without it, too"}, {"provisional", "what was known on arrival at that time"}},
		Doc: "Which state of knowledge is asked about.", Example: "provisional"},
	{Name: "score", Form: Comparison, Doc: "The score of the policy, or without `policy` of the alert.", Example: `">= 0.6"`},
	{Name: "tier", Form: OneWord, Words: TierWords, Doc: "The tier of the alert.", Example: "staff"},
	{Name: "capped_by", Form: OneWord, Words: []Word{{"require", "what the policy requires is not so"}, {"person", "it is not sure enough who it was"}, {"budget", "too many were sent already"}, {"null", "nothing holds it"}},
		Doc: "What holds the alert at review.", Example: "require"},
	{Name: "items", Form: Items, Doc: "The goods that the alert lists, all of them.", Example: `["071142008582"]`},
	{Name: "to", Form: List, Of: []Member{{Form: Text, Doc: "the name of an output", Example: "floor"}}, Doc: "The outputs to which the alert goes, all of them.", Example: "[floor, lp-desk]"},
	{Name: "evidence", Form: List, Of: []Member{{Form: Text, Doc: "the name of a piece of evidence", Example: "goods not paid for"}}, Doc: "Evidence that the alert names, among others.", Example: "[goods not paid for]"},
}

var testMembers = []Member{
	{Name: "name", Form: Text, Need: true, Doc: "What happens; unique in the file.", Example: "walks out with a bottle"},
	{Name: "start", Form: LocalTime, Default: "2026-01-05T10:00:00, a Monday", Doc: "The store's time at 0s.", Example: "2026-11-20T22:30:00"},
	{Name: "events", Form: Script, Need: true, Doc: "What happens, one event a line: `TIME[..TIME] VERB …`. The verbs are below.", Example: `"0s..4s walk A 1,1 > 2,4"`},
	{Name: "staff", Form: List, Of: []Member{{Form: Text, Doc: "a person of the events", Example: "A"}}, Doc: "Who of the events is one of us.", Example: "[A]"},
	{Name: "expect", Form: List, Of: []Member{{Form: Mapping, Of: expectMembers}}, Need: true, Doc: "What must be so, and what must not.", Example: "[{at: end, alert: never}]"},
}

// TestMembers are the members of a *_test.yaml.
var TestMembers = []Member{
	{Name: "site", Form: Text, Need: true, Doc: "The site file on which the tests run, relative to this file.", Example: "testdata/shop.yaml"},
	{Name: "live", Form: List, Of: []Member{{Form: ID, Doc: "a policy", Example: "booster-bag"}}, Doc: "Policies in shadow that are live in these tests, so that their alerts can be asked about.", Example: "[booster-bag]"},
	{Name: "tests", Form: List, Of: []Member{{Form: Mapping, Of: testMembers}}, Need: true, Doc: "The tests.", Example: `[{name: nobody comes, events: "0s..4s walk A 1,1 > 2,4", expect: [{at: end, alert: never}]}]`},
}
