package fusion

import "testing"

// TestHeading: who goes towards the street goes out, straight or slantwise, before he is at the edge; who passes by a door along it, walks
// in or stands before it does not, however near to it he is.
func TestHeading(t *testing.T) {
	for name, c := range map[string]struct {
		from, to Point
		out      bool
	}{
		"straight":         {Point{4, 3}, Point{4, 1}, true},
		"slantwise":        {Point{6, 3}, Point{4.6, 1.2}, true},
		"into the way in":  {Point{1.5, 3.5}, Point{1.5, 1.5}, true},
		"past it":          {Point{1.8, 1.2}, Point{4, 0.9}, false},
		"beside it":        {Point{7.5, 4}, Point{7.5, 1}, false},
		"in":               {Point{4, 0.2}, Point{4, 2}, false},
		"stands before it": {Point{4, 0.8}, Point{4, 0.75}, false},
		"strolls far away": {Point{4, 4.8}, Point{4, 4.2}, false},
	} {
		s := newStory(t)
		s.walk("cam-1", "A", 0, 2, c.from, c.to)
		s.tell(2)
		if got := s.view(s.of("cam-1/A")).Heading(true); got != c.out {
			t.Errorf("%s: %v", name, got)
		}
	}
	edgeless := newStory(t)
	for z := range edgeless.store.Zones {
		edgeless.store.Zones[z].Out = nil
	}
	edgeless.store.Index()
	edgeless.walk("cam-1", "A", 0, 2, Point{4, 4}, Point{4, 2})
	edgeless.tell(2)
	if !edgeless.view(edgeless.of("cam-1/A")).Heading(true) {
		t.Error("who goes to a way out whose edge is not told does not go out")
	}
}
