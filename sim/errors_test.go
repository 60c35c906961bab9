package sim

// errorCases are scripts with what is said of them, word for word.
var errorCases = [][2]string{
	{`5 walk A 1,1`, `
1:1: "5" is not a time: write it with its unit, as 5s, 17.5s or 1m30s
  | 5 walk A 1,1
  | ^`},
	{`0s..5s wlak A 1,1`, `
1:8: "wlak" is not a verb; did you mean walk?
  | 0s..5s wlak A 1,1
  |        ^`},
	{`-1s off cam-1`, `
1:1: -1s is before the start: times count from 0s
  | -1s off cam-1
  | ^`},
	{`0s..30h walk A 1,1`, `
1:5: 30h is too long: a script lasts at most 24h
  | 0s..30h walk A 1,1
  |     ^`},
	{`5s..2s walk A 1,1`, `
1:5: the span ends at 2s, before it begins at 5s
  | 5s..2s walk A 1,1
  |     ^`},
	{`0s walk A 1,1 > 2,2`, `
1:4: a walk takes time: give it a span, as 0s..5s
  | 0s walk A 1,1 > 2,2
  |    ^`},
	{`0s..5s walk A 1,1 2,2`, `
1:19: write > between two points: walk P x,y > x,y > …
  | 0s..5s walk A 1,1 2,2
  |                   ^`},
	{`0s..5s walk A 1,1 >> 2,2`, `
1:20: a point x,y is missing before >
  | 0s..5s walk A 1,1 >> 2,2
  |                    ^`},
	{`0s..5s walk A 1,1 >`, `
1:20: a point x,y after > is missing: walk P x,y > x,y > …
  | 0s..5s walk A 1,1 >
  |                    ^`},
	{`0s..5s walk A 1;1`, `
1:15: "1;1" is not a point: write metres on the floor plan as 2.1,4.2
  | 0s..5s walk A 1;1
  |               ^`},
	{`0s..5s walk`, `
1:12: a person is missing: walk P x,y > x,y > …
  | 0s..5s walk
  |            ^`},
	{`1s..2s weight g1-s5-p11 -621g`, `
1:1: weight happens at one time, not over a span: 1s weight SCALE -621g
  | 1s..2s weight g1-s5-p11 -621g
  | ^`},
	{`1s weight g1-s5-p11 -621`, `
1:21: "-621" is not a weight: write grams, as -621g for a step or 4399.8g for one sample
  | 1s weight g1-s5-p11 -621
  |                     ^`},
	{`1s weight g1-s5-p11 -fg`, `
1:21: "-f" is no number for grams
  | 1s weight g1-s5-p11 -fg
  |                     ^`},
	{`1s weight g1-s5-p1 -621g`, `
1:11: the site has no source of weight "g1-s5-p1"; did you mean g1-s5-p11?
  | 1s weight g1-s5-p1 -621g
  |           ^`},
	{`1s weight r-door -621g`, `
1:11: r-door is a source of rfid and sends no weight
  | 1s weight r-door -621g
  |           ^`},
	{`1s rfid r-door XYZ antenna=1 rssi=-50`, `
1:16: "XYZ" is not an EPC: hex digits only
  | 1s rfid r-door XYZ antenna=1 rssi=-50
  |                ^`},
	{`1s rfid r-door AB rssi=-50`, `
1:4: antenna=N and rssi=DB are both needed: rfid READER EPC antenna=N rssi=DB[..DB..DB] xN
  | 1s rfid r-door AB rssi=-50
  |    ^`},
	{`1s rfid r-door AB antenna=9 rssi=-50`, `
1:27: reader r-door has no antenna 9; possible are 1, 2
  | 1s rfid r-door AB antenna=9 rssi=-50
  |                           ^`},
	{`1s rfid r-door AB antenna=x rssi=-50`, `
1:27: "x" is no number for antenna
  | 1s rfid r-door AB antenna=x rssi=-50
  |                           ^`},
	{`1s rfid r-door AB antenna=1 rssi=loud`, `
1:34: "loud" is no number for rssi
  | 1s rfid r-door AB antenna=1 rssi=loud
  |                                  ^`},
	{`1s rfid r-door AB antenna=1 rssi=-50..-40..-30..-20 x3`, `
1:34: rssi takes one strength, from..to, or from..peak..to
  | 1s rfid r-door AB antenna=1 rssi=-50..-40..-30..-20 x3
  |                                  ^`},
	{`1s rfid r-door AB antenna=1 rssi=-50 x0`, `
1:38: "x0" is not a number of times: write x1 to x10000
  | 1s rfid r-door AB antenna=1 rssi=-50 x0
  |                                      ^`},
	{`1s rfid r-door AB antenna=1 power=3 rssi=-1`, `
1:29: "power=3" cannot stand here: rfid READER EPC antenna=N rssi=DB[..DB..DB] xN
  | 1s rfid r-door AB antenna=1 power=3 rssi=-1
  |                             ^`},
	{`1s gate eas-1 alarm up`, `
1:21: "up" cannot stand here; possible are in, out
  | 1s gate eas-1 alarm up
  |                     ^`},
	{`1s gate eas-1 ring out`, `
1:15: "ring" cannot stand here; possible are alarm, clear
  | 1s gate eas-1 ring out
  |               ^`},
	{`1s count c-1 in=2 3`, `
1:19: "3" cannot stand here: write out=N, N people
  | 1s count c-1 in=2 3
  |                   ^`},
	{`1s region axis-3 77 person enter in-2`, `
1:34: the site has no zone "in-2"; did you mean in-1?
  | 1s region axis-3 77 person enter in-2
  |                                  ^`},
	{`1s signal cam-1-line line`, `
1:26: on or off is missing: signal SOURCE name on|off
  | 1s signal cam-1-line line
  |                          ^`},
	{`1s stock erp-1 nothing 12`, `
1:16: "nothing" is neither a SKU of the site's products nor a list that names one
  | 1s stock erp-1 nothing 12
  |                ^`},
	{`1s stock erp-1 071142008582 many`, `
1:29: "many" is no number for units
  | 1s stock erp-1 071142008582 many
  |                             ^`},
	{`1s send tills sco-1 {}`, `
1:9: "tills" is not a kind; did you mean till?
  | 1s send tills sco-1 {}
  |         ^`},
	{`1s send till sco-1 {"a":`, `
1:20: the payload is not JSON (unexpected EOF): send KIND SOURCE {json}
  | 1s send till sco-1 {"a":
  |                    ^`},
	{`1s send till sco-1`, `
1:19: the payload is missing: send KIND SOURCE {json}
  | 1s send till sco-1
  |                   ^`},
	{`1s off cam-9`, `
1:8: the site has no source "cam-9"; did you mean cam-1?
  | 1s off cam-9
  |        ^`},
	{`1s off cam-1 now`, `
1:14: "now" is more than off takes: off SOURCE
  | 1s off cam-1 now
  |              ^`},
	{`1s till sco-1 t1 scan sku=071142008582 prize=1`, `
1:40: "prize" is no member of a till message; did you mean price?
  | 1s till sco-1 t1 scan sku=071142008582 prize=1
  |                                        ^`},
	{`1s till sco-1 t1 scan free`, `
1:23: "free" cannot stand here: write what belongs to the action as k=v; keys are sku, epc, line, of, receipt, qty, price, amount, grams, cashier
  | 1s till sco-1 t1 scan free
  |                       ^`},
	{`1s till sco-1 t1 scan price=free`, `
1:29: "free" is no number for price
  | 1s till sco-1 t1 scan price=free
  |                             ^`},
	{`1s pick A sauces`, `
1:9: nobody called A walks in this script; give them a walk around 1s
  | 1s pick A sauces
  |         ^`},
	{`0s..2s walk A 2.1,4.2
5s pick A sauces`, `
2:9: A is not there at 5s: their walks last from 0s to 2s
  | 5s pick A sauces
  |         ^`},
	{`0s..9s walk A 1,1
5s pick A sauces`, `
2:9: A is at 1.0,1.0 at 5s, 3.6 m from plate g1-s5-p11: walk within 1 m of it first
  | 5s pick A sauces
  |         ^`},
	{`0s..9s walk A 1,1
5s pick A 4000000000006`, `
2:11: no plate of the site holds 4000000000006, so that no sensor would feel it: write what others sense, with rfid or send
  | 5s pick A 4000000000006
  |           ^`},
	{`0s..9s walk A 2.1,4.2
5s pick A wine`, `
2:11: "wine" is neither a SKU of the site's products nor a list that names one
  | 5s pick A wine
  |           ^`},
	{`0s..9s walk A 2.1,4.2
5s pick A sauces x21`, `
2:4: plate g1-s5-p11 would carry -622 g: it holds no more than 20 units of its first product at the start
  | 5s pick A sauces x21
  |    ^`},
	{`0s..9s walk A 2.1,4.2
5s pick A sauces 3`, `
2:18: "3" is more than pick takes: pick P goods xN
  | 5s pick A sauces 3
  |                  ^`},
	{`0s..9s walk A 1,1
0s..9s walk B 3,3
5s give A B sauces`, `
3:11: A and B are 2.8 m apart at 5s: walk them within 1 m first
  | 5s give A B sauces
  |           ^`},
	{`0s..9s walk A 1,1
5s give A A sauces`, `
2:11: A cannot give to A: name two people
  | 5s give A A sauces
  |           ^`},
	{`0s..9s walk A 1,1
5s walk A 2,2`, `
2:9: A still walks until 9s (line 1)
  | 5s walk A 2,2
  |         ^`},
	{`0s off eas-1
5s gate eas-1 alarm out`, `
2:9: eas-1 is off at 5s and sends nothing: switch it on before, or use send
  | 5s gate eas-1 alarm out
  |         ^`},
	{`5s gate eas-1 alarm out +soon`, `
1:26: "soon" is not a time: write it with its unit, as 5s, 17.5s or 1m30s
  | 5s gate eas-1 alarm out +soon
  |                          ^`},
	{`5s`, `
1:3: a verb is missing: TIME[..TIME] VERB …
  | 5s
  |   ^`},
	{`1s off cam-9
2s on cam-9
3s gate eas-1 alarm out extra`, `
3:25: "extra" is more than gate takes: gate G alarm|clear in|out
  | 3s gate eas-1 alarm out extra
  |                         ^`},
	{`1s off cam-9
2s walk
3s on`, `
2:8: a person is missing: walk P x,y > x,y > …
  | 2s walk
  |        ^
3:6: a source is missing: on SOURCE
  | 3s on
  |      ^`},
}
