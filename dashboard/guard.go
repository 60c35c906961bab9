package dashboard

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

const cookieName = "magpie_session"

// CheckListen says whether the API may listen at an address: without a token only on this machine.
func CheckListen(address, token string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen address %q: want host:port, such as 127.0.0.1:8080", address)
	}
	if token == "" && !loopback(host) {
		return fmt.Errorf("listen address %q can be reached from other machines: set a token (MAGPIE_TOKEN), or listen on 127.0.0.1", address)
	}
	return nil
}

func loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// sessionOf derives the cookie from the token, so that who sees the cookie does not learn the token.
func sessionOf(token string) string {
	if token == "" {
		return ""
	}
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("magpie dashboard session"))
	return hex.EncodeToString(m.Sum(nil))
}

// guard stands before every path: headers that keep a browser from loading or sending anything foreign, the check of
// the Host, requests of other web pages, the token.
func (s *server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusForbidden, "a web page of another origin may not post here")
	}))
	inner := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if s.Token == "" && !loopback(host) {
			fail(w, http.StatusMisdirectedRequest, "without a token only this machine is served, as localhost or 127.0.0.1")
			return
		}
		if s.allowed(r) {
			inner.ServeHTTP(w, r)
			return
		}
		h.Set("WWW-Authenticate", `Bearer realm="magpie"`)
		if r.Method == http.MethodGet && (r.URL.Path == "/dashboard" || r.URL.Path == "/") {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusUnauthorized)
			w.Write(mustPage("login.html"))
			return
		}
		fail(w, http.StatusUnauthorized, "send the token: Authorization: Bearer …")
	})
}

func (s *server) allowed(r *http.Request) bool {
	switch {
	case s.Token == "", r.URL.Path == "/healthz", r.URL.Path == "/dashboard/style.css", r.URL.Path == "/dashboard/icon.svg":
		return true
	case r.Method == http.MethodPost && (r.URL.Path == "/api/alerts" || r.URL.Path == "/login"):
		return true // the first is signed, the second brings the token
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && same(bearer, s.Token) {
		return true
	}
	c, err := r.Cookie(cookieName)
	return err == nil && same(c.Value, s.session)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// login trades the token of the form for a cookie.
func (s *server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if s.Token != "" && !same(r.PostFormValue("token"), s.Token) {
		s.Log.Warn("dashboard: login with a wrong token", "from", r.RemoteAddr)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		w.Write(mustPage("login.html"))
		return
	}
	if s.Token != "" {
		http.SetCookie(w, &http.Cookie{Name: cookieName, Value: s.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
			Secure: r.TLS != nil, MaxAge: 12 * 3600})
	}
	http.Redirect(w, r, "/dashboard", http.StatusSeeOther)
}
