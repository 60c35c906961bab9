package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the import table of the architecture: what of ours each package may import, over all its files. The words
// at the end of a row are outside modules that only this package, of those that replay, may use.
var mayImport = map[string][]string{
	"magpie/fusion":          {},
	"magpie/strict":          {},
	"magpie/site":            {"magpie/fusion", "magpie/strict"},
	"magpie/sensors/message": {},
	"magpie/sensors":         {"magpie/fusion", "magpie/site", "magpie/sensors/message", "magpie/journal", "magpie/strict"},
	"magpie/vision":          {"magpie/fusion", "magpie/site", "magpie/sensors/message"},
	"magpie/vision/opencv":   {"magpie/vision"},
	"magpie/vision/onnx":     {"magpie/vision"},
	"magpie/vision/tfjs":     {},
	"magpie/rules":           {"magpie/fusion", "magpie/strict"},
	"magpie/rules/edit":      {"magpie/fusion", "magpie/rules", "magpie/sim"},
	"magpie/baseline":        {"magpie/fusion"},
	"magpie/policies":        {},
	"magpie/journal":         {},
	"magpie/journal/state":   {},
	"magpie/alerts":          {"magpie/fusion", "magpie/rules"},
	"magpie/metrics":         {},
	"magpie/dashboard":       {"magpie/alerts", "magpie/metrics", "magpie/rules", "magpie/site"},
	"magpie/sim":             {"magpie/fusion", "magpie/site", "magpie/sensors/message", "magpie/strict"},
}

// pure lists the packages that are functions of their input and use the standard library only, without clock or network.
var pure = map[string][]string{
	"magpie/fusion": {"net", "net/http", "os", "log", "log/slog", "sync", "math/rand", "math/rand/v2"},
}

func TestImportTable(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the go command")
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "magpie/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg, imports := words[0], words[1:]
		if strings.HasPrefix(pkg, "magpie/cmd/") {
			continue // the only place that sees everything
		}
		allowed, known := mayImport[pkg]
		if !known {
			t.Errorf("%s is not in the import table: is it a room of its own? Then say there what it may import.", pkg)
			continue
		}
		for _, i := range imports {
			if strings.HasPrefix(i, "magpie/") && !slices.Contains(allowed, i) {
				t.Errorf("%s imports %s, which the architecture does not allow", pkg, i)
			}
			if slices.Contains(pure[pkg], i) {
				t.Errorf("%s imports %s, but has to be a function of its input", pkg, i)
			}
			if _, isPure := pure[pkg]; isPure && strings.Contains(strings.Split(i, "/")[0], ".") {
				t.Errorf("%s imports %s, but uses the standard library only", pkg, i)
			}
		}
	}
}
