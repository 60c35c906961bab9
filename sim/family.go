package sim

// A Family is a kind of store and of people in it. Families are split, so that what was tuned is judged on families that
// nobody looked at while tuning: by what is stolen and how, by what honest people do that looks like it, and by what the
// sensors are like.
type Family struct {
	Name  string
	Split string // of Splits
	Why   string
	Only  []string // as in ShopOptions
	Set   func(o *ShopOptions, aisles *int)
}

// Splits are what families are split into: policies are fitted on the first, choices are made on the second, and the third is
// opened once for a release.
var Splits = [...]string{"tune", "validate", "test"}

// Families lists them all, those of one split beside each other.
func Families() []Family {
	return []Family{
		{"walk-outs", "tune", "goods in hand past the tills; baskets that somebody puts down; staff who restock", []string{"1", "5", "restocks", "puts everything back", "puts the basket down"}, nil},
		{"bags", "tune", "goods under clothes and in bags; own bags", []string{"2", "uses an own bag", "puts it back elsewhere"}, nil},
		{"self-checkout", "tune", "goods that are not scanned; goods left at the till", []string{"8", "leaves it at the till", "buys much of one thing"}, nil},
		{"stockroom", "tune", "staff who take, and staff who work", []string{"17", "takes goods off the shelf for the stockroom", "restocks"}, nil},
		{"poor sensors", "tune", "the first four with half as much noise again",
			[]string{"1", "2", "5", "8", "17", "uses an own bag", "restocks", "one pays for all"}, func(o *ShopOptions, _ *int) { o.Noise *= 1.5 }},

		{"carts", "validate", "full carts, in by one door and out by it", []string{"6", "cart in and out"}, nil},
		{"tags off", "validate", "tags taken off; clothes tried on", []string{"4", "tries on and returns"}, nil},
		{"friends", "validate", "cashiers who do not scan; groups of whom one pays", []string{"9", "one pays for all"}, nil},

		{"lined bags", "test", "bags that readers do not see into; own bags", []string{"3", "uses an own bag", "puts everything back"}, nil},
		{"false goods", "test", "another's bar code, decoys, refunds of what lay on the shelf; variants and returns",
			[]string{"7", "10", "11", "swaps for another variant", "brings something back"}, nil},
		{"two at it", "test", "goods handed over; groups of whom one pays", []string{"12", "one pays for all"}, nil},
		{"out of sight", "test", "fitting rooms, blinded cameras, goods eaten", []string{"13", "15", "16", "tries on and returns"}, nil},
		{"the other door", "test", "out by the way in; people who come in again", []string{"14", "comes in again", "cart in and out"}, nil},
		{"a crowd", "test", "all there is, with 120 visits an hour in a larger store", nil, func(o *ShopOptions, aisles *int) { o.Visits, *aisles = 120, 8 }},
		{"bad day", "test", "all there is, with twice the noise", nil, func(o *ShopOptions, _ *int) { o.Noise *= 2 }},
	}
}

// FamiliesOf lists those of a split; nil for a split that there is not.
func FamiliesOf(split string) (all []Family) {
	for _, f := range Families() {
		if f.Split == split {
			all = append(all, f)
		}
	}
	return all
}
