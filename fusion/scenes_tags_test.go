package fusion_test

import (
	"fmt"
	"testing"
)

// What tags show of whose goods they are: which way they go, what lies where, what is heard no more.

func TestSceneDirectionThroughTheGate(t *testing.T) {
	const brings = `
			0s..6s    walk A 4,-0.8 > 4,0.5 > 4,3
			0.4s..3s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24`
	const again = `
			6s..20s   walk A 4,3 > 8,3
			20s..30s  walk A 8,3 > 4,3 > 4,0.5 > 4,-0.8
			26.5s..30s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24`
	comesAndGoes := func(at float64) string {
		return fmt.Sprintf(`
			%gs..%gs walk B 4,-0.8 > 4,0.5 > 4,3
			%gs..%gs rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24
			%gs..%gs walk B 8,3 > 4,3 > 4,0.5 > 4,-0.8
			%gs..%gs rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24`, at, at+6, at+0.4, at+3, at+30, at+40, at+36.5, at+40)
	}
	play(t, []scene{
		{"brings goods of this kind along, and leaves with them", brings + again, `
			2s    A unpaid 0..0.1
			10s   A unpaid 0
			29.9s A unpaid 0
			29.9s A moved  0`},
		{"brings them along, is lost, and leaves with them as somebody whom cameras find anew", brings + `
			80s..90s  walk B 8,3 > 4,3 > 4,0.5 > 4,-0.8
			86.5s..90s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24`, `
			2s    A unpaid 0..0.1
			89.9s B unpaid 0
			89.9s B moved  0`},
		{"brought so long ago, it may be the store's", brings + `
			3700s..3710s  walk B 8,3 > 4,3 > 4,0.5 > 4,-0.8
			3706.5s..3710s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24`, `
			3709.9s B unpaid 0.8..1`},
		{"one read as A comes in may be of what lies near the door", `
			0s..6s    walk A 4,-0.8 > 4,0.5 > 4,3
			2s        rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66` + again, `
			29.9s A unpaid 0.6..1`},
		{"has been in the store before its tag is heard at the door", `
			0s..6s    walk A 4,-0.8 > 4,0.5 > 4,3` + again, `
			29.9s A unpaid 0.8..1
			29.9s A moved  0.8..1`},
		{"the camera finds A anew at the door: goes out, brings nothing in", `
			24s..30s  walk A 4,3 > 4,0.5 > 4,-0.8
			26.5s..30s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24`, `
			29.9s A unpaid 0.8..1`},
		{"found anew at the door, stands there, and goes out when the reader hears it no more", `
			24s..25s  walk A 4,1.2 > 4,0.9
			25s..28s  walk A 4,0.9
			25.5s..28s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24
			28.2s..32s walk A 4,0.9 > 4,-0.8`, `
			31.9s A unpaid 0.8..1`},
		{"the store has heard it before A came in", `
			0s..60s   rfid r-aisle 303404579800D6800004CB2F antenna=1 rssi=-60 x240
			61s..67s  walk A 4,-0.8 > 4,0.5 > 4,3
			63s..67s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x28
			67s..74s  walk A 4,3 > 4,0.5 > 4,-0.8
			70s..74s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x28`, `
			73.9s A unpaid 0.8..1`},
		{"C comes in as A goes out with it, stays near the door, and goes", again + `
			29s..35s  walk C 4.6,-0.8 > 4.6,0.5 > 4.6,3
			35s..40s  walk C 4.6,3 > 4.6,-0.8`, `
			30.5s A unpaid 0.8..1
			39.9s A unpaid 0.8..1
			39.9s C unpaid 0..0.1`},
		{"A goes out with it, comes in again with it, and goes", again + comesAndGoes(50), `
			29.9s A unpaid 0.8..1
			54s   B unpaid 0..0.1
			89.9s B unpaid 0`},
		{"A goes out with it, and long after it is the store's again", again + comesAndGoes(1000), `
			1039.9s B unpaid 0.8..1`},
		{"B leaves with it as A comes in", `
			0s..6s    walk B 1,1 > 2,4.9
			6s..12s   walk B 2,4.9
			8s        weight g1 -621.67g
			12s..22s  walk B 2,4.9 > 3.6,1.2 > 3.6,-0.8
			17s..24s  walk A 4.4,-0.8 > 4.4,3
			18.5s..21.5s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-63 x24`, `
			21.9s A unpaid 0..0.1
			21.9s B unpaid 0.8..1`},
	})
}

func TestSceneSilentTags(t *testing.T) {
	const walk = `
			0s..6s    walk A 1,1 > 8,4.8
			6s..12s   walk A 8,4.8
			8s        pick A 036000291452
			6s..14s   rfid r-aisle 30340457980022220000AA01 antenna=2 rssi=-60..-48..-58 x100
			12s..16s  walk A 8,4.8 > 4,4
			16s..60s  walk A 4,4`
	play(t, []scene{
		{"nothing is heard of it any more", walk, `
			15s A silent  0
			30s A silent  1
			30s A missing 1
			30s A whisky  0.9..1`},
		{"the reader is off: silence shows nothing", walk + `
			15s off r-aisle
			15s off r-door`, `
			40s A silent  0
			40s A missing 0`},
		{"it is heard there until long after A has gone", `
			0s..6s    walk A 1,1 > 8,4.8
			6s..12s   walk A 8,4.8
			8s        pick A 036000291452
			6s..24s   rfid r-aisle 30340457980022220000AA01 antenna=2 rssi=-60..-48..-58 x250
			12s..18s  walk A 8,4.8 > 1.5,3.5
			18s..60s  walk A 1.5,3.5`, `
			23s A silent  0
			23s A missing 0
			40s A silent  1
			40s A missing 1`},
		{"it is heard again", walk + `
			24s..50s  rfid r-aisle 30340457980022220000AA01 antenna=1 rssi=-55 x100`, `
			40s A silent  0
			40s A missing 0`},
	})
}

func TestSceneSameGoodsEachWithItsTag(t *testing.T) {
	const stand = `
			0s..6s    walk A 1,1 > 1.8,4.9
			0s..6s    walk B 2,1 > 2.2,4.9
			6s..14s   walk A 1.8,4.9
			6s..14s   walk B 2.2,4.9
			9s        weight g1 -1243.34g
			14s..21s  walk A 1.8,4.9 > 3.6,1.2 > 3.6,-0.6
			17.5s..21s rfid r-door ` + sauceEPC + ` antenna=1 rssi=-66..-45..-63 x24`
	play(t, []scene{
		{"one each", stand + `
			24s..31s  walk B 2.2,4.9 > 3.6,1.2 > 3.6,-0.6
			27.5s..31s rfid r-door ` + sauceEPC2 + ` antenna=1 rssi=-66..-45..-63 x24`, `
			20.9s A p_unpaid 0.85..1
			30.9s A unpaid   0.85..1.1
			30.9s B unpaid   0.85..1.1`},
		{"A has both", stand + `
			17.6s..21s rfid r-door ` + sauceEPC2 + ` antenna=1 rssi=-66..-45..-63 x24
			14s..40s  walk B 2.2,4.9`, `
			20.9s A unpaid   1.7..2
			20.9s A p_unpaid 0.95..1
			20.9s B unpaid   0..0.2`},
		{"A takes two, alone, and brings one back", `
			0s..6s    walk A 1,1 > 1.8,4.9
			6s..14s   walk A 1.8,4.9
			9s        weight g1 -1243.34g
			12s       weight g1 +621.67g
			14s..21s  walk A 1.8,4.9 > 3.6,1.2 > 3.6,-0.6`, `
			20.9s A unpaid   0.9..1.1
			20.9s A p_unpaid 0.9..1`},
		{"B scans the tag of one at the till", `
			0s..6s    walk A 1,1 > 1.8,4.9
			0s..6s    walk B 2,1 > 2.2,4.9
			6s..40s   walk A 1.8,4.9
			6s..14s   walk B 2.2,4.9
			9s        weight g1 -621.67g
			14s..22s  walk B 2.2,4.9 > 7,1.2
			22s..40s  walk B 7,1.2
			28s send till sco-1 {"session":"s1","action":"scan","epc":"` + sauceEPC + `"}
			30s till sco-1 s1 tender amount=1.99`, `
			20s A unpaid 0.4..0.5
			32s A unpaid 0
			32s B unpaid 0`},
	})
}

// TestSceneWhileLoud: a tag that is heard from afar, with somebody who stands beside the door, is whose it was while it was loud: who
// carries it past.
func TestSceneWhileLoud(t *testing.T) {
	const (
		stands = `
			0s..4s    walk B 6.3,3 > 6.3,1.6
			4s..60s   walk B 6.3,1.6`
		pays = `
			0s..6s    walk A 1,3 > 8,1.6
			6s..36s   walk A 8,1.6
			6s..36s   rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-68..-66..-68 x240
			36s..42s  walk A 8,1.6 > 4,0.8 > 4,-0.8
			36.2s..43.8s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-46..-64 x60`
	)
	play(t, []scene{
		{"A waits at the till, and goes out past B", stands + pays, `
			42s A moved 0.7..1
			42s B moved 0..0.15`},
		{"it lies on a shelf there, and A walks past", stands + `
			0s..60s   rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-62 x480
			36s..42s  walk A 8,1.6 > 4,0.8 > 4,-0.8`, `
			42s A moved 0..0.1
			42s B moved 0..0.15`},
		{"A stands outside the door, where no camera sees him", stands + `
			0s..6s    walk A 1,3 > 8,1.6
			6s..36s   walk A 8,1.6
			36s..42s  walk A 8,1.6 > 4,0.8 > 4,-0.8
			36.2s..48s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-46..-54 x94`, `
			43s A moved 0.6..1
			47s A moved 0.6..1
			47s B moved 0..0.15`},
	})
}

// TestScenePastACashier: what goes out past somebody who stands at a till by the door is with who goes out, and there is no doubt of whom to point at.
// Where two go out side by side there is.
func TestScenePastACashier(t *testing.T) {
	const out = `
			20s..26s  walk A 3.7,4.8 > 3.7,-1
			21s..25.5s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-66..-45..-64 x40`
	play(t, []scene{
		{"B stands a step from the door", `
			0s..26s   walk B 5.8,1.3` + out, `
			24.8s A moved  0.7..1
			24.8s A person 0.9..1
			24.8s B moved  0..0.1`},
		{"B goes out beside him", `
			20s..26s  walk B 4.3,4.8 > 4.3,-1` + out, `
			24.8s A moved  0.3..0.6
			24.8s A person 0.4..0.65
			24.8s B person 0.4..0.65`},
	})
}

// TestSceneWaitsAtTheTill: a tag that comes with somebody to a till beside the door, is heard there now and then, and goes out with him is carried;
// of one that goes on being heard so it is not. The reader is awake, and hears another that always lies there.
func TestSceneWaitsAtTheTill(t *testing.T) {
	const waits = `
			0s..300s    rfid r-door 30340457980022220000AA01 antenna=1 rssi=-66 x300
			250s..256s  walk A 1,3 > 6,1.5
			256s..280s  walk A 6,1.5
			256s..280s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-58..-60 x22`
	play(t, []scene{
		{"he goes out", waits + `
			280s..286s  walk A 6,1.5 > 4,0.8 > 4,-1
			281s..285.4s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-56..-46..-58 x40`, `
			278s A moved 0..0.3
			285s A moved 0.6..1`},
		{"he waits on", waits + `
			280s..300s  walk A 6,1.5
			280s..300s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-58..-60 x18`, `
			299s A moved 0..0.3`},
	})
}

// TestSceneHeardLongAfter: what is heard at the door long after somebody went out is not with him.
func TestSceneHeardLongAfter(t *testing.T) {
	play(t, []scene{{"A goes out past B, who waits at the till with it, and then B goes", `
			0s..200s    rfid r-door 30340457980022220000AA01 antenna=1 rssi=-66 x200
			150s..156s  walk A 3.7,4.8 > 3.7,-1
			152s..166s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-56..-60 x16
			150s..166s  walk B 6.5,1.8
			166s..172s  walk B 6.5,1.8 > 4,1.4 > 4,-1
			166s..171.5s rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-60..-45..-62 x48`, `
			171s B moved 0.7..1
			171s A moved 0..0.2`}})
}

// TestSceneGoesOutAfterAnother: a tag that seemed to go out with one who passed the door while it was heard from afar, and moves there again
// with somebody else, was never his.
func TestSceneGoesOutAfterAnother(t *testing.T) {
	play(t, []scene{
		{"B goes out past A, and then A, who took it", `
			0s..6s    walk A 1,1 > 2.1,4.9
			6s..12s   walk A 2.1,4.9
			8s        pick A 071142008582
			12s..18s  walk A 2.1,4.9 > 8,1.8
			18s..38s  walk A 8,1.8
			10s..20s  walk B 8,4 > 4,1.4
			20s..23s  walk B 4,1.4 > 4,-0.8
			18s..24s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-70..-50..-68 x48
			38s..44s  walk A 8,1.8 > 4,0.9 > 4,-0.8
			39s..45s  rfid r-door 303404579800D6800004CB2F antenna=1 rssi=-62..-45..-62 x48`, `
			44s A sauce  0.65..1
			44s A unpaid 0.65..1
			44s A moved  0.65..1
			44s B sauce  0..0.35`},
	})
}

// TestSceneHeardAgain: the tag of a bottle that somebody holds is not silent while it is heard, though its run began when he was out of reach.
func TestSceneHeardAgain(t *testing.T) {
	play(t, []scene{{"he goes away from it and comes back", `
			0s..6s    walk A 1,1 > 8,4.8
			6s..12s   walk A 8,4.8
			8s        pick A 036000291452
			6s..14s   rfid r-aisle 30340457980022220000AA01 antenna=2 rssi=-60..-48..-58 x100
			12s..20s  walk A 8,4.8 > 1.5,3
			20s..30s  walk A 1.5,3
			25s..30s  rfid r-aisle 30340457980022220000AA01 antenna=2 rssi=-68 x40
			30s..36s  walk A 1.5,3 > 8,4.8
			30s..36s  rfid r-aisle 30340457980022220000AA01 antenna=2 rssi=-68..-48..-50 x60
			36s..90s  walk A 8,4.8
			36s..90s  rfid r-aisle 30340457980022220000AA01 antenna=2 rssi=-50 x500`, `
			80s A silent 0..0`}})
}

// TestSceneSilentOfNothing: of whom it turns out that another carried the tag out, nothing is silent.
func TestSceneSilentOfNothing(t *testing.T) {
	play(t, []scene{{"B stands at the door, A carries it out", `
			0s..4s     walk B 1.5,0.5 > 4.3,0.8
			4s..24s    walk B 4.3,0.8
			0s..6s     walk A 1.5,1.5 > 2,4.8 > 5.5,4.8
			6s..42s    walk A 5.5,4.8
			20s..23s   rfid r-door 30340457980022220004CB2F antenna=1 rssi=-66..-45..-63 x26
			24s..28s   walk B 4.3,0.8 > 1,5
			28s..100s  walk B 1,5
			42s..47s   walk A 5.5,4.8 > 4.2,1.5 > 4.2,-0.5
			43.5s..47s rfid r-door 30340457980022220004CB2F antenna=1 rssi=-66..-45..-63 x26`, `
			26s B moved 0.5..1
			90s B unpaid 0..0
			90s B silent 0..0`}})
}

// TestSceneGateRings: two go out side by side as the gate rings. It rang for who has goods with a tag that no till has seen, as far as that is known; where
// neither has any, or the goods have no tag, it is shared.
func TestSceneGateRings(t *testing.T) {
	const out = `
			0s..6s    walk B 1.5,0.5 > 6,4.8
			20s..28s  walk A 3.2,4.8 > 3.7,2 > 3.7,-0.8
			20s..28s  walk B 6,4.8 > 4.3,2 > 4.3,-0.8
			27s       gate eas-1 alarm out`
	play(t, []scene{
		{"A has a razor", `
			0s..6s    walk A 1.5,0.5 > 3.2,4.8
			8s        pick A 012345678905` + out, `
			29s A rang 0.8..1
			29s B rang 0..0.15`},
		{"A has salt, which has no tag", `
			0s..6s    walk A 1.5,0.5 > 2.6,4.8
			8s        pick A 17` + out, `
			29s A rang 0.35..0.6
			29s B rang 0.35..0.6`},
		{"nobody has anything", `
			0s..6s    walk A 1.5,0.5 > 3.2,4.8` + out, `
			29s A rang 0.35..0.6
			29s B rang 0.35..0.6`},
	})
}
