// Package manifest edits scalars in YAML files and verifies that nothing else changed.
//
// Everything that this project writes into YAML goes one way. The parser finds a
// scalar. The bytes that made its value are found from its line and column and
// checked against the value. Those bytes alone are replaced. The document is parsed
// again and must be the same tree in everything but the chosen scalars. Where any of
// that is ambiguous, nothing is written.
//
//   - A File is parsed once. It has Images, Objects and Values, each with the place
//     where it was written.
//   - SetImages changes images of a File, and makes the new bytes.
//   - Patch sets, inserts and deletes values of a File, written as their neighbours are.
//   - A Skeleton is a file with holes, and Fill writes values into them: that is
//     how templates are rendered without a value ever becoming structure.
//
// JSON is YAML here. Nothing is ever printed back from a tree, so comments,
// quotes, line ends and indentation stay what their author made them.
package manifest

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
)

// File is one YAML or JSON file: its bytes, and the parser's tree over them.
type File struct {
	Name string // as people name it, for the places in problems
	Data []byte // never changed

	// Proofs are shared by files that are changed together; nil parses each of them again.
	Proofs *Proofs

	docs  []document
	lines lineIndex
}

// Parse reads every document of a file. The error is a *problem.Problem at the
// line where the parser stopped.
func Parse(name string, data []byte) (*File, error) {
	f := &File{Name: name, Data: data}
	if p := f.notUTF8(); p != nil {
		return nil, p
	}
	for _, d := range f.split() {
		some, err := f.parse(&d)
		if err != nil {
			return nil, f.syntaxProblem(d, err)
		}
		if some {
			f.docs = append(f.docs, d)
		}
	}
	return f, nil
}

// notUTF8 returns a problem at the first byte that is not UTF-8, or nil. The parser
// would also read UTF-16, whose bytes are in other places than its characters.
func (f *File) notUTF8() *problem.Problem {
	if utf8.Valid(f.Data) && !bytes.HasPrefix(f.Data, []byte("\xff\xfe")) {
		return nil
	}
	rest := f.Data
	for {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size <= 1 {
			break
		}
		rest = rest[size:]
	}
	place := f.PlaceAt(len(f.Data) - len(rest))
	return problem.At(place, "save the file as UTF-8", "the file is not UTF-8 text")
}

// syntaxProblem gives an error of the parser a place: the line where it stopped.
func (f *File) syntaxProblem(d document, err error) *problem.Problem {
	if errors.Is(err, errNoMarker) {
		line := d.lines + 1
		for !strings.HasPrefix(f.Line(line), "%") {
			line++
		}
		p := problem.At(problem.Place{File: f.Name, Line: line, Col: 1}, "write --- on a line of its own behind it; text that begins with % needs quotes", "this is not YAML: %v", err)
		p.Source = f.Line(line)
		return p
	}
	var failure *syntaxError
	if !errors.As(err, &failure) {
		return f.problemAt(d.root, "write out what the aliases stand for", "%v", err)
	}
	if line := f.conflict(); line > 0 {
		p := problem.At(problem.Place{File: f.Name, Line: line}, "take one of the two sides, and take the lines of <<<<<<<, ======= and >>>>>>> out", "a merge conflict was left here")
		p.Source = f.Line(line)
		return p
	}
	line := failure.stoppedAt() + d.lines
	p := problem.At(problem.Place{File: f.Name, Line: line}, syntaxHints[failure.message()], "this is not YAML: %s", failure.message())
	p.Source = f.Line(line)
	return p
}

// syntaxHints say what is wrong, most often, where the parser says so.
var syntaxHints = map[string]string{
	"did not find expected key":                              "look at the indentation of this line and of those above it",
	"did not find expected '-' indicator":                    "look at the indentation of this line and of those above it",
	"found character that cannot start any token":            "indent with blanks, not with tabs; text that begins with @, % or ` needs quotes",
	"mapping values are not allowed in this context":         "text with a colon and a blank in it needs quotes; else look at the indentation",
	"did not find expected ',' or '}'":                       "a { is not closed",
	"did not find expected ',' or ']'":                       "a [ is not closed",
	"found unexpected end of stream":                         "a quote is not closed",
	"could not find expected ':'":                            "a key needs a colon and a blank behind it",
	"block sequence entries are not allowed in this context": "a list begins on a line of its own",
}

// conflict returns the first line that Git marks a merge conflict with, 0 where there
// is none.
func (f *File) conflict() int {
	for i, start := range f.lines.of(f.Data) {
		if bytes.HasPrefix(f.Data[start:], []byte("<<<<<<< ")) {
			return i + 1
		}
	}
	return 0
}

// Line returns the text of a line, counted from 1, without its end; "" where the file
// has no such line.
func (f *File) Line(n int) string {
	starts := f.lines.of(f.Data)
	if n < 1 || n > len(starts) {
		return ""
	}
	line := f.Data[starts[n-1]:]
	for i := range line {
		if breakLength(line[i:]) > 0 {
			return string(line[:i])
		}
	}
	return string(line)
}

// place returns where a node starts, for people.
func (f *File) place(n *yaml.Node) problem.Place {
	return problem.Place{File: f.Name, Line: n.Line, Col: n.Column}
}

// problemAt returns a problem at a node, with its line.
func (f *File) problemAt(n *yaml.Node, hint, format string, args ...any) *problem.Problem {
	p := problem.At(f.place(n), hint, format, args...)
	p.Source = f.Line(n.Line)
	return p
}

// resolved returns the node an alias stands for, or the node itself.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// ErrNotRegular is what ReadFile says of a pipe or a device: reading one may never
// come to an end.
var ErrNotRegular = errors.New("it is no regular file")

// ReadFile reads a file, or what a link to one leads to, and nothing else.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() { // a folder is told by whoever opens it
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrNotRegular}
	}
	return limit.ReadFile(fsys, name)
}
