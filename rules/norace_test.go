//go:build !race

package rules

// underRace says that the race detector runs.
const underRace = false
