package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// schemas are those of one release of Kubernetes, as other validators read them.
type schemas struct {
	openAPI string // for kubectl-validate: api/v1.json, apis/apps/v1.json and so on
	json    string // for kubeconform: a strict JSON Schema for each kind, deployment-apps-v1.json
}

// writeSchemas writes the schemas of a release of Kubernetes below dir. They are made from the
// OpenAPI in its Go module, so the module proxy is all that is needed.
func writeSchemas(dir, release string) (*schemas, error) {
	out, err := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@"+release).Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download k8s.io/kubernetes@%s: %w\n%s", release, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(module.Dir, "api", "openapi-spec", "v3", "api*__v*_openapi.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("k8s.io/kubernetes@%s has no OpenAPI", release)
	}
	s := &schemas{filepath.Join(dir, "openapi"), filepath.Join(dir, "json")}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		groupVersion := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), "_openapi.json"), "__", "/")
		if err := writeFile(filepath.Join(s.openAPI, groupVersion+".json"), text); err != nil {
			return nil, err
		}
		if err := writeJSONSchemas(s.json, text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return s, nil
}

// writeJSONSchemas writes a JSON Schema for each kind that the OpenAPI of a group's version has.
func writeJSONSchemas(dir string, openAPI []byte) error {
	openAPI = bytes.ReplaceAll(openAPI, []byte("#/components/schemas/"), []byte("#/definitions/"))
	var spec struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(openAPI, &spec); err != nil {
		return err
	}
	definitions := spec.Components.Schemas
	for _, schema := range definitions {
		if schema["properties"] != nil && schema["additionalProperties"] == nil {
			schema["additionalProperties"] = false
		}
	}
	for name, schema := range definitions {
		kinds, _ := schema["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // such as DeleteOptions, which are of every group
			continue
		}
		kind := kinds[0].(map[string]any)
		group, _, _ := strings.Cut(kind["group"].(string), ".")
		parts := []string{strings.ToLower(kind["kind"].(string)), group, kind["version"].(string)}
		if group == "" {
			parts = []string{parts[0], parts[2]}
		}
		text, err := json.Marshal(map[string]any{"$ref": "#/definitions/" + name, "definitions": definitions})
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, strings.Join(parts, "-")+".json"), text); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
