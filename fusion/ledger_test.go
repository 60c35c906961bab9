package fusion

import "testing"

// TestTakeBack: what is unsaid stays unsaid in this world and said in its copies, and leaves its place: a ledger does not forget that
// it is full.
func TestTakeBack(t *testing.T) {
	s := &Store{ID: "s042", Zones: []Zone{{ID: "a", Kind: Aisle}}}
	s.Index()
	w := NewWorld(s)
	for i := range maxLedger + 1 {
		subject := [2]string{"v_1", "v_2"}[i%2]
		w.Tell(Fact{Kind: FactAlerted, N: 1, P: 1, Name: Alerted{Policy: "p", Tier: "log", Subject: subject}.String()})
	}
	before := w.Clone()
	v, gone := w.TakeBack("v_1")
	if len(gone) != maxLedger/2 || !v.Full() {
		t.Errorf("%d facts gone, full %t", len(gone), v.Full())
	}
	count := func(w *World, subject string) (n int) {
		for f := range w.store.Facts.All() {
			if ParseAlerted(f.Name).Subject == subject {
				n++
			}
		}
		return n
	}
	if a, b, c := count(w, "v_1"), count(w, "v_2"), count(before, "v_1"); a != 0 || b != maxLedger/2 || c != maxLedger/2 {
		t.Errorf("of v_1 %d, of v_2 %d, in the copy %d", a, b, c)
	}
	if _, gone := w.TakeBack("v_3"); gone != nil {
		t.Errorf("of nobody: %v", gone)
	}
}
