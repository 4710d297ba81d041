// Package hold reads and writes the files of a k8s repo that keep services where they
// are: holds/<env>/<service>.yaml.
package hold

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Dir is the folder of the k8s repo that says which services are held.
const Dir = "holds"

// Hold is a service that is kept where it is, by the file holds/<env>/<service>.yaml, or
// .yml. The service is held as long as the file is there, whatever its content, which is for
// people.
type Hold struct {
	Env     string // as in the file's path, not in its content
	Service string // likewise
	Tag     string // or digest, that it is kept on
	From    string // the tag that ran before; "" unless it was rolled back
	Reason  string
	By      string
	Date    string

	Place problem.Place // of the file, without a line
}

// String says who holds the service where, and why.
func (h *Hold) String() string {
	text := fmt.Sprintf("%s is held in %s", h.Service, h.Env)
	if h.Tag != "" {
		text += " at " + h.Tag
	}
	if h.By != "" {
		text += " by " + h.By
	}
	if h.Date != "" {
		text += " since " + h.Date
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}

// endings are what the name of a hold may end in: the one that is written, and the other that
// people write.
var endings = []string{".yaml", ".yml"}

// File returns the path of the file that holds a service, as it is written.
func File(env, service string) string { return Files(env, service)[0] }

// Files returns the paths that hold a service: any of them that is there does.
func Files(env, service string) []string {
	var files []string
	for _, ending := range endings {
		files = append(files, path.Join(Dir, env, service+ending))
	}
	return files
}

// Read reads the hold of a service; nil where there is none. A file that is not YAML holds the
// service too.
func Read(tree fs.FS, env, service string) (*Hold, error) {
	for _, file := range Files(env, service) {
		data, err := fs.ReadFile(tree, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		h := Parse(file, data)
		h.Env, h.Service = env, service
		return h, nil
	}
	return nil, nil
}

// Parse reads the content of the file of a hold; Env and Service are left empty. Of a file that is
// not YAML it returns a hold without a tag, a reason and so on.
func Parse(file string, data []byte) *Hold {
	h := &Hold{Place: problem.Place{File: file}}
	f, err := manifest.Parse(file, data)
	if err != nil {
		return h
	}
	docs, _ := f.Values()
	for _, doc := range docs {
		for _, field := range doc.Fields {
			switch text := field.Value.Text; field.Key.Text {
			case "tag":
				h.Tag = text
			case "from":
				h.From = text
			case "reason":
				h.Reason = text
			case "by":
				h.By = text
			case "date":
				h.Date = text
			}
		}
	}
	return h
}

// All reads all holds of an environment, sorted by service.
func All(tree fs.FS, env string) ([]*Hold, error) {
	entries, err := fs.ReadDir(tree, path.Join(Dir, env))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var services []string
	for _, e := range entries {
		ending := path.Ext(e.Name())
		service := strings.TrimSuffix(e.Name(), ending)
		if slices.Contains(endings, ending) && !e.IsDir() && !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	slices.Sort(services)
	var holds []*Hold
	for _, service := range services {
		h, err := Read(tree, env, service)
		if err != nil {
			return nil, err
		}
		if h != nil {
			holds = append(holds, h)
		}
	}
	return holds, nil
}

// Encode returns the content of the file of a hold. What is empty is left out, except for the tag.
func (h *Hold) Encode() []byte {
	entries := []manifest.Entry{{Key: "tag", Value: h.Tag}}
	for _, e := range []manifest.Entry{{Key: "from", Value: h.From}, {Key: "reason", Value: h.Reason}, {Key: "by", Value: h.By}, {Key: "date", Value: h.Date}} {
		if e.Value != "" {
			entries = append(entries, e)
		}
	}
	return manifest.EncodeStrings(entries...)
}
