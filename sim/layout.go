package sim

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"magpie/fusion"
)

// A Layout is a store that was drawn: the text of its site file and of the products.csv that it names.
type Layout struct {
	Site, Products string
}

// ware is a sort of goods: price and weight are medians that vary by a factor of two up and down.
type ware struct {
	category     string
	price, grams float64
	tagged       bool
	names        []string
}

// wares are the sorts of goods of a drawn store. Prices are in pounds, weights with packing.
func wares() []ware {
	return []ware{
		{"razor-blades", 14, 80, true, []string{"Blades 8", "Blades 4", "Razor"}},
		{"cosmetics", 11, 95, true, []string{"Lipstick", "Mascara", "Serum", "Face cream"}},
		{"spirits", 22, 1250, true, []string{"Gin 70 cl", "Whisky 70 cl", "Vodka 70 cl", "Rum 70 cl"}},
		{"clothes", 18, 240, true, []string{"T-shirt", "Jumper", "Jeans", "Shirt"}},
		{"electronics", 25, 180, true, []string{"Headphones", "Charger", "Memory card", "Torch"}},
		{"meat", 9, 450, false, []string{"Rib-eye steak", "Lamb chops", "Chicken breast"}},
		{"cheese", 4.5, 320, false, []string{"Cheddar", "Brie", "Manchego"}},
		{"coffee", 5, 240, false, []string{"Ground coffee", "Coffee beans", "Capsules"}},
		{"snacks", 2.2, 170, false, []string{"Crisps", "Nuts", "Chocolate", "Biscuits"}},
		{"drinks", 1.6, 540, false, []string{"Cola 0.5 l", "Water 0.5 l", "Juice 0.5 l"}},
		{"household", 3.5, 750, false, []string{"Detergent", "Sponges", "Foil", "Bin bags"}},
		{"baby", 12, 820, false, []string{"Baby formula", "Nappies", "Wipes"}},
	}
}

// DrawnBy begins the site file of a drawn store.
const DrawnBy = "# A store drawn by magpie simulate"

// DrawLayout draws a store of 2 to 10 aisles: the shelves along them with a plate for each facing, doors and tills in front, a
// fitting room and a stockroom behind, cameras over the front and most aisles, readers at the way out and the fitting
// room. It is the same for the same seed.
func DrawLayout(seed uint64, aisles int) (*Layout, error) {
	if aisles < 2 || aisles > 10 {
		return nil, fmt.Errorf("a store with --aisles %d: give 2 to 10", aisles)
	}
	d := newDice(seed, 21)
	length := math.Round(d.between(6, 11))
	width, back := float64(3*aisles+1), 5+length
	var y, products strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&y, format+"\n", args...) }
	put(DrawnBy+" with seed %d. Nothing of it is real. Metres; the doors are at y = 0.", seed)
	put("store: sim%d\ntimezone: Europe/London\ncurrency: GBP\nproducts: products.csv", seed)
	put("zones:")
	put("  - {id: in, kind: entrance, polygon: [[0.5,0],[2.5,0],[2.5,1.8],[0.5,1.8]], out: [[0.5,0],[2.5,0]]}")
	put("  - {id: out, kind: exit, polygon: [[%g,0],[%g,0],[%g,1.8],[%g,1.8]], out: [[%g,0],[%g,0]]}",
		width-2.5, width-0.5, width-0.5, width-2.5, width-2.5, width-0.5)
	tills := 2 + aisles/3
	step := (width - 6) / float64(tills)
	for k := range tills {
		x := 3 + float64(step*float64(k))
		put("  - {id: till-zone-%d, kind: checkout, polygon: [[%.2f,1],[%.2f,1],[%.2f,2.6],[%.2f,2.6]]}", k+1, x, x+float64(step*0.8), x+float64(step*0.8), x)
	}
	put("  - {id: fitting, kind: fitting, polygon: [[0.5,%g],[3,%g],[3,%g],[0.5,%g]]}", back+1.5, back+1.5, back+3.5, back+3.5)
	put("  - {id: stock, kind: stockroom, polygon: [[%g,%g],[%g,%g],[%g,%g],[%g,%g]]}", width-3, back+1.5, width-0.5, back+1.5, width-0.5, back+3.5, width-3, back+3.5)
	for k := range aisles {
		x, kind := float64(1+3*k), "aisle"
		if k == aisles-1 {
			kind = "high-value"
		}
		put("  - {id: aisle-%d, kind: %s, polygon: [[%g,5],[%g,5],[%g,%g],[%g,%g]]}", k+1, kind, x, x+2, x+2, back, x, back)
	}
	var bad error
	camera := func(id string, sees ...fusion.Point) {
		h, err := hang(sees, [2]int{1280, 720})
		if err != nil {
			bad = err
		}
		var map9, area []string
		for _, x := range h {
			map9 = append(map9, strconv.FormatFloat(x, 'g', 8, 64))
		}
		for _, p := range sees {
			area = append(area, fmt.Sprintf("[%g,%g]", p.X, p.Y))
		}
		put("  - {id: %s, frame: [1280, 720], homography: [%s], sees: [%s]}", id, strings.Join(map9, ", "), strings.Join(area, ","))
	}
	put("cameras:")
	camera("cam-front-1", fusion.Point{X: 0, Y: -1}, fusion.Point{X: width, Y: -1}, fusion.Point{X: width, Y: 5}, fusion.Point{X: 0, Y: 5})
	camera("cam-front-2", fusion.Point{X: width, Y: -1}, fusion.Point{X: width, Y: 5}, fusion.Point{X: 0, Y: 5}, fusion.Point{X: 0, Y: -1})
	camera("cam-back", fusion.Point{X: 0, Y: back + 1.5}, fusion.Point{X: 0, Y: back - 0.5}, fusion.Point{X: width, Y: back - 0.5}, fusion.Point{X: width, Y: back + 1.5})
	for k := range aisles {
		x := float64(1 + 3*k)
		if k == 0 || d.chance(0.9) { // some aisles have none
			camera(fmt.Sprintf("cam-aisle-%d", k+1), fusion.Point{X: x - 0.3, Y: 4.5}, fusion.Point{X: x + 2.3, Y: 4.5}, fusion.Point{X: x + 2.3, Y: back + 0.5}, fusion.Point{X: x - 0.3, Y: back + 0.5})
		}
	}
	put("readers:\n  - {id: r-out, antennas: {1: {zone: out}, 2: {zone: out}}}\n  - {id: r-fitting, antennas: {1: {zone: fitting}}}")
	put("gates: [{id: eas-out, zone: out}]\ncounters: [{id: c-in, zone: in}, {id: c-out, zone: out}]")
	put("tills:")
	for k := range tills {
		kind := "self"
		if k%2 == 1 {
			kind = "staffed"
		}
		put("  - {id: till-%d, zone: till-zone-%d, kind: %s}", k+1, k+1, kind)
	}
	put("staff: {starts_in: [stockroom]}")
	put("scales:")
	fmt.Fprintln(&products, "sku,gtin,name,category,style,price,grams,grams_sd,tagged,epc_prefix")
	all := wares()
	number := 0
	good := func(w ware) string {
		number++
		sku := gtin13(5012345_00000 + uint64(number))
		name := fmt.Sprintf("%s no. %d", w.names[d.IntN(len(w.names))], number)
		grams := w.grams * math.Exp2(d.between(-0.8, 0.8))
		fmt.Fprintf(&products, "%s,0%s,%s,%s,,%.2f,%.1f,%.1f,%t,\n", sku, sku, name, w.category,
			w.price*math.Exp2(d.between(-0.8, 0.8)), grams, max(1, grams*d.between(0.003, 0.012)), w.tagged)
		return sku
	}
	for k := range aisles {
		for side := range 2 {
			x := float64(1+3*k) - 0.25 + float64(2.5*float64(side))
			sort := all[d.IntN(len(all))]
			if k == aisles-1 {
				sort = all[d.IntN(5)]
			}
			for at := 5.6; at < back-0.4; at += 0.8 {
				if d.chance(0.25) {
					sort = all[d.IntN(len(all))]
				}
				skus := `"` + good(sort) + `"`
				if d.chance(0.15) {
					skus += `, "` + good(sort) + `"`
				}
				put("  - {id: plate-%d-%d-%d, zone: aisle-%d, at: [%.2f,%.2f,%.1f], size: [0.4,0.6], skus: [%s]}",
					k+1, side+1, int(math.Round((at-5.6)/0.8))+1, k+1, x, at, 1.1, skus)
			}
		}
	}
	if bad != nil {
		return nil, bad
	}
	return &Layout{y.String(), products.String()}, nil
}

// gtin13 appends the check digit to twelve digits (GS1 General Specifications 7.9).
func gtin13(twelve uint64) string {
	s := fmt.Sprintf("%012d", twelve)
	sum := 0
	for i, c := range s {
		sum += int(c-'0') * (1 + 2*(i%2))
	}
	return fmt.Sprintf("%s%d", s, (10-sum%10)%10)
}
