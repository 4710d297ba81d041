package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// externalSecrets stands in for the External Secrets Operator and AWS Secrets Manager: it makes
// the Secrets of the ExternalSecrets in Argo CD's namespace, and sets the condition Ready on every
// ExternalSecret and ClusterSecretStore.
type externalSecrets struct {
	api    *client
	values map[string]map[string]string // by key in Secrets Manager
}

const externalSecretsVersion = "external-secrets.io/v1"

// registered returns what Secrets Manager holds: the values that register clusters with Argo CD,
// by the names that the environments give them.
func registered(c *clusters, names []string) (map[string]map[string]string, error) {
	config, err := json.Marshal(map[string]any{"bearerToken": adminToken, "tlsClientConfig": map[string]any{"insecure": true}})
	if err != nil {
		return nil, err
	}
	values := map[string]map[string]string{"argocd/repository": {}}
	for i, name := range names {
		to := c.main
		if name == secondCluster {
			to = c.second
		}
		address, err := to.address(i)
		if err != nil {
			return nil, err
		}
		values["argocd/cluster-"+name] = map[string]string{"server": address, "config": string(config)}
	}
	return values, nil
}

// secondCluster is the name of prod-next's cluster: it has production's namespace too.
const secondCluster = "prod-b"

// run works until ctx is done.
func (e *externalSecrets) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := e.round(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "e2e: external secrets:", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (e *externalSecrets) round(ctx context.Context) error {
	var problems []error
	for _, kind := range []string{"ClusterSecretStore", "ExternalSecret"} {
		all, err := e.api.all(ctx, externalSecretsVersion, kind, "")
		if err != nil {
			return err
		}
		for _, o := range all {
			if o.at("status", "conditions") != nil {
				continue
			}
			if o.namespace() == "argocd" {
				if err := e.makeSecret(ctx, o); err != nil {
					problems = append(problems, fmt.Errorf("%s: %w", o, err))
					continue
				}
			}
			if err := e.setReady(ctx, o); err != nil && !isNotFound(err) {
				problems = append(problems, fmt.Errorf("%s: %w", o, err))
			}
		}
	}
	return errors.Join(problems...)
}

// makeSecret makes the Secret of an ExternalSecret with one extracted key and a template.
func (e *externalSecrets) makeSecret(ctx context.Context, o object) error {
	target := object(o.at("spec", "target").(map[string]any))
	from := o.list("spec", "dataFrom")
	if len(from) != 1 || target.text("template", "mergePolicy") != "Merge" {
		return fmt.Errorf("not of the form that this program knows")
	}
	key := object(from[0].(map[string]any)).text("extract", "key")
	values, known := e.values[key]
	if !known {
		return fmt.Errorf("there is no %s; there are %s", key, strings.Join(slices.Sorted(maps.Keys(e.values)), ", "))
	}
	data := map[string]any{}
	for name, value := range values {
		data[name] = value
	}
	more, _ := target.at("template", "data").(map[string]any)
	maps.Copy(data, more)
	return e.api.apply(ctx, object{
		"apiVersion": "v1", "kind": "Secret", "stringData": data,
		"metadata": map[string]any{"name": target.text("name"), "namespace": "argocd", "labels": target.at("template", "metadata", "labels")},
	}, false)
}

func (e *externalSecrets) setReady(ctx context.Context, o object) error {
	condition := map[string]any{"type": "Ready", "status": "True", "reason": "e2e", "lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
	return e.api.merge(ctx, o, "status", map[string]any{"status": map[string]any{"conditions": []any{condition}}})
}
