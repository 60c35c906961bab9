package dashboard

import "magpie/site"

// Site is what the page knows of the store.
type Site struct {
	Store    string `json:"store"`
	Currency string `json:"currency"`
	Timezone string `json:"timezone"`
	Zones    []Zone `json:"zones"`
}

// Zone is a zone of the floor plan, its polygon in metres.
type Zone struct {
	ID      string       `json:"id"`
	Kind    string       `json:"kind"`
	Polygon [][2]float64 `json:"polygon"`
}

// SiteOf takes what the page needs from a site.
func SiteOf(s *site.Site) Site {
	out := Site{Store: s.Store.ID, Currency: s.Store.Currency, Timezone: s.Store.Location.String(), Zones: []Zone{}}
	for _, z := range s.Store.Zones {
		zone := Zone{ID: z.ID, Kind: z.Kind.String()}
		for _, p := range z.Polygon {
			zone.Polygon = append(zone.Polygon, [2]float64{p.X, p.Y})
		}
		out.Zones = append(out.Zones, zone)
	}
	return out
}
