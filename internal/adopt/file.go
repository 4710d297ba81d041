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
}

// readFiles reads the manifests in folders, sorted by path. What cannot be adopted,
// whatever the others are, is left.
func readFiles(fsys fs.FS, folders []folder, root func(env string) string) (files []*file, left []Left, err error) {
	for _, f := range folders {
		err := fs.WalkDir(fsys, f.dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch extension := path.Ext(name); {
			case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && name != f.dir:
				return fs.SkipDir
			case entry.IsDir():
				return nil
			case extension == ".json":
				left = append(left, Left{name, "it is JSON, which has no comments: a rendered file begins with two"})
				return nil
			case extension != ".yaml" && extension != ".yml":
				return nil
			case !entry.Type().IsRegular():
				left = append(left, Left{name, "it is no regular file"})
				return nil
			}
			data, err := manifest.ReadFile(fsys, name)
			if err != nil {
				left = append(left, Left{name, reasonOf(err)})
				return nil
			}
			file := &file{cell: f.cell, path: name, below: strings.TrimPrefix(name, root(f.env)+"/"), data: data}
			if template, body, ok := tree.Rendered(name, data); ok {
				file.template, file.data = template, body
			} else if template != "" {
				left = append(left, Left{name, "it was rendered from " + template + ", and edited by hand"})
				return nil
			}
			if reason := file.examine(); reason != "" {
				left = append(left, Left{name, reason})
				return nil
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

// reasonOf is an error as the reason why a file is left.
func reasonOf(err error) string {
	for _, p := range problem.All(err) {
		if p.Place.Line > 0 {
			return fmt.Sprintf("line %d: %s", p.Place.Line, p.Message)
		}
		return p.Message
	}
	return err.Error()
}

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
	case !bytes.HasSuffix(f.data, []byte("\n")):
		return "there is no line break at its end"
	case len(bytes.TrimRight(f.data, " \t\n"))+1 != len(f.data):
		return "there are blanks or blank lines at its end"
	case len(bytes.TrimSpace(f.data[:bytes.IndexByte(f.data, '\n')])) == 0:
		return "it begins with a blank line"
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
