package rules

import (
	"slices"

	"magpie/fusion"
)

// Word is one of a few words that may be written, and what it means.
type Word struct{ Name, Doc string }

// Argument is one argument of a function.
type Argument struct {
	Name  string // what it is: place, goods, window, event, …
	Words []Word // that it may be, where there are few; a place may be "id:…" too, goods a list or a SKU
}

// Function is one function of the language, as those who write policies need to know it. The reference in docs/policies.md
// and what editors show are made of it.
type Function struct {
	Name      string
	About     string // the heading under which it stands
	Usage     string // name(place, window)
	Arguments []Argument
	More      int    // so many more of the first argument may stand
	Result    string // what it gives, with its unit
	Event     bool   // it can stand for its events in count, sum, since, absent, …
	Judge     string // the one kind of subject that it is for; "" for any
	Doc       string
	Example   string // an expression
}

// Headings of the reference.
const (
	ofPeople = "People and places"
	ofEvents = "Events"
	ofGoods  = "Goods and payment"
	ofTags   = "Tags"
	overTime = "Events over time"
	ofStore  = "Coverage and time of day"
	ofNumber = "Arithmetic"
)

// reference says what each function of the table means, in the order in which people read it.
var reference = []struct{ name, about, result, doc, example string }{
	{"seen", ofPeople, "", "The person was perceived there by that modality, ever in the visit.", `seen("gate", "exit")`},
	{"entered", ofPeople, "", "The person has been there, ever in the visit.", `entered("high-value")`},
	{"exited", ofPeople, "", "The person went out through it (an entrance or exit), or left it (any other place), and was not seen inside since.",
		`exited("exit")`},
	{"near", ofPeople, "", "The person is in it, or within a metre of it.", `near("exit")`},
	{"heading", ofPeople, "", "The person walks out by a way out (`\"out\"`: towards its edge, if it has one, and not past it) or away from all (`\"in\"`).", `heading("out") and near("exit")`},
	{"dwell", ofPeople, "", "How long the person was inside, all stays together. Compared with a constant it is judged at the moment when that is reached, " +
		"with no further event.", `dwell("high-value") >= 20`},
	{"path", ofPeople, "", "The person entered the two to eight places in this order, the last within the window of the first.",
		`path("aisle > high-value > exit", "10m")`},
	{"with", ofPeople, "", "An object of the class is with the person: `person` and what the cameras' detector knows, such as `bag` or `cart`.", `with("bag") >= 0.5`},
	{"staff", ofPeople, "", "The person is one of us.", `staff() >= 0.5`},

	{"picked", ofEvents, "", "Goods were taken from their shelf.", `picked("high-value") >= 0.5`},
	{"putback", ofEvents, "", "Goods were put back on a shelf.", `putback("any") >= 0.5`},
	{"scanned", ofEvents, "", "Goods were scanned at a till.", `scanned("razors") >= 0.5`},
	{"voided", ofEvents, "", "A scanned line was voided at a till.", `voided("any") >= 1`},
	{"refunded", ofEvents, "", "Money was paid back for goods at a till.", `refunded("high-value") >= 0.5`},
	{"read", ofEvents, "", "A tag was read there.", `read("exit") >= 0.5`},
	{"lost", ofEvents, "", "A camera lost the person there.", `lost("exit") >= 0.5`},
	{"opened", ofEvents, "", "A sale was opened at a till.", `opened() >= 0.5`},
	{"till", ofEvents, "", "A till did so: override, discount, no_sale, suspend, resume, assist or other.", `till("no_sale") >= 2`},
	{"signal", ofEvents, "", "A device said so: a camera's line, a tamper switch, an edge script. The name is the device's own.", `signal("loiter") >= 0.5`},
	{"alerted", ofEvents, "", "The policy's alert of another subject reached the tier for the first time, about such goods.",
		`count(alerted("unpaid-exit", "review", "high-value"), "10m") >= 2`},

	{"carried", ofGoods, "expected units", "Units of such goods that the person holds, paid or not.", `carried("razors") >= 0.5`},
	{"unpaid", ofGoods, "expected units", "Units of such goods that the person holds and no till has seen.", `unpaid("any") >= 1`},
	{"carried_value", ofGoods, "", "What all that the person holds is worth. A thing that is not known counts as the median price of the catalogue.", `carried_value() >= 20`},
	{"unpaid_value", ofGoods, "", "What that is worth which the person holds and no till has seen. A thing that is not known counts as the median price of the catalogue.", `unpaid_value() >= 20`},
	{"p_unpaid", ofGoods, "", "Anything that the person holds is unpaid.", `p_unpaid() >= 0.5`},
	{"owner_conf", ofGoods, "", "How sure it is that the goods are this person's and not a neighbour's.", `picked("any") > 0 and owner_conf() >= 0.8`},
	{"refunded_taken", ofGoods, "", "Money was paid back for goods that the person took from a shelf before, in the same visit, and that no till has sold.", `refunded_taken() >= 0.5`},
	{"substituted", ofGoods, "", "Something cheaper was scanned in the place of what the person holds.", `substituted() >= 0.3`},
	{"group_paid", ofGoods, "", "Somebody who came and went with the person has paid.", `group_paid() >= 0.3`},

	{"stranded", ofTags, "", "A tag of held goods lies still where the person no longer is.", `stranded("fitting") >= 0.3`},
	{"moved", ofTags, "", "An unpaid tag was carried through: its levels say so, or where none are told, that it has just come and does not stay.", `moved("exit") >= 0.5`},
	{"moved_count", ofTags, "expected number", "Unpaid tags that were carried through, of those that sooner moved than not.", `moved_count("exit") >= 1.2`},
	{"rang", ofTags, "", "A gate in the place rang, not inwards, and for this person: with the share that it was not for one beside.", `rang("exit") >= 0.5`},
	{"fresh", ofTags, "share, 0–1", "Of `p_unpaid()`, the part that only tags tell of which have gone with the person for less than so long: whose they are shows when some are gone and the tags are still heard.", `fresh("6s") >= 0.5`},
	{"silent", ofTags, "", "The tags of held goods were not read for so long, though they could have been.", `silent("30s")`},
	{"missing_after", ofTags, "", "A tag was taken in there and not read for so long since.", `missing_after("fitting", "20s")`},

	{"count", overTime, "expected number", "Events in the newest window: three units at once count once.", `count(picked("any"), "15s") > 1.5`},
	{"sum", overTime, "expected units", "Units in the newest window.", `sum(picked("any"), "30s") >= 3`},
	{"rate", overTime, "units a second", "Units a second in the newest window.", `rate(picked("any"), "10s") >= 0.15`},
	{"distinct", overTime, "expected number", "Different products, tags, sessions or signals in the newest window.", `distinct(picked("any"), "5m") >= 2`},
	{"first", overTime, "seconds since the visit began; −1 without one", "When the first such event was.", `first(picked("any")) > 8`},
	{"last", overTime, "seconds since the visit began; −1 without one", "When the last such event was.", `last(picked("any")) > 20`},
	{"since", overTime, "seconds; 1e9 without one", "How long ago the last such event was.", `since(picked("any")) < 10`},
	{"sum_after", overTime, "expected units", "Units of the first event since the last of the second; 0 without such a one.", `sum_after(picked("any"), scanned("any")) >= 0.5`},
	{"sequence", overTime, "", "Two to five events came in this order, the last within the window of the first.", `sequence(picked("any"), putback("any"), "1m")`},
	{"absent", overTime, "", "The window has passed after the second event without the first, which could have been perceived all the while: a dead sensor is no " +
		"evidence. It is judged at that moment, with no further event.", `absent(scanned("any"), picked("any"), "40s")`},
	{"zscore", overTime, "standard deviations, of at least one unit", "Units in the newest window against the windows before it, back to the second duration; with " +
		"`\"peers\"` against those of the other tills, cashiers, zones or open visits.", `zscore(picked("any"), "20s", "self", "3m") > 3`},

	{"coverage", ofStore, "share, 0–1", "Of the last minute, how much the modality could really perceive there.", `coverage("till", "checkout") >= 0.5`},
	{"watched", ofStore, "share, 0–1", "Of the last minute, how much the modality could perceive in that zone of the place by which the person went out, else in " +
		"which they were last: that it perceived nothing says something only there.", `watched("gate", "exit") >= 0.8 and not seen("gate", "exit")`},
	{"unheard", ofStore, "", "How long the person was there while what of the modality is there was off: it had said that it goes offline, or gives signs of life by status and gave " +
		"none, or nothing there has ever spoken. Of several of which some are off it is the mean, in which one that has said nothing yet does not count. What they would have " +
		"said of the person, nobody knows. It is judged when the person goes into or out of a zone, not by time alone.", `unheard("till", "checkout") >= 15`},
	{"between", ofStore, "", "The store's time of day lies between the two, over midnight too.", `between("21:00", "06:00")`},
	{"hour", ofStore, "0–23", "The hour of the store's day.", `hour() >= 21`},
	{"weekday", ofStore, "1–7", "The day of the store's week: Monday is 1, Sunday 7.", `weekday() in [6, 7]`},
	{"open", ofStore, "", "It is within the store's hours.", `not open()`},

	{"min", ofNumber, "number, in the unit of its arguments", "The least of two to eight numbers.", `min(picked("any"), 1) >= 0.5`},
	{"max", ofNumber, "number, in the unit of its arguments", "The greatest of two to eight numbers.", `max(picked("any"), scanned("any")) >= 1`},
	{"abs", ofNumber, "number, in the unit of its argument", "The number without its sign.", `abs(picked("any") - putback("any")) >= 1`},
	{"clamp", ofNumber, "number, in the unit of its arguments", "The first number, at least the second and at most the third.", `clamp((picked("any") - 1) / 2, 0, 1) >= 0.5`},
}

// Functions lists the functions of the language, in the order in which people read them.
func Functions() []Function {
	all := make([]Function, 0, len(reference))
	for _, r := range reference {
		f := functions[r.name]
		x := Function{Name: r.name, About: r.about, Usage: f.usage(r.name), More: f.more, Result: r.result, Event: slices.Contains(eventNames, r.name), Doc: r.doc, Example: r.example}
		for _, a := range f.args {
			x.Arguments = append(x.Arguments, Argument{paramNames[a], argumentWords[a]})
		}
		switch {
		case f.visit:
			x.Judge = fusion.SubjectVisit.String()
		case f.store:
			x.Judge = fusion.SubjectStore.String()
		}
		if x.Result == "" {
			x.Result = f.result(x.Event)
		}
		all = append(all, x)
	}
	return all
}

// result says what a function gives, where its type and unit say it.
func (f *function) result(event bool) string {
	switch {
	case f.truth:
		return "true or false"
	case event:
		return "expected units in the visit"
	case f.unit == seconds:
		return "seconds"
	case f.unit == money:
		return "money, in the site's currency"
	}
	return "probability, 0–1"
}

// argumentWords are the words that an argument may be, where there are few.
var argumentWords = map[param][]Word{
	aModality: ModalityWords, aPlace: ZoneWords, aTier: TierWords, aWay: {{"in", "into the store"}, {"out", "towards a way out"}},
	aBasis: {{"peers", "the other tills, cashiers, zones or open visits"}, {"self", "its own past"}},
}

// ModalityWords are the ways to perceive that policies may name.
var ModalityWords = []Word{{"track", "cameras that follow people"}, {"rfid", "readers of tags"}, {"weight", "scales under shelves and bags"}, {"till", "tills"},
	{"gate", "gates that ring"}, {"region", "devices that report zones and no positions"}, {"count", "people counters"}, {"signal", "signals of other devices"}}

// ZoneWords are the kinds of zone that a place may be.
var ZoneWords = []Word{{"entrance", "where people come in"}, {"exit", "where people go out; in a store without one, or with fire doors alone, its entrances with `out`"}, {"aisle", "shelves"}, {"checkout", "tills"},
	{"fitting", "fitting rooms"}, {"stockroom", "where goods are stored"}, {"restricted", "where customers have no business"}, {"high-value", "shelves of dear goods"}}

// TierWords are the tiers, lowest first.
var TierWords = []Word{{"log", "counted, shown on the page"}, {"review", "somebody looks at it later"}, {"staff", "staff are asked to go there"}, {"gate", "the surest: what a gate may act on"}}

// OperatorWords are the words of an expression that are no names.
var OperatorWords = []Word{{"and", "both are true"}, {"or", "one of both is true"}, {"not", "it is not true"}, {"in", "is one of a list of constants: `weekday() in [6, 7]`"},
	{"true", "always"}, {"false", "never"}}

// MessageWords are what a message's {{ … }} may hold.
var MessageWords = []Word{{"count", "units that are likely unpaid"}, {"item", "the dearest of them, by name"}, {"items", "all of them, with how many of each"},
	{"value", "the value at risk, with the currency"}, {"zone", "where it happened"}, {"till", "the till that last had to do with it"}, {"action", "what staff are asked to do"}}

// names lists the words alone.
func names(words []Word) []string {
	all := make([]string, len(words))
	for i := range words {
		all[i] = words[i].Name
	}
	return all
}
