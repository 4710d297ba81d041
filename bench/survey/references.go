package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"
)

// reference is an image in a file, as the second parser and this walk read it.
type reference struct {
	file       string
	path       string // with the number of the document
	repository string // as it is written; docker.io and library/ are left out
	tag        string
}

// references returns the images in a Kubernetes object, a Helm release, a file of values or a
// kustomization. Other files have none.
func references(file string, data []byte) []reference {
	var list []reference
	for n, doc := range documents(data) {
		if !counted(file, doc) {
			continue
		}
		w := walker{file: file}
		w.walk(fmt.Sprint(n), "", doc, true)
		list = append(list, w.list...)
	}
	return list
}

// documents returns a file's documents, those before the first that cannot be read.
func documents(data []byte) []any {
	var docs []any
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		doc, err := decode(decoder)
		if err != nil {
			return docs
		}
		docs = append(docs, doc)
	}
}

// decode reads one document. The decoder panics at some that are no YAML.
func decode(decoder *yaml.Decoder) (doc any, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it is no YAML")
		}
	}()
	if err = decoder.Decode(&doc); err != nil {
		return nil, io.EOF
	}
	return doc, nil
}

// counted reports whether a document is one whose images are counted.
func counted(file string, doc any) bool {
	m, isMap := doc.(map[any]any)
	if !isMap {
		return false
	}
	name := path.Base(file)
	isValues := strings.Contains(strings.ToLower(name), "values")
	isKustomization := slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, name)
	return isValues || isKustomization || text(m, "kind") != "" && text(m, "apiVersion") != ""
}

// walker collects the references in a document.
type walker struct {
	file string
	list []reference
}

func text(m map[any]any, key string) string {
	switch v := m[key].(type) {
	case string:
		return v
	case int, float64:
		return fmt.Sprint(v)
	}
	return ""
}

// walk visits a value that stands under a key.
func (w *walker) walk(at, key string, value any, top bool) {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			if s, isText := item.(string); isText && key == "images" && strings.Contains(at, "kustomize") {
				_, ref, found := strings.Cut(s, "=")
				if !found {
					ref = s
				}
				w.whole(fmt.Sprintf("%s[%d]", at, i), ref)
			}
			w.walk(fmt.Sprintf("%s[%d]", at, i), key, item, top && key == "items")
		}
	case map[any]any:
		w.entries(at, v)
		if s, isText := v["image"].(string); isText && !w.has(at) {
			w.whole(at+".image", s)
		}
		if s, isText := v["reference"].(string); isText && key == "image" {
			w.whole(at+".reference", s)
		}
		for k, child := range v {
			name := fmt.Sprint(k)
			if top && name == "status" && text(v, "kind") != "" {
				continue
			}
			w.walk(at+"."+name, name, child, top && name == "items")
		}
	}
}

func (w *walker) has(at string) bool {
	return slices.ContainsFunc(w.list, func(r reference) bool { return r.path == at })
}

// entries adds the image that a map spells over its entries.
func (w *walker) entries(at string, m map[any]any) {
	repository := ""
	for _, key := range []string{"repository", "baseImage", "newName", "image", "name"} {
		if repository = text(m, key); repository != "" {
			break
		}
	}
	registry := text(m, "registry")
	tag, tagged := m["tag"]
	if !tagged {
		tag, tagged = m["newTag"]
	}
	if !tagged && text(m, "repository") != "" {
		tag, tagged = m["version"]
	}
	if !tagged && m["digest"] != nil && m["newName"] != nil {
		tagged = true
	}
	switch tag.(type) {
	case nil, string, int, float64:
	default:
		return
	}
	if !tagged || repository == "" || !isRepository.MatchString(repository) {
		return
	}
	if registry != "" {
		repository = registry + "/" + repository
	}
	if strings.Contains(repository, "://") || !isRepository.MatchString(repository) {
		return
	}
	tagText, _, _ := strings.Cut(text(m, "tag")+text(m, "newTag"), "@")
	if m["tag"] == nil && m["newTag"] == nil {
		tagText = text(m, "version")
	}
	if strings.Trim(tagText, tagCharacters) != "" {
		return // such as ${TAG}
	}
	w.list = append(w.list, reference{w.file, at, familiar(repository), tagText})
}

// whole adds the image of a string.
func (w *walker) whole(at, s string) {
	s = strings.TrimSpace(s)
	name, _, _ := strings.Cut(s, "@")
	tag := ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	if isRepository.MatchString(name) && strings.Trim(tag, tagCharacters) == "" {
		w.list = append(w.list, reference{w.file, at, familiar(name), tag})
	}
}

const tagCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

var isRepository = regexp.MustCompile(`^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)

// familiar returns a repository without what Docker lets people leave out.
func familiar(name string) string {
	for _, host := range []string{"docker.io/", "index.docker.io/"} {
		name = strings.TrimPrefix(name, host)
	}
	return strings.TrimPrefix(name, "library/")
}

// leaves returns the scalars of a file, by their paths.
func leaves(data []byte) map[string]string {
	list := map[string]string{}
	var visit func(at string, v any)
	visit = func(at string, v any) {
		switch v := v.(type) {
		case map[any]any:
			for k, child := range v {
				visit(at+"."+fmt.Sprint(k), child)
			}
		case []any:
			for i, item := range v {
				visit(fmt.Sprintf("%s[%d]", at, i), item)
			}
		case nil:
			list[at] = ""
		default:
			list[at] = fmt.Sprint(v)
		}
	}
	for n, doc := range documents(data) {
		visit(fmt.Sprint(n), doc)
	}
	return list
}
