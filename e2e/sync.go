package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// scenario is what the checks of Argo CD work with.
type scenario struct {
	*argocd
	clusters *clusters
	k        *repository
	r        *report
}

// checkArgoCD starts Argo CD, applies what is applied by hand, and changes what is in Git.
func checkArgoCD(ctx context.Context, work string, p *programs, started *processes, c *clusters, k *repository, r *report) error {
	r.stage("Argo CD %s syncs the starter", argocdVersion)
	if err := prepareClusters(ctx, c, k); err != nil {
		return err
	}
	values, err := registered(c, []string{"nonprod", "sandbox", "staging", "prod-a", secondCluster})
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(ctx)
	defer stop()
	go (&externalSecrets{c.main.client, values}).run(background)
	start := time.Now()
	a, err := startArgoCD(ctx, work, p, started, c.main, k)
	if err != nil {
		return err
	}
	r.took(start, "Argo CD answers")
	s := &scenario{a, c, k, r}
	for _, check := range []func(context.Context) error{
		s.rootBringsEverything, s.deployGoesLive, s.absentUserIsPruned, s.environmentIsAdded, s.autoscalerDropsNoPod,
		s.removedEnvironmentKeepsNamespace, s.removedVolumeWaits,
	} {
		if err := check(ctx); err != nil {
			return errors.Join(err, a.alive())
		}
	}
	return nil
}

// prepareClusters makes both clusters what Argo CD expects: controllers' definitions and
// namespaces, and nothing of what it is to sync itself.
func prepareClusters(ctx context.Context, c *clusters, k *repository) error {
	all, err := k.everything()
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.kind() != "Namespace" {
			continue
		}
		path, err := c.main.path(ctx, "v1", "Namespace", "", m.name())
		if err != nil {
			return err
		}
		if _, err := c.main.request(ctx, "DELETE", path, "", nil); err != nil && !isNotFound(err) {
			return err
		}
		if err := gone(ctx, c.main.client, m.object); err != nil {
			return err
		}
	}
	if _, err := installCRDs(ctx, c.second.client); err != nil {
		return err
	}
	return createNamespaces(ctx, c.second.client, nil)
}

func gone(ctx context.Context, c *client, o object) error {
	return eventually(ctx, time.Minute, "the end of "+o.String(), func(ctx context.Context) error {
		_, err := c.live(ctx, o)
		switch {
		case isNotFound(err):
			return nil
		case err != nil:
			return err
		}
		return notYet("it is there")
	})
}

// rootBringsEverything applies the file with the root Application, as kubectl would, and waits
// until every folder in Git has an Application that is synced.
func (s *scenario) rootBringsEverything(ctx context.Context) error {
	file, err := s.k.manifests("prod/manifests/prod-argocd-root.yaml")
	if err != nil {
		return err
	}
	start := time.Now()
	for _, m := range file {
		if err := s.api.apply(ctx, m.object, false); err != nil {
			return fmt.Errorf("%s: %w", m.object, err)
		}
	}
	names, err := s.expectedApplications()
	if err != nil {
		return err
	}
	if err := s.allSynced(ctx, names); err != nil {
		return err
	}
	s.r.took(start, "root Application applied → %d Applications synced", len(names))
	start = time.Now()
	checked, err := s.everythingIsLive(ctx)
	if err != nil {
		return err
	}
	s.r.took(start, "%d objects are there, each with its labels and annotations", checked)
	return nil
}

// expectedApplications returns the names of the Applications that there should be: root, and one
// for each folder of manifests.
func (s *scenario) expectedApplications() ([]string, error) {
	names := []string{"root"}
	envs, err := s.k.environments()
	if err != nil {
		return nil, err
	}
	for _, env := range envs {
		root := filepath.Join(s.k.dir, env, "manifests")
		names = append(names, env)
		for _, pattern := range []string{"*", "teams/*", "users/*"} {
			folders, err := filepath.Glob(filepath.Join(root, pattern))
			if err != nil {
				return nil, err
			}
			for _, folder := range folders {
				base := filepath.Base(folder)
				if info, err := os.Stat(folder); err != nil || !info.IsDir() || pattern == "*" && (base == "teams" || base == "users") {
					continue
				}
				names = append(names, strings.ReplaceAll(strings.TrimSuffix(env+"/"+pattern, "*")+base, "/", "."))
			}
		}
	}
	return names, nil
}

func (s *scenario) allSynced(ctx context.Context, names []string) error {
	return eventually(ctx, 3*time.Minute, "all Applications are synced", func(ctx context.Context) error {
		apps, err := s.api.all(ctx, argoproj, "Application", "argocd")
		if err != nil {
			return err
		}
		byName := map[string]object{}
		for _, app := range apps {
			byName[app.name()] = app
		}
		var waiting []error
		for _, name := range names {
			if err := synced(byName[name]); err != nil {
				waiting = append(waiting, fmt.Errorf("%s: %w", name, err))
			}
			delete(byName, name)
		}
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			waiting = append(waiting, notYet("%s belongs to no folder", name))
		}
		return errors.Join(waiting...)
	})
}

// cluster returns the cluster that an environment's objects are in; Argo CD's own are in the first.
func (s *scenario) cluster(m manifest) *client {
	if m.env == "prod-next" && m.namespace() != "argocd" {
		return s.clusters.second.client
	}
	return s.api
}

// everythingIsLive checks that every rendered object is in its cluster, with the labels and
// annotations that it should have.
func (s *scenario) everythingIsLive(ctx context.Context) (int, error) {
	all, err := s.k.everything()
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, m := range all {
		live, err := s.cluster(m).live(ctx, m.object)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %s: %w", m.file, m.object, err))
			continue
		}
		for _, part := range []string{"labels", "annotations"} {
			wanted, _ := m.at("metadata", part).(map[string]any)
			for key, value := range wanted {
				if got := live.at("metadata", part, key); got != value {
					problems = append(problems, fmt.Errorf("%s: %s has %s: %v, not %v", m.file, m.object, key, got, value))
				}
			}
		}
	}
	return len(all), errors.Join(problems...)
}

// waitForTag waits until a Deployment runs a tag, and returns the Deployment.
func (s *scenario) waitForTag(ctx context.Context, c *client, namespace, name, tag string) (object, error) {
	var live object
	err := eventually(ctx, 2*time.Minute, name+" runs "+tag, func(ctx context.Context) error {
		var err error
		if live, err = c.get(ctx, "apps/v1", "Deployment", namespace, name); err != nil {
			return err
		}
		for _, container := range live.list("spec", "template", "spec", "containers") {
			if image := object(container.(map[string]any)).text("image"); !strings.HasSuffix(image, ":"+tag) {
				return notYet("it runs %s", image)
			}
		}
		return nil
	})
	return live, err
}

// bump deploys a tag with tagbump and waits until the cluster runs it.
func (s *scenario) bump(ctx context.Context, env, namespace, service, deployment, tag string) (object, error) {
	start := time.Now()
	if err := s.k.deploy(ctx, env, service, tag); err != nil {
		return nil, err
	}
	pushed := time.Now()
	if err := s.notify(ctx); err != nil {
		return nil, err
	}
	live, err := s.waitForTag(ctx, s.api, namespace, deployment, tag)
	if err != nil {
		return nil, err
	}
	s.r.line("%7.1f s  %s of %s: tagbump deploy %.1f s, in the cluster %.1f s after the webhook", time.Since(start).Seconds(), service, env, pushed.Sub(start).Seconds(), time.Since(pushed).Seconds())
	return live, s.k.pull(ctx)
}

// deployGoesLive: tagbump moves a tag, and the cluster runs it.
func (s *scenario) deployGoesLive(ctx context.Context) error {
	_, err := s.bump(ctx, "dev", "dev", "api", "api", "9f2c1ab")
	return err
}

// absentUserIsPruned: a user is removed. The user's objects are pruned, and no others.
func (s *scenario) absentUserIsPruned(ctx context.Context) error {
	if err := s.k.manifestgen(ctx, "user", "remove", "bob"); err != nil {
		return err
	}
	if err := s.k.push(ctx, "bob leaves"); err != nil {
		return err
	}
	start := time.Now()
	if err := s.notify(ctx); err != nil {
		return err
	}
	kinds := map[string]string{"Deployment": "apps/v1", "Service": "v1", "ServiceAccount": "v1", "ExternalSecret": externalSecretsVersion, "Ingress": "networking.k8s.io/v1"}
	err := eventually(ctx, 5*time.Minute, "the end of bob's objects", func(ctx context.Context) error {
		users := map[string]int{}
		for kind, apiVersion := range kinds {
			found, err := s.api.all(ctx, apiVersion, kind, "sandbox")
			if err != nil {
				return err
			}
			for _, o := range found {
				users[o.text("metadata", "labels", "user")]++
			}
		}
		switch {
		case users["bob"] > 0:
			return notYet("%d are there", users["bob"])
		case users["alice"] == 0 || users["carol"] == 0:
			return fmt.Errorf("alice has %d objects and carol %d", users["alice"], users["carol"])
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.r.took(start, "a user removed → the user's objects pruned, with the webhook")
	return nil
}
