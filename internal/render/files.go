package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// textFiles are the files of templates/files by name, and the folders in it that cannot be
// read, of which "." is templates/files itself. They are read with the templates: what is wrong
// with one counts where it is embedded.
type textFiles map[string]textFile

type textFile struct {
	text string
	err  error
}

// file returns the text of a file of templates/files.
func (x *execution) file(name any) (manifest.FileText, error) {
	text, err := x.textOf(name)
	if err != nil {
		return "", err
	}
	if known, ok := x.templates.files[text]; ok && known.err == nil {
		return manifest.FileText(known.text), x.charge(len(known.text) / 8)
	}
	for file := text; ; file = path.Dir(file) {
		if known := x.templates.files[file]; known.err != nil {
			return "", known.err
		}
		if file == "." || file == "/" {
			break
		}
	}
	names := slices.Sorted(maps.Keys(x.templates.files))
	return "", &hintedError{"no file " + path.Join(templatesDir, filesDir) + "/" + text, problem.DidYouMean(text, names)}
}

// readFiles reads the files that templates may embed: UTF-8 text, no links, CRLF as LF.
func readFiles(fsys fs.FS) textFiles {
	files := textFiles{}
	root := path.Join(templatesDir, filesDir)
	fs.WalkDir(fsys, root, func(file string, entry fs.DirEntry, err error) error {
		var f textFile
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			f.err = fmt.Errorf("%s: %w", file, inventory.WithoutPath(err))
		case entry.IsDir():
			return nil
		default:
			f.text, f.err = readText(fsys, file, entry)
		}
		name := "."
		if file != root {
			name = strings.TrimPrefix(file, root+"/")
		}
		files[name] = f
		return nil
	})
	return files
}

func readText(fsys fs.FS, file string, entry fs.DirEntry) (string, error) {
	switch {
	case entry.Type()&fs.ModeSymlink != 0:
		return "", &hintedError{file + " is a symbolic link", "put the file itself there"}
	case !entry.Type().IsRegular():
		return "", &hintedError{file + " is not a regular file", ""}
	}
	tooLarge := &hintedError{fmt.Sprintf("%s is larger than the limit of %d MB", file, maxString>>20), ""}
	if info, err := entry.Info(); err == nil && info.Size() > maxString {
		return "", tooLarge
	}
	data, err := manifest.ReadFile(fsys, file)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", file, inventory.WithoutPath(err))
	case len(data) > maxString:
		return "", tooLarge
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return "", &hintedError{file + " is not UTF-8 text", "a manifest holds text only"}
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	if line := conflictIn(text); line > 0 {
		return "", &hintedError{fmt.Sprintf("%s:%d: a merge conflict was left here", file, line), "take one of the two sides, and take the lines of <<<<<<<, ======= and >>>>>>> out"}
	}
	return text, nil
}

// conflictIn returns the first line of a merge conflict as Git writes it, whole; 0 where there is
// none. Text has lines of ======= of its own.
func conflictIn(text string) int {
	if !strings.Contains(text, "<<<<<<< ") {
		return 0
	}
	first, middle := 0, false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "<<<<<<< "):
			first, middle = i+1, false
		case line == "=======":
			middle = first > 0
		case middle && strings.HasPrefix(line, ">>>>>>> "):
			return first
		}
	}
	return 0
}
