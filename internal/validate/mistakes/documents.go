package mistakes

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Document is one object's text, and where it is from.
type Document struct {
	Name string
	Text []byte
}

// Read reads the objects of a file, or of the YAML and JSON files below a folder. A
// List's items are objects of their own. What is not YAML, and what has no apiVersion or no kind,
// is left out.
func Read(path string) ([]Document, error) {
	var documents []Document
	err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if file != path && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		extension := filepath.Ext(strings.TrimSuffix(file, ".gz"))
		if !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, extension) {
			return nil
		}
		data, err := readFile(file)
		if err != nil {
			return err
		}
		for i, text := range split(data) {
			documents = append(documents, objectsIn(fmt.Sprintf("%s#%d", file, i), text)...)
		}
		return nil
	})
	return documents, err
}

func readFile(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil || filepath.Ext(file) != ".gz" {
		return data, err
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

var separator = regexp.MustCompile(`(?m)^---(?:[ \t].*)?\r?$`)

func split(data []byte) [][]byte {
	var texts [][]byte
	for _, text := range separator.Split(string(data), -1) {
		if strings.TrimSpace(text) != "" {
			texts = append(texts, []byte(text))
		}
	}
	return texts
}

func objectsIn(name string, text []byte) []Document {
	var object map[string]any
	if yaml.Unmarshal(text, &object) != nil {
		return nil
	}
	kind, _ := object["kind"].(string)
	apiVersion, _ := object["apiVersion"].(string)
	if items, ok := object["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		var documents []Document
		for i, item := range items {
			if text, err := yaml.Marshal(item); err == nil {
				documents = append(documents, objectsIn(fmt.Sprintf("%s[%d]", name, i), text)...)
			}
		}
		return documents
	}
	if kind == "" || apiVersion == "" {
		return nil
	}
	return []Document{{name, text}}
}
