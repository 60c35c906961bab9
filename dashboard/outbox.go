package dashboard

import (
	"fmt"
	"net/http"
	"strconv"

	"magpie/alerts"
)

// Outbox is what waits to be delivered, and what was given up.
type Outbox struct {
	Outputs []alerts.OutputStatus `json:"outputs"` // by name
	Dead    []alerts.DeadDelivery `json:"dead"`    // oldest first
}

func (s *server) outbox(w http.ResponseWriter, _ *http.Request) {
	box := Outbox{}
	if s.Outbox != nil {
		var err error
		if box, err = s.Options.Outbox(); err != nil {
			s.Log.Error("dashboard: the outbox cannot be read", "error", err)
			fail(w, http.StatusInternalServerError, "the outbox cannot be read; see the log")
			return
		}
	}
	if box.Outputs == nil {
		box.Outputs = []alerts.OutputStatus{}
	}
	if box.Dead == nil {
		box.Dead = []alerts.DeadDelivery{}
	}
	answer(w, http.StatusOK, box)
}

// resend answers POST /api/outbox/{id}/{rev}/resend, which has no body.
func (s *server) resend(w http.ResponseWriter, r *http.Request) {
	rev, err := strconv.Atoi(r.PathValue("rev"))
	if err != nil || rev < 1 {
		fail(w, http.StatusBadRequest, fmt.Sprintf("a revision is a whole number from 1, not %.40q", r.PathValue("rev")))
		return
	}
	if s.Resend == nil {
		fail(w, http.StatusNotFound, "there is no outbox here")
		return
	}
	n, err := s.Resend(r.PathValue("id"), rev)
	if err != nil {
		s.Log.Warn("dashboard: nothing sent again", "error", err)
		fail(w, http.StatusConflict, err.Error())
		return
	}
	s.Log.Info("dashboard: sent again by hand", "alert", r.PathValue("id"), "rev", rev, "outputs", n)
	answer(w, http.StatusAccepted, map[string]any{"status": "queued", "outputs": n})
}
