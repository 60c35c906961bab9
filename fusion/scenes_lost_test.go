package fusion_test

import "testing"

// Goods turn up with somebody of whom nobody knows that he took any: he is sooner one whom the cameras lost than one who took them from
// somebody whom they follow.

func TestSceneLost(t *testing.T) {
	const two = `
		0s..5s     walk A 2,1 > 8,4.9
		5s..12s    walk A 8,4.9
		9s         pick A 036000291452
		12s..18s   walk A 8,4.9 > 2,2.5      # and is lost
		14s..20s   walk T 2,1 > 8,4.9
		20s..26s   walk T 8,4.9
		23s        pick T 036000291452`
	const parts = two + `
		26s..32s   walk T 8,4.9 > 2,4.9
		32s..110s  walk T 2,4.9`
	pays := func(at, until string) string {
		return parts + `
		26s..110s  walk P 7,1.4 > 7,1.2
		` + at + ` scan sco-1 s1 036000291452
		` + until + ` till sco-1 s1 tender amount=38.00`
	}
	play(t, []scene{
		{"A is lost", pays("40s", "42s"), `
			28s A whisky 0.9..1
			28s T whisky 0.9..1
			45s A whisky 0..0.4
			45s T whisky 0.8..1`},
		{"A was lost so long ago that the visit is over", pays("100s", "102s"), `
			98s  A whisky 0
			105s T whisky 0.8..1`},
		{"A is lost, and such goods are put back by somebody else", parts + `
		33s..35s   walk P 8,2.6 > 8,4.9
		35s..60s   walk P 8,4.9
		40s        put P 036000291452`, `
			50s A whisky 0..0.4
			50s T whisky 0.8..1`},
		{"A is lost, and somebody pays who met T on the way to the till", two + `
		26s..70s   walk T 8,4.9 > 5.6,4.9
		26s..35s   walk P 7,1.4 > 8,4.9
		35s..40s   walk P 8,4.9 > 7,1.2
		40s..60s   walk P 7,1.2
		50s scan sco-1 s1 036000291452
		52s till sco-1 s1 tender amount=38.00`, `
			49s P whisky 0.03..0.1
			55s A whisky 0..0.5
			55s T whisky 0.6..1`},
	})
}
