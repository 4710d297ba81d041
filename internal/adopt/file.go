package adopt

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/tree"
)

// file is one copy of a manifest, as it is on the disk.
type file struct {
	cell
	path     string // below the k8s repo's root
	below    string // below the environment's folder
	data     []byte // without the header that a rendered file has
	template string // what rendered it; "" where it was written by hand
	text     *manifest.Text
}

// Left is a file that is not adopted.
type Left struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`

	cell  cell
	below string // as of a file
	file  *file  // nil where it could not be read as a manifest
}

// leave returns the file, left for a reason.
func (f *file) leave(reason string) Left { return Left{f.path, reason, f.cell, f.below, f} }

// readFiles reads the manifests in folders, sorted by path. What cannot be adopted,
// whatever the others are, is left.
func (l Layout) readFiles(fsys fs.FS, folders []folder) (files []*file, left []Left, err error) {
	for _, f := range folders {
		err := fs.WalkDir(fsys, f.dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			leave := func(reason string) error {
				left = append(left, Left{Path: name, Reason: reason, cell: f.cell, below: l.below(f, name)})
				return nil
			}
			switch extension := path.Ext(name); {
			case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != f.dir:
				return fs.SkipDir
			case entry.IsDir():
				return nil
			case extension == ".json":
				return leave("it is JSON, which has no comments: a rendered file begins with two")
			case extension != ".yaml" && extension != ".yml":
				return nil
			case !entry.Type().IsRegular():
				return leave("it is no regular file")
			}
			data, err := manifest.ReadFile(fsys, name)
			if err != nil {
				return leave(reasonOf(err))
			}
			file := &file{cell: f.cell, path: name, below: l.below(f, name), data: data}
			if template, body, ok := tree.Rendered(name, data); ok {
				file.template, file.data = template, body
			} else if template != "" {
				return leave("it was rendered from " + template + ", and edited by hand")
			}
			if reason := file.examine(); reason != "" {
				return leave(reason)
			}
			files = append(files, file)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	return files, left, nil
}

// reasonOf returns an error as the reason why a file is left.
func reasonOf(err error) string {
	all := problem.All(err)
	switch {
	case len(all) == 0:
		return err.Error()
	case all[0].Place.Line > 0:
		return fmt.Sprintf("line %d: %s", all[0].Place.Line, all[0].Message)
	}
	return all[0].Message
}

// exact reports whether the file begins or ends as no template renders it that does not
// ask for it: with blank lines, or without a line break.
func (f *file) exact() bool {
	first, _, _ := bytes.Cut(f.data, []byte("\n"))
	return len(bytes.TrimSpace(first)) == 0 || len(bytes.TrimRight(f.data, " \t\n"))+1 != len(f.data) || !f.ended()
}

// ended reports whether the file ends in a line break.
func (f *file) ended() bool { return bytes.HasSuffix(f.data, []byte("\n")) }

// examine returns why no template can render the file; "" where one can.
func (f *file) examine() string {
	switch {
	case bytes.HasPrefix(f.data, []byte("\xef\xbb\xbf")):
		return "a byte order mark stands before its text, where the header belongs"
	case !utf8.Valid(f.data) || bytes.IndexByte(f.data, 0) >= 0:
		return "it is not UTF-8 text"
	case bytes.IndexByte(f.data, '\r') >= 0:
		return "its lines end in CR: rendered files have LF alone"
	case len(bytes.TrimSpace(f.data)) == 0:
		return "it is empty"
	case bytes.ContainsAny(f.data, manifest.Placeholder+"\ue001"+manifest.SplicePlaceholder):
		return "it has a character from U+E000 to U+E002, which mean something in templates"
	}
	skeleton, err := manifest.ParseSkeleton(f.path, bytes.Clone(f.data))
	if err != nil {
		return reasonOf(err)
	}
	if skeleton.Empty() {
		return "it holds nothing but comments"
	}
	if _, err = skeleton.Fill(nil); err != nil {
		return reasonOf(err)
	}
	parsed, err := manifest.Parse(f.path, f.data)
	if err == nil {
		f.text, err = parsed.Text()
	}
	if err != nil {
		return reasonOf(err)
	}
	return ""
}
