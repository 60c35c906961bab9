package fusion

// Modality is a way of perceiving, as coverage("track", …) names it.
type Modality uint8

// The modalities; those of Modalities are what policies may write.
const (
	ByTrack Modality = iota
	ByRFID
	ByWeight
	ByTill
	ByGate
	ByRegion
	ByCount
	BySignal
)

// Modalities gives the word of each Modality as policies write it.
var Modalities = [...]string{"track", "rfid", "weight", "till", "gate", "region", "count", "signal"}

func (m Modality) String() string { return Modalities[m] }

// Place is a set of zones: one bool for each of Store.Zones.
type Place []bool

// Goods is a set of products, one bool for each of Store.Products; nil stands for any, also goods unknown to the catalogue.
type Goods []bool

// Has reports whether the product with index i (-1: unknown) is among the goods.
func (g Goods) Has(i int) bool { return g == nil || i >= 0 && g[i] }

// View is one subject at one moment, as a policy sees it. Its methods are the functions of contract §4 that need more
// than the subject's own facts; they read and never change anything.
type View struct {
	World *World
	Visit *Visit
	Now   int64 // event time, ns
}
