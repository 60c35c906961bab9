package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The Language Server Protocol, as far as this server speaks it: https://microsoft.github.io/language-server-protocol.

// longestMessage bounds what is read for one message, and longestHeader the lines before it, in bytes.
const (
	longestMessage = 64 << 20
	longestHeader  = 4 << 10
)

// lspMessage is a request, a notification (without id) or an answer.
type lspMessage struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  any             `json:"result,omitempty"`
	Error   *lspError       `json:"error,omitempty"`
}

type lspError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *lspError) Error() string { return e.Message }

// Codes of errors.
const (
	lspNotJSON        = -32700
	lspInvalidRequest = -32600
	lspNoMethod       = -32601
	lspBadParams      = -32602
	lspInternal       = -32603
	lspNotInitialized = -32002
)

// readLSP reads one message: lines of header, an empty line, and as many bytes as Content-Length says. After io.EOF there are no
// more; after any other error it is not known where the next one begins.
func readLSP(r *bufio.Reader) ([]byte, error) {
	length, read := -1, 0
	for {
		line, err := r.ReadSlice('\n')
		if read += len(line); read > longestHeader || errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("a header of more than %d bytes", longestHeader)
		}
		if err == io.EOF && read > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fmt.Errorf("the header line %q is none: want Name: value", text)
		}
		if strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 || n > longestMessage {
				return nil, fmt.Errorf("Content-Length %q: want bytes, at most %d", strings.TrimSpace(value), longestMessage)
			}
			length = n
		}
	}
	if length < 0 {
		return nil, errors.New("a message without Content-Length")
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return body, nil
}

// writeLSP writes one message.
func writeLSP(w io.Writer, m *lspMessage) error {
	m.Version = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return err
}

// lspPosition is a place in a text: lines from 0, and UTF-16 code units from 0.
type lspPosition struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type lspRange struct {
	Start lspPosition `json:"start"`
	End   lspPosition `json:"end"`
}

// lineEnd is the length of what ends a line at a byte, 0 where none does.
func lineEnd(text string, at int) int {
	switch {
	case strings.HasPrefix(text[at:], "\r\n"):
		return 2
	case text[at] == '\n' || text[at] == '\r':
		return 1
	}
	return 0
}

// positionOf gives the place of a byte.
func positionOf(text string, at int) lspPosition {
	var p lspPosition
	for i := 0; i < min(at, len(text)); {
		if n := lineEnd(text, i); n > 0 {
			if i += n; i <= at {
				p.Line, p.Character = p.Line+1, 0
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		p.Character += max(1, utf16.RuneLen(r))
		i += n
	}
	return p
}

// offsetOf gives the byte of a place; one beyond the end of its line is that end, one beyond the text the text's.
func offsetOf(text string, p lspPosition) int {
	i := 0
	for line := 0; line < p.Line; {
		if i >= len(text) {
			return len(text)
		}
		if n := lineEnd(text, i); n > 0 {
			line++
			i += n
			continue
		}
		i++
	}
	for units := 0; i < len(text) && lineEnd(text, i) == 0; {
		r, n := utf8.DecodeRuneInString(text[i:])
		if units += max(1, utf16.RuneLen(r)); units > p.Character {
			return i
		}
		i += n
	}
	return i
}

// placeOf gives the byte of a line and column as check tells them: both from 1, columns in characters, lines as YAML ends them.
func placeOf(text string, line, col int) int {
	i := 0
	for n := 1; n < line && i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case lineEnd(text, i) > 0:
			size = lineEnd(text, i)
			n++
		case r == '\u0085' || r == '\u2028' || r == '\u2029':
			n++
		}
		i += size
	}
	for ; col > 1 && i < len(text) && lineEnd(text, i) == 0; col-- {
		_, size := utf8.DecodeRuneInString(text[i:])
		i += size
	}
	return i
}

// wordFrom gives the range of the word, the text in quotes or the sign at a byte.
func wordFrom(text string, at int) lspRange {
	end := at
	isWord := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= utf8.RuneSelf
	}
	for end < len(text) && isWord(text[end]) {
		end++
	}
	if end == at && end < len(text) && lineEnd(text, end) == 0 {
		_, size := utf8.DecodeRuneInString(text[end:])
		if c := text[end]; c == '"' || c == '\'' {
			if i := strings.IndexAny(text[end+1:], string(c)+"\r\n"); i >= 0 && text[end+1+i] == c {
				size = i + 2
			}
		}
		end += size
	}
	return lspRange{positionOf(text, at), positionOf(text, end)}
}
