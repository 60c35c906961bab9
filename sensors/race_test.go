//go:build race

package sensors

// underRace says that the race detector runs.
const underRace = true
