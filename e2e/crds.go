package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// definitions are CustomResourceDefinitions in a module's zip.
type definitions struct {
	module, version, files string // files: a pattern
	kinds                  []string
}

var controllers = []definitions{
	{"github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases/*.yaml", []string{"ExternalSecret", "SecretStore", "ClusterSecretStore"}},
	{"github.com/argoproj/argo-cd/v3", argocdVersion, "manifests/crds/*-crd.yaml", []string{"Application", "ApplicationSet", "AppProject"}},
	{"github.com/aws/karpenter-provider-aws", "v1.14.0", "pkg/apis/crds/*.yaml", []string{"NodePool", "EC2NodeClass"}},
	{"sigs.k8s.io/gateway-api", "v1.4.1", "config/crd/standard/*.yaml", []string{"Gateway", "HTTPRoute"}},
	{"github.com/emissary-ingress/emissary/v3", "v3.10.0", "manifests/emissary/emissary-crds.yaml.in", []string{"Mapping", "Host", "Listener"}},
	{"", "", "../internal/validate/gen/definitions/own/*.yaml", []string{"TargetGroupBinding"}}, // no module has it
}

// installCRDs creates the definitions of the starter's custom resources, and waits until they are served.
func installCRDs(ctx context.Context, c *client) (int, error) {
	var created []object
	for _, d := range controllers {
		found, err := d.read(ctx)
		if err != nil {
			return 0, err
		}
		for _, crd := range found {
			if err := c.apply(ctx, crd, false); err != nil {
				return 0, fmt.Errorf("%s: %w", crd, err)
			}
		}
		created = append(created, found...)
	}
	for _, crd := range created {
		err := eventually(ctx, 30*time.Second, crd.String(), func(ctx context.Context) error {
			live, err := c.live(ctx, crd)
			if err != nil {
				return err
			}
			for _, condition := range live.list("status", "conditions") {
				if k := object(condition.(map[string]any)); k.text("type") == "Established" && k.text("status") == "True" {
					return nil
				}
			}
			return notYet("not established")
		})
		if err != nil {
			return 0, err
		}
	}
	return len(created), nil
}

// read returns the definitions. Conversion webhooks are left out: nothing would answer them. So
// the newest version is the only one: an older one would be stored without the newer fields.
func (d *definitions) read(ctx context.Context) ([]object, error) {
	dir := "."
	if d.module != "" {
		var err error
		if dir, err = moduleFolder(ctx, d.module, d.version); err != nil {
			return nil, err
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(d.files)))
	if err != nil {
		return nil, err
	}
	var found []object
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, document := range strings.Split("\n"+string(data), "\n---") {
			var o object
			if err := yaml.Unmarshal([]byte(document), &o); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if o.kind() != "CustomResourceDefinition" || !slices.Contains(d.kinds, o.text("spec", "names", "kind")) {
				continue
			}
			if o.at("spec", "conversion", "webhook") != nil {
				versions := o.list("spec", "versions")
				newest := object(versions[len(versions)-1].(map[string]any))
				newest.set(true, "storage")
				o.set([]any{map[string]any(newest)}, "spec", "versions")
			}
			delete(o["spec"].(map[string]any), "conversion")
			delete(o, "status")
			delete(o["metadata"].(map[string]any), "creationTimestamp")
			found = append(found, o)
		}
	}
	if len(found) != len(d.kinds) {
		return nil, fmt.Errorf("%s: %d definitions of %v found", d.module, len(found), d.kinds)
	}
	return found, nil
}
