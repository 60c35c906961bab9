package fusion

// newest appends to a list of which the newest most are kept. The array behind it grows by an eighth of most, and is never larger
// than so much above it: append would double that of a full list, and visits are many. What copies of the list share is not
// changed. full says that the oldest has gone.
func newest[T any](list []T, x T, most int) (longer []T, full bool) {
	if len(list) == most {
		list, full = list[1:], true
	}
	if len(list) == cap(list) {
		grown := make([]T, len(list), len(list)+max(1, most/8))
		copy(grown, list)
		list = grown
	}
	return append(list, x), full
}
