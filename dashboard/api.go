package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds what a client may post, as a message may be (contract, §1).
const maxBody = 256 << 10

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

func fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"error": text})
}

// list answers with what get returns, [] for nothing.
func list[T any](get func() []T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		all := []T{}
		if get != nil {
			all = append(all, get()...)
		}
		answer(w, http.StatusOK, all)
	}
}

func (s *server) policies(w http.ResponseWriter, _ *http.Request) {
	set := PolicySet{}
	if s.Policies != nil {
		set = s.Options.Policies()
	}
	if set.Policies == nil {
		set.Policies = []Policy{}
	}
	answer(w, http.StatusOK, set)
}

func (s *server) marks(w http.ResponseWriter, _ *http.Request) {
	all := map[string]Mark{}
	if s.Marks != nil {
		for id, m := range s.Marks() {
			all[id] = m
		}
	}
	answer(w, http.StatusOK, all)
}

// goods answers GET /api/goods?sku=…&sku=… with the names of those that are known.
func (s *server) goods(w http.ResponseWriter, r *http.Request) {
	names := map[string]string{}
	for i, sku := range r.URL.Query()["sku"] {
		if s.Goods == nil || i == 100 {
			break
		}
		if name := s.Options.Goods(sku); name != "" {
			names[sku] = name
		}
	}
	answer(w, http.StatusOK, names)
}

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	if s.Health != nil {
		if err := s.Health(); err != nil {
			fail(w, http.StatusServiceUnavailable, err.Error())
			return
		}
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// alerts answers GET /api/alerts?limit=100&since=2026-11-22T10:00:00Z.
func (s *server) alerts(w http.ResponseWriter, r *http.Request) {
	q := Query{Limit: 100}
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			fail(w, http.StatusBadRequest, fmt.Sprintf("limit wants a whole number from 1 to 1000, not %.40q", text))
			return
		}
		q.Limit = n
	}
	if text := r.URL.Query().Get("since"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			fail(w, http.StatusBadRequest, fmt.Sprintf("since wants a time such as 2026-11-22T10:00:00Z, not %.40q", text))
			return
		}
		q.Since = at
	}
	lines := []json.RawMessage{}
	if s.Alerts != nil {
		lines = append(lines, s.Alerts(q)...)
	}
	answer(w, http.StatusOK, lines[:min(len(lines), q.Limit)])
}

func (s *server) revisions(w http.ResponseWriter, r *http.Request) {
	var lines []json.RawMessage
	if s.Revisions != nil {
		lines = s.Revisions(r.PathValue("id"))
	}
	if lines == nil {
		fail(w, http.StatusNotFound, fmt.Sprintf("%v: %.80q", ErrUnknownAlert, r.PathValue("id")))
		return
	}
	answer(w, http.StatusOK, lines)
}

// body reads what was posted; false after it has answered with an error.
func body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d KiB", maxBody>>10))
	case err != nil:
		fail(w, http.StatusBadRequest, "the body did not arrive whole")
	}
	return b, err == nil
}

func (s *server) receive(w http.ResponseWriter, r *http.Request) {
	if s.Receive == nil {
		fail(w, http.StatusNotFound, "no device of the site file has a key_file, so nothing is taken here")
		return
	}
	if b, ok := body(w, r); ok {
		status, v := s.Receive(r.Header, b)
		answer(w, status, v)
	}
}

// decode reads a JSON object into v; false after it has answered with an error.
func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	b, ok := body(w, r)
	if !ok {
		return false
	}
	if err := json.Unmarshal(b, v); err != nil {
		var wrong *json.UnmarshalTypeError
		text := "the body is not a JSON object"
		if errors.As(err, &wrong) && wrong.Field != "" {
			text = fmt.Sprintf("%s wants a %s, not a %s", wrong.Field, wrong.Type, wrong.Value)
		}
		fail(w, http.StatusBadRequest, text)
		return false
	}
	return true
}

func (s *server) ack(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Who string `json:"who"`
	}
	if !decode(w, r, &in) {
		return
	}
	if in.Who = strings.TrimSpace(in.Who); in.Who == "" || len(in.Who) > 200 {
		fail(w, http.StatusBadRequest, "who is missing: say who sees to it (at most 200 bytes)")
		return
	}
	if s.Ack == nil {
		fail(w, http.StatusNotFound, "acknowledgements are not kept here")
		return
	}
	if s.recorded(w, s.Ack(r.PathValue("id"), in.Who)) {
		s.Hub.mark(r.PathValue("id"), Mark{Acked: in.Who})
		answer(w, http.StatusOK, map[string]string{"status": "acknowledged"})
	}
}

// verdicts are the words of the contract; words that map to another are older names.
var verdicts = map[string]string{"loss": "loss", "theft": "loss", "recovered": "recovered", "honest_error": "honest_error",
	"no_loss": "no_loss", "false_alarm": "no_loss", "fault": "fault", "unclear": "unclear"}

func (s *server) verdict(w http.ResponseWriter, r *http.Request) {
	var v Verdict
	if !decode(w, r, &v) {
		return
	}
	word, ok := verdicts[v.Verdict]
	switch {
	case !ok:
		fail(w, http.StatusBadRequest, fmt.Sprintf("verdict %.40q is not one of loss, recovered, honest_error, no_loss, fault, unclear", v.Verdict))
		return
	case !(v.Recovered >= 0 && v.Recovered <= 1e9) || !(v.Minutes >= 0 && v.Minutes <= 1e6) || math.IsNaN(v.Minutes):
		fail(w, http.StatusBadRequest, "recovered (a value) and minutes must be 0 or more")
		return
	case len(v.Why) > 4000 || len(v.Who) > 200:
		fail(w, http.StatusBadRequest, "why may have at most 4000 bytes and who 200")
		return
	case s.Verdict == nil:
		fail(w, http.StatusNotFound, "verdicts are not kept here")
		return
	}
	v.Verdict = word
	if s.recorded(w, s.Verdict(r.PathValue("id"), v)) {
		s.Hub.mark(r.PathValue("id"), Mark{Verdict: word, Who: v.Who, Why: v.Why})
		answer(w, http.StatusOK, map[string]string{"status": "recorded", "verdict": word})
	}
}

func (s *server) recorded(w http.ResponseWriter, err error) bool {
	switch {
	case errors.Is(err, ErrUnknownAlert):
		fail(w, http.StatusNotFound, err.Error())
	case err != nil:
		s.Log.Error("dashboard: could not record", "error", err)
		fail(w, http.StatusInternalServerError, "could not be recorded; try again, and see the log")
	}
	return err == nil
}
