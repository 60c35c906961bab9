package fusion_test

import (
	"strings"
	"testing"
)

// Who shops together: they come in together and stay together, and one pays for all. Strangers who come in at the same moment
// and part owe each for himself.

func TestSceneGroup(t *testing.T) {
	const (
		together = `
			0s..8s    walk A 1,1 > 2,4.9
			0.2s..8s  walk B 1.6,1 > 2.8,4.9
			8s..14s   walk A 2,4.9
			8s..14s   walk B 2.8,4.9
			14s..24s  walk A 2,4.9 > 7,1.2
			14s..24s  walk B 2.8,4.9 > 7.8,1.4
			24s..40s  walk A 7,1.2
			24s..40s  walk B 7.8,1.4
			40s..48s  walk A 7,1.2 > 4,1.5 > 4,-0.6
			40s..48s  walk B 7.8,1.4 > 4.5,1.5 > 4.5,-0.6`
		part = `
			0s..8s    walk A 1,1 > 2,4.9
			0.2s..8s  walk B 1.6,1 > 8,4.8
			8s..14s   walk A 2,4.9
			8s..24s   walk B 8,4.8
			14s..24s  walk A 2,4.9 > 7,1.2
			24s..40s  walk A 7,1.2
			24s..36s  walk B 8,4.8 > 4.5,1.5 > 4.5,-0.6
			40s..48s  walk A 7,1.2 > 4,1.5 > 4,-0.6`
		bPicks = `
			12s       pick B 17
			11s       pick A 071142008582`
		aPays = `
			30s scan sco-1 s1 071142008582
			31s scan sco-1 s1 17
			33s till sco-1 s1 tender amount=2.89
			34s till sco-1 s1 close`
	)
	play(t, []scene{
		{"A pays for both", together + bPicks + aPays, `
			20s B unpaid 0.9..1
			47s A unpaid 0..0.05
			47s B unpaid 0..0.35
			47s B group_paid 0.7..1`},
		{"A pays for what A took", together + bPicks + `
			30s scan sco-1 s1 071142008582
			33s till sco-1 s1 tender amount=1.99
			34s till sco-1 s1 close`, `
			47s A unpaid 0..0.12         # the salt may be A's
			47s B unpaid 0.85..1         # group_paid() says that it may be an oversight
			47s B group_paid 0.7..1`},
		{"strangers who part: A's payment is not B's", part + `
			11s       pick A 071142008582
			12s       pick B 036000291452
			30s scan sco-1 s1 071142008582
			33s till sco-1 s1 tender amount=1.99
			34s till sco-1 s1 close`, `
			35s A unpaid 0..0.05
			35s B unpaid 0.9..1
			35s B group_paid 0`},
		{"B takes what A does not reach, A pays", `
			0s..8s    walk A 1,1 > 6.6,4.3
			0.2s..8s  walk B 1.6,1 > 7.6,4.9
			8s..14s   walk A 6.6,4.3
			8s..14s   walk B 7.6,4.9
			14s..24s  walk A 6.6,4.3 > 7,1.2
			14s..24s  walk B 7.6,4.9 > 7.8,1.4
			24s..40s  walk A 7,1.2
			24s..40s  walk B 7.8,1.4
			11s       pick B 036000291452
			30s scan sco-1 s1 036000291452
			33s till sco-1 s1 tender amount=38.00`, `
			20s A whisky 0..0.02
			20s B unpaid 0.9..1
			35s B unpaid 0..0.35
			35s A whisky 0.6..1`},
		{"who part: A pays for what only B took, and has it from him as far as anybody knows", part + `
			12s       pick B 036000291452
			30s scan sco-1 s1 036000291452
			33s till sco-1 s1 tender amount=38.00`, `
			29s B unpaid 0.9..1
			35s B unpaid 0.1..0.35
			35s A whisky 0.6..0.85`},
		{"who part: both took one, and A pays for his own", strings.Replace(part, "2,4.9 > 7,1.2", "2,4.9 > 7.4,4.7 > 7,1.2", 1) + `
			12s       pick B 036000291452
			20s       pick A 036000291452
			30s scan sco-1 s1 036000291452
			33s till sco-1 s1 tender amount=38.00`, `
			35s B unpaid 0.85..1`},
	})
}
