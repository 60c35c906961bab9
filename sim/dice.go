package sim

import "math/rand/v2"

// dice are what chance decides, the same for the same seed on every machine.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

func (d dice) chance(p float64) bool { return d.Float64() < p }

func (d dice) between(low, high float64) float64 { return low + float64((high-low)*d.Float64()) }

// normal is a standard normal value, near enough (Irwin–Hall of twelve), with no function that machines round differently.
func (d dice) normal() float64 {
	sum := -6.0
	for range 12 {
		sum += float64(d.Float64())
	}
	return sum
}
