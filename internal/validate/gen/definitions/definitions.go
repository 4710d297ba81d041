// Package definitions reads the CustomResourceDefinitions of well-known controllers, and writes what
// validation needs of them. The tests of internal/validate, which embeds them, test it.
package definitions

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// source is a file of a module with CustomResourceDefinitions, and the kinds to take from it.
type source struct {
	module, version, file string
	kinds                 []string
}

var sources = []source{
	{"github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases/external-secrets.io_externalsecrets.yaml", []string{"ExternalSecret"}},
	{"github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases/external-secrets.io_secretstores.yaml", []string{"SecretStore"}},
	{"github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases/external-secrets.io_clustersecretstores.yaml", []string{"ClusterSecretStore"}},
	{"github.com/argoproj/argo-cd/v3", "v3.5.7", "manifests/crds/application-crd.yaml", []string{"Application"}},
	{"github.com/argoproj/argo-cd/v3", "v3.5.7", "manifests/crds/applicationset-crd.yaml", []string{"ApplicationSet"}},
	{"github.com/argoproj/argo-cd/v3", "v3.5.7", "manifests/crds/appproject-crd.yaml", []string{"AppProject"}},
	{"github.com/argoproj/argo-rollouts", "v1.10.1", "manifests/crds/rollout-crd.yaml", []string{"Rollout"}},
	{"github.com/aws/karpenter-provider-aws", "v1.14.0", "pkg/apis/crds/karpenter.sh_nodepools.yaml", []string{"NodePool"}},
	{"github.com/aws/karpenter-provider-aws", "v1.14.0", "pkg/apis/crds/karpenter.k8s.aws_ec2nodeclasses.yaml", []string{"EC2NodeClass"}},
	{"sigs.k8s.io/gateway-api", "v1.4.1", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml", []string{"HTTPRoute"}},
	{"sigs.k8s.io/gateway-api", "v1.4.1", "config/crd/standard/gateway.networking.k8s.io_gateways.yaml", []string{"Gateway"}},
	{"github.com/emissary-ingress/emissary/v3", "v3.10.0", "pkg/api/getambassador.io/crds.yaml", []string{"Mapping", "Host", "Listener"}},
}

// own are the definitions that no Go module carries.
//
//go:embed own/*.yaml
var own embed.FS

// Read returns the definitions of sources and own as JSON, by KIND.GROUP. module returns the folder
// of a module's files.
func Read(module func(path, version string) (dir string, err error)) (map[string][]byte, error) {
	definitions := map[string][]byte{}
	for _, s := range sources {
		dir, err := module(s.module, s.version)
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(s.file)))
		if err != nil {
			return nil, err
		}
		if err := Add(definitions, data, s.kinds, s.module+" "+s.version); err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
	}
	files, err := fs.Glob(own, "own/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := own.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := Add(definitions, data, nil, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return definitions, nil
}

// Write writes definitions to a folder, compressed, and removes the others from it.
func Write(folder string, definitions map[string][]byte) error {
	old, err := filepath.Glob(filepath.Join(folder, "*.json.gz"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if definitions[strings.TrimSuffix(filepath.Base(file), ".json.gz")] == nil {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	for name, data := range definitions {
		if err := WriteCompressed(filepath.Join(folder, name+".json.gz"), data); err != nil {
			return err
		}
	}
	return nil
}

// Add adds the definitions in a YAML stream; nil kinds takes all. from names the module
// and version of the stream; it is "" for own.
func Add(definitions map[string][]byte, data []byte, kinds []string, from string) error {
	found := 0
	for _, doc := range strings.Split("\n"+string(data), "\n---") {
		var crd map[string]any
		if err := yaml.Unmarshal([]byte(doc), &crd); err != nil {
			return err
		}
		if crd["kind"] != "CustomResourceDefinition" {
			continue
		}
		spec := crd["spec"].(map[string]any)
		kind := spec["names"].(map[string]any)["kind"].(string)
		if kinds != nil && !slices.Contains(kinds, kind) {
			continue
		}
		found++
		out, err := json.Marshal(map[string]any{
			"apiVersion": crd["apiVersion"], "kind": crd["kind"],
			"metadata": map[string]any{"name": crd["metadata"].(map[string]any)["name"], "annotations": map[string]any{"from": from}},
			"spec":     reduced(spec),
		})
		if err != nil {
			return err
		}
		definitions[kind+"."+spec["group"].(string)] = out
	}
	if kinds != nil && found != len(kinds) {
		return fmt.Errorf("%d definitions of %v found", found, kinds)
	}
	return nil
}

// reduced returns a definition's spec without what validation has no use for.
func reduced(spec map[string]any) map[string]any {
	spec = maps.Clone(spec)
	delete(spec, "conversion")
	var versions []any
	for _, v := range spec["versions"].([]any) {
		version := v.(map[string]any)
		delete(version, "additionalPrinterColumns")
		if schema, ok := version["schema"].(map[string]any); ok {
			reduceSchema(schema["openAPIV3Schema"])
		}
		versions = append(versions, version)
	}
	spec["versions"] = versions
	return spec
}

// reduceSchema removes the descriptions of a schema and of those below it; a property may have the
// name description too: it stays. A value of one of several types, which a schema of the API server
// cannot say, may be anything: so do the projects that write such schemas before they install them.
func reduceSchema(schema any) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	delete(s, "description")
	if _, typed := s["type"]; !typed && s["oneOf"] != nil && s["x-kubernetes-int-or-string"] == nil {
		clear(s)
		s["x-kubernetes-preserve-unknown-fields"] = true
		return
	}
	for key, value := range s {
		switch key {
		case "properties", "patternProperties", "definitions":
			for _, property := range value.(map[string]any) {
				reduceSchema(property)
			}
		case "items", "additionalProperties":
			reduceSchema(value)
		case "not":
			dropDescriptions(value)
		case "allOf", "anyOf", "oneOf":
			for _, one := range value.([]any) {
				dropDescriptions(one)
			}
		}
	}
}

// dropDescriptions removes the descriptions of a schema that only adds to another.
func dropDescriptions(schema any) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	delete(s, "description")
	for _, key := range []string{"items", "additionalProperties", "not"} {
		dropDescriptions(s[key])
	}
	properties, _ := s["properties"].(map[string]any)
	for _, property := range properties {
		dropDescriptions(property)
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := s[key].([]any)
		for _, one := range list {
			dropDescriptions(one)
		}
	}
}

// WriteCompressed writes data to a file, compressed, the same bytes each time.
func WriteCompressed(file string, data []byte) error {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}
