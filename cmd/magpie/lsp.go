package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"magpie/rules/edit"
)

// runLSP is `magpie lsp`: a language server for policy files on standard input and output.
func runLSP(ctx context.Context, args []string, out, errw io.Writer) error {
	fs := newFlags(errw, "lsp", "magpie lsp [--site site.yaml]; an editor starts it and speaks with it")
	sitePath := fs.String("site", "", "the site file (default: a site.yaml in the policies' folder or above it, else the one that a test beside them names)")
	fs.Bool("stdio", true, "speak on standard input and output, which it always does")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if *sitePath != "" {
		path, err := filepath.Abs(*sitePath)
		if err != nil {
			return err
		}
		*sitePath = path
	}
	return newEditor(*sitePath, out, errw).serve(ctx, os.Stdin)
}

// editor is one session with an editor.
type editor struct {
	out, errw io.Writer
	desk      *editorDesk

	began, over bool
	stale       map[string]bool              // folders that have changed since they were checked
	told        map[string]map[string]string // by folder and address: the diagnostics that were last sent
}

func newEditor(sitePath string, out, errw io.Writer) *editor {
	return &editor{out: out, errw: errw, desk: newEditorDesk(sitePath), stale: map[string]bool{}, told: map[string]map[string]string{}}
}

// errExit ends a session as the editor asked for.
var errExit = errors.New("exit")

// serve speaks until the editor says exit or goes away.
func (e *editor) serve(ctx context.Context, in io.Reader) error {
	messages, ended := make(chan []byte, 64), make(chan error, 1)
	go func() {
		r := bufio.NewReaderSize(in, longestHeader)
		for {
			body, err := readLSP(r)
			if err != nil {
				ended <- err
				close(messages)
				return
			}
			select {
			case messages <- body:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case body, ok := <-messages:
			if !ok {
				if err := <-ended; err != io.EOF {
					return fmt.Errorf("from the editor: %w", err)
				}
				return failed("the editor went away without shutdown and exit")
			}
			switch err := e.handle(body); {
			case err == errExit && e.over:
				return nil
			case err == errExit:
				return failed("the editor said exit without shutdown")
			case err != nil:
				return err
			}
			if len(messages) == 0 { // what is typed fast is checked once
				if err := e.publish(); err != nil {
					return err
				}
			}
		}
	}
}

// handle does what a message asks for, and answers it if it is a request. The error is of writing, or errExit.
func (e *editor) handle(body []byte) error {
	var m lspMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return writeLSP(e.out, &lspMessage{ID: json.RawMessage("null"), Error: &lspError{lspNotJSON, "this is no message: " + err.Error()}})
	}
	if m.Method == "" {
		return nil // an answer; nothing was asked
	}
	if m.Method == "exit" {
		return errExit
	}
	result, err := e.guarded(&m)
	if len(m.ID) == 0 {
		if err != nil {
			fmt.Fprintf(e.errw, "%s: %v\n", m.Method, err)
		}
		return nil
	}
	answer := &lspMessage{ID: m.ID, Result: result}
	var coded *lspError
	switch {
	case errors.As(err, &coded):
		answer.Result, answer.Error = nil, coded
	case err != nil:
		answer.Result, answer.Error = nil, &lspError{lspInternal, err.Error()}
	case result == nil:
		answer.Result = json.RawMessage("null")
	}
	return writeLSP(e.out, answer)
}

// guarded keeps a fault of ours from ending the session: the editor is told, and goes on.
func (e *editor) guarded(m *lspMessage) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(e.errw, "%s: panic: %v\n%s", m.Method, r, debug.Stack())
			result, err = nil, fmt.Errorf("a fault of magpie: %v", r)
		}
	}()
	return e.do(m)
}

type lspDocument struct {
	URI     string `json:"uri"`
	Version int    `json:"version"`
	Text    string `json:"text"`
}

// lspParams are the members of all parameters that are read.
type lspParams struct {
	RootURI               string      `json:"rootUri"`
	TextDocument          lspDocument `json:"textDocument"`
	Position              lspPosition `json:"position"`
	ContentChanges        []lspChange `json:"contentChanges"`
	InitializationOptions struct {
		Site string `json:"site"`
	} `json:"initializationOptions"`
}

type lspChange struct {
	Range *lspRange `json:"range"`
	Text  string    `json:"text"`
}

func (e *editor) do(m *lspMessage) (any, error) {
	switch {
	case !e.began && m.Method != "initialize":
		return nil, &lspError{lspNotInitialized, m.Method + " before initialize"}
	case e.over:
		return nil, &lspError{lspInvalidRequest, m.Method + " after shutdown"}
	}
	var p lspParams
	if len(m.Params) > 0 {
		if err := json.Unmarshal(m.Params, &p); err != nil && strings.HasPrefix(m.Method, "textDocument/") {
			return nil, &lspError{lspBadParams, err.Error()}
		}
	}
	doc := p.TextDocument
	path := pathOf(doc.URI)
	switch m.Method {
	case "initialize":
		e.began, e.desk.root = true, pathOf(p.RootURI)
		if s := p.InitializationOptions.Site; s != "" {
			e.desk.sitePath = s
			if !filepath.IsAbs(s) {
				e.desk.sitePath = filepath.Join(e.desk.root, s)
			}
		}
		return map[string]any{
			"capabilities": map[string]any{
				"positionEncoding":   "utf-16",
				"textDocumentSync":   map[string]any{"openClose": true, "change": 2, "save": true},
				"completionProvider": map[string]any{"triggerCharacters": []string{`"`, "'", "(", "@", "{", "[", " "}},
				"hoverProvider":      true,
				"definitionProvider": true,
			},
			"serverInfo": map[string]any{"name": "magpie", "version": buildHash()},
		}, nil
	case "shutdown":
		e.over = true
	case "textDocument/didOpen":
		e.desk.open[path] = &openDocument{uri: doc.URI, version: doc.Version, text: strings.TrimPrefix(doc.Text, "\ufeff")}
		e.changed(path)
	case "textDocument/didChange":
		d := e.desk.open[path]
		if d == nil {
			return nil, fmt.Errorf("%s was not opened", doc.URI)
		}
		d.version = doc.Version
		for _, c := range p.ContentChanges {
			if c.Range == nil {
				d.text = strings.TrimPrefix(c.Text, "\ufeff")
				continue
			}
			from, to := offsetOf(d.text, c.Range.Start), offsetOf(d.text, c.Range.End)
			d.text = d.text[:from] + c.Text + d.text[max(from, to):]
		}
		e.changed(path)
	case "textDocument/didClose":
		delete(e.desk.open, path)
		e.changed(path)
	case "textDocument/didSave", "workspace/didChangeWatchedFiles":
		for dir := range e.desk.folders() {
			e.stale[dir] = true
		}
	case "textDocument/completion":
		return e.completion(path, p.Position), nil
	case "textDocument/hover":
		f, name, text := e.desk.folder(path)
		if f == nil {
			return nil, nil
		}
		said, of := f.Hover(name, offsetOf(text, p.Position))
		if said == "" {
			return nil, nil
		}
		return map[string]any{"contents": map[string]any{"kind": "markdown", "value": said}, "range": lspRange{positionOf(text, of.From), positionOf(text, of.To)}}, nil
	case "textDocument/definition":
		f, name, text := e.desk.folder(path)
		if f == nil {
			return nil, nil
		}
		at, ok := f.Definition(name, offsetOf(text, p.Position))
		if !ok {
			return nil, nil
		}
		other := f.Texts[at.File]
		return map[string]any{"uri": e.desk.address(filepath.Join(filepath.Dir(path), at.File)),
			"range": lspRange{positionOf(other, at.From), positionOf(other, at.To)}}, nil
	default:
		if len(m.ID) > 0 {
			return nil, &lspError{lspNoMethod, "magpie lsp does not know " + m.Method}
		}
	}
	return nil, nil
}

// changed notes that a file has another text: its folder, and every folder that is checked by it as a site, is checked anew.
func (e *editor) changed(path string) {
	e.stale[filepath.Dir(path)] = true
	for dir := range e.desk.folders() {
		if e.desk.siteOf(dir) == path {
			e.stale[dir] = true
		}
	}
}

var lspKinds = map[edit.Kind]int{edit.Member: 10, edit.Function: 3, edit.Name: 6, edit.Value: 12, edit.Operator: 14}

// completion lists what may stand at a place.
func (e *editor) completion(path string, at lspPosition) any {
	f, name, text := e.desk.folder(path)
	if f == nil {
		return nil
	}
	items := []map[string]any{}
	for i, x := range f.Complete(name, offsetOf(text, at)) {
		filter, _, _ := strings.Cut(x.Label, "(")
		if strings.HasPrefix(x.Insert, `"`) {
			filter = x.Insert
		}
		item := map[string]any{"label": x.Label, "kind": lspKinds[x.Kind], "filterText": filter, "sortText": fmt.Sprintf("%04d", i),
			"textEdit": map[string]any{"range": lspRange{positionOf(text, x.From), positionOf(text, x.To)}, "newText": x.Insert}}
		if x.Detail != "" {
			item["detail"] = x.Detail
		}
		if x.Doc != "" {
			item["documentation"] = map[string]any{"kind": "markdown", "value": x.Doc}
		}
		items = append(items, item)
	}
	return map[string]any{"isIncomplete": false, "items": items}
}

type lspDiagnostic struct {
	Range    lspRange `json:"range"`
	Severity int      `json:"severity"` // 1 error, 2 warning
	Source   string   `json:"source"`
	Message  string   `json:"message"`
}

// publish checks the folders that have changed and tells the editor what is other than it was.
func (e *editor) publish() error {
	for _, dir := range slices.Sorted(maps.Keys(e.stale)) {
		delete(e.stale, dir)
		found := map[string][]lspDiagnostic{} // by address
		if e.desk.folders()[dir] {
			wrong, doubtful := e.checked(dir)
			for severity, of := range map[int][]finding{1: wrong, 2: doubtful} {
				for _, x := range of {
					text := e.desk.text(x.File)
					uri := e.desk.address(x.File)
					found[uri] = append(found[uri], lspDiagnostic{wordFrom(text, placeOf(text, x.Line, x.Col)), severity, "magpie", x.Text})
				}
			}
			for path, d := range e.desk.open {
				if filepath.Dir(path) == dir && found[d.uri] == nil {
					found[d.uri] = []lspDiagnostic{}
				}
			}
		}
		before := e.told[dir]
		for uri := range before {
			if found[uri] == nil {
				found[uri] = []lspDiagnostic{}
			}
		}
		e.told[dir] = map[string]string{}
		for _, uri := range slices.Sorted(maps.Keys(found)) {
			all := found[uri]
			slices.SortStableFunc(all, func(a, b lspDiagnostic) int {
				if a.Range.Start.Line != b.Range.Start.Line {
					return a.Range.Start.Line - b.Range.Start.Line
				}
				if a.Range.Start.Character != b.Range.Start.Character {
					return a.Range.Start.Character - b.Range.Start.Character
				}
				return strings.Compare(a.Message, b.Message)
			})
			params := map[string]any{"uri": uri, "diagnostics": all}
			if d := e.desk.open[pathOf(uri)]; d != nil {
				params["version"] = d.version
			}
			body, err := json.Marshal(params)
			if err != nil {
				return err
			}
			if len(all) > 0 || e.desk.open[pathOf(uri)] != nil {
				e.told[dir][uri] = string(body)
			}
			if before[uri] == string(body) {
				continue
			}
			if err := writeLSP(e.out, &lspMessage{Method: "textDocument/publishDiagnostics", Params: body}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checked is check of a folder, which no text can end.
func (e *editor) checked(dir string) (wrong, doubtful []finding) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(e.errw, "checking %s: panic: %v\n%s", dir, r, debug.Stack())
		}
	}()
	return e.desk.check(dir)
}

// pathOf is the path of a file's address; "" of any other.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return ""
	}
	return filepath.Clean(filepath.FromSlash(u.Path))
}
