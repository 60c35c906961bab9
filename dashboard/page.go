package dashboard

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
)

//go:embed page
var files embed.FS

// mustPage returns an embedded file; its name is a constant, so that it can only be absent by a mistake in this package.
func mustPage(name string) []byte {
	b, err := files.ReadFile("page/" + name)
	if err != nil {
		panic("dashboard: " + err.Error())
	}
	return b
}

// Look is how the dashboard's style sheet begins, its colours and type, for pages that stand alone.
func Look() template.CSS {
	root, _, _ := bytes.Cut(mustPage("style.css"), []byte("\n}\n"))
	return template.CSS(root) + "\n}\n"
}

func pageFile(name string) http.HandlerFunc {
	text := mustPage(name)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(text)
	}
}

func assets() http.Handler {
	sub, err := fs.Sub(files, "page")
	if err != nil {
		panic("dashboard: " + err.Error())
	}
	server := http.StripPrefix("/dashboard/", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dashboard/" {
			http.Redirect(w, r, "/dashboard", http.StatusFound)
			return
		}
		server.ServeHTTP(w, r)
	})
}
