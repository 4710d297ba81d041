package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// installed are the namespaces that the starter expects in a cluster and does not render.
var installed = []string{"argocd", "emissary", "external-secrets", "gateway", "nginx-ingress"}

// checkAPIServer has the API server look at every rendered object, and at a pod of every pod
// template: admission such as PodSecurity asks pods only.
func checkAPIServer(ctx context.Context, c *cluster, k *repository, r *report) error {
	r.stage("the API server takes the starter")
	start := time.Now()
	crds, err := installCRDs(ctx, c.client)
	if err != nil {
		return err
	}
	r.took(start, "%d CustomResourceDefinitions", crds)
	all, err := k.everything()
	if err != nil {
		return err
	}
	if err := createNamespaces(ctx, c.client, all); err != nil {
		return err
	}
	c.warnings = nil
	start = time.Now()
	var problems []error
	counts := map[string]int{}
	for _, m := range all {
		if err := c.apply(ctx, m.object, true); err != nil {
			problems = append(problems, fmt.Errorf("%s: %s: %w", m.file, m.object, err))
		}
		counts[m.env]++
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	r.took(start, "%d objects of %d environments, by server-side dry run", len(all), len(counts))
	start = time.Now()
	pods := 0
	for _, m := range all {
		pod, ok := podOf(m.object)
		if !ok {
			continue
		}
		pods++
		if err := c.dryCreate(ctx, pod); err != nil {
			problems = append(problems, fmt.Errorf("%s: a pod of %s: %w", m.file, m.object, err))
		}
	}
	if pods == 0 {
		problems = append(problems, errors.New("no pod template was found"))
	}
	slices.Sort(c.warnings)
	for _, warning := range slices.Compact(c.warnings) {
		problems = append(problems, fmt.Errorf("the API server warns: %s", warning))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	r.took(start, "%d pods, one of every pod template", pods)
	return nil
}

// createNamespaces creates the rendered namespaces, as they are, and those of the controllers.
func createNamespaces(ctx context.Context, c *client, all []manifest) error {
	var namespaces []object
	for _, name := range installed {
		namespaces = append(namespaces, object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
	}
	for _, m := range all {
		if m.kind() == "Namespace" {
			namespaces = append(namespaces, m.object)
		}
	}
	for _, o := range namespaces {
		if err := c.apply(ctx, o, false); err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
	}
	return nil
}

// podOf returns a pod as a controller would make it of an object's template.
func podOf(o object) (object, bool) {
	for _, path := range [][]string{{"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}} {
		template, ok := o.at(path...).(map[string]any)
		if !ok || object(template).at("spec", "containers") == nil {
			continue
		}
		pod := object{"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": map[string]any{
			"name": o.name() + "-e2e", "namespace": o.namespace(), "labels": object(template).at("metadata", "labels"),
		}}
		return pod, true
	}
	return nil, false
}
