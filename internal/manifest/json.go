package manifest

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// parseJSON reads a document as JSON, into the tree that the YAML parser would
// make of it; nil where it is no JSON. It is for what JSON has and the parser
// does not know: \/ and pairs of surrogates.
func (f *File) parseJSON(d *document) *yaml.Node {
	body := f.Data[d.body:d.end]
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return nil
	}
	r := jsonReader{file: f, base: d.body, decoder: json.NewDecoder(bytes.NewReader(body))}
	r.decoder.UseNumber()
	value, err := r.value()
	if err != nil {
		return nil
	}
	if _, err := r.decoder.Token(); err != io.EOF {
		return nil
	}
	return &yaml.Node{Kind: yaml.DocumentNode, Line: value.Line, Column: value.Column, Content: []*yaml.Node{value}}
}

type jsonReader struct {
	file    *File
	base    int // offset of the decoder's first byte in the file
	decoder *json.Decoder
}

// value reads the next value.
func (r *jsonReader) value() (*yaml.Node, error) {
	at := r.base + int(r.decoder.InputOffset())
	for at < len(r.file.Data) && strings.IndexByte(" \t\r\n,:", r.file.Data[at]) >= 0 {
		at++
	}
	place := r.file.PlaceAt(at)
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: place.Line, Column: place.Col}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case string:
		n.Style, n.Tag, n.Value = yaml.DoubleQuotedStyle, yaml.NodeTagString, token
	case json.Number:
		n.Tag, n.Value = yaml.NodeTagInt, token.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = yaml.NodeTagFloat
		}
	case bool:
		n.Tag, n.Value = yaml.NodeTagBool, map[bool]string{true: "true", false: "false"}[token]
	case nil:
		n.Tag, n.Value = yaml.NodeTagNull, "null"
	case json.Delim:
		n.Kind, n.Style, n.Tag = yaml.SequenceNode, yaml.FlowStyle, yaml.NodeTagSeq
		if token == '{' {
			n.Kind, n.Tag = yaml.MappingNode, yaml.NodeTagMap
		}
		for r.decoder.More() {
			child, err := r.value() // of a map: its keys and its values, in turn
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err = r.decoder.Token()
	}
	return n, err
}
