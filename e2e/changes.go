package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// demo is the environment that comes and goes.
const demo = "demo"

// environmentIsAdded: a new environment is in the cluster, by its files in Git alone.
func (s *scenario) environmentIsAdded(ctx context.Context) error {
	if err := s.k.manifestgen(ctx, "env", "add", demo, "--from", "qa", "--set", "domain=demo.example.com"); err != nil {
		return err
	}
	if err := s.k.push(ctx, "An environment "+demo); err != nil {
		return err
	}
	start := time.Now()
	if err := s.notify(ctx); err != nil {
		return err
	}
	names, err := s.expectedApplications()
	if err != nil {
		return err
	}
	if err := s.allSynced(ctx, names); err != nil {
		return err
	}
	s.r.took(start, "an environment added → all of it synced")
	_, err = s.everythingIsLive(ctx)
	return err
}

// autoscalerDropsNoPod: an autoscaler is turned on for a running service and scales it up, then
// a tag is bumped. At no time are there fewer pods than before.
func (s *scenario) autoscalerDropsNoPod(ctx context.Context) error {
	before, err := s.replicas(ctx)
	if err != nil {
		return err
	}
	err = s.k.edit("environments/staging.yaml", "services:\n", "services:\n  front:\n    vars:\n      hpa: {min: 2, max: 6, cpu: 70}\n")
	if err == nil {
		err = s.k.render(ctx)
	}
	if err == nil {
		err = s.k.push(ctx, "An autoscaler for front in staging")
	}
	if err != nil {
		return err
	}
	start := time.Now()
	if err := s.notify(ctx); err != nil {
		return err
	}
	least := before
	err = eventually(ctx, 2*time.Minute, "the autoscaler of front", func(ctx context.Context) error {
		now, err := s.replicas(ctx)
		if err != nil {
			return err
		}
		least = min(least, now)
		if _, err := s.api.get(ctx, "autoscaling/v2", "HorizontalPodAutoscaler", "staging", "front"); isNotFound(err) {
			return notYet("not there")
		} else if err != nil {
			return err
		}
		app, err := s.application(ctx, "staging.front")
		if err != nil {
			return err
		}
		return synced(app)
	})
	if err != nil {
		return err
	}
	// The autoscaler of kube-controller-manager scales up, by the subresource that it uses.
	if err := s.scale(ctx, 5); err != nil {
		return err
	}
	live, err := s.bump(ctx, "staging", "staging", "front", "front", "8ac31f0")
	if err != nil {
		return err
	}
	if got := number(live.at("spec", "replicas")); got != 5 || least < before {
		return fmt.Errorf("front had %d pods before the autoscaler, at least %d while it came, and %d after it had scaled to 5", before, least, got)
	}
	s.r.took(start, "an autoscaler turned on, and a bump after it: never fewer than %d pods, and its 5 stay", least)
	return nil
}

func (s *scenario) replicas(ctx context.Context) (int, error) {
	live, err := s.api.get(ctx, "apps/v1", "Deployment", "staging", "front")
	return number(live.at("spec", "replicas")), err
}

func number(v any) int {
	n, _ := v.(float64)
	return int(n)
}

func (s *scenario) scale(ctx context.Context, replicas int) error {
	path, err := s.api.path(ctx, "apps/v1", "Deployment", "staging", "front")
	if err != nil {
		return err
	}
	_, err = s.api.request(ctx, "PATCH", path+"/scale?fieldManager=kube-controller-manager", "application/merge-patch+json", map[string]any{"spec": map[string]any{"replicas": replicas}})
	return err
}

// removedEnvironmentKeepsNamespace: an environment is removed. Its services are pruned; its
// Namespace waits until a person confirms, and bumps go live meanwhile.
func (s *scenario) removedEnvironmentKeepsNamespace(ctx context.Context) error {
	if err := os.Remove(filepath.Join(s.k.dir, "environments", demo+".yaml")); err != nil {
		return err
	}
	if err := s.k.render(ctx, "--allow-mass-prune"); err != nil {
		return err
	}
	if err := s.k.push(ctx, "No "+demo); err != nil {
		return err
	}
	start := time.Now()
	if err := s.notify(ctx); err != nil {
		return err
	}
	err := eventually(ctx, 3*time.Minute, "the end of demo's services", func(ctx context.Context) error {
		deployments, err := s.api.all(ctx, "apps/v1", "Deployment", demo)
		if err != nil {
			return err
		}
		app, err := s.application(ctx, demo)
		switch {
		case err != nil:
			return err
		case len(deployments) > 0 || app != nil && app.at("metadata", "deletionTimestamp") == nil:
			return notYet("%d Deployments are there", len(deployments))
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.r.took(start, "an environment's folder removed → its services pruned")
	if _, err := s.bump(ctx, "dev", "dev", "front", "front", "51c0ffe"); err != nil {
		return err
	}
	namespace := object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": demo}}
	live, err := s.api.live(ctx, namespace)
	if err != nil {
		return fmt.Errorf("the Namespace did not survive: %w", err)
	}
	if live.at("metadata", "deletionTimestamp") != nil || live.text("metadata", "labels", "pod-security.kubernetes.io/enforce") != "restricted" {
		return fmt.Errorf("the Namespace did not survive as it was: %v", live["metadata"])
	}
	s.r.line("           its Namespace waits for a person, and held up no bump")
	start = time.Now()
	for _, name := range []string{"root", demo} {
		if err := s.approve(ctx, name); err != nil {
			return err
		}
	}
	if err := gone(ctx, s.api, namespace); err != nil {
		return err
	}
	s.r.took(start, "confirmed → the Namespace is gone")
	return nil
}

// removedVolumeWaits: the claim of the users' homes leaves Git. It stays until a person
// confirms, and a user's service is bumped meanwhile.
func (s *scenario) removedVolumeWaits(ctx context.Context) error {
	err := s.k.edit("environments/sandbox.yaml", "  home: {file_system", "  # home: {file_system")
	if err == nil {
		err = s.k.render(ctx)
	}
	if err == nil {
		err = s.k.push(ctx, "No home volume")
	}
	if err == nil {
		err = s.notify(ctx)
	}
	if err != nil {
		return err
	}
	err = eventually(ctx, 2*time.Minute, "the wait for a confirmation", func(ctx context.Context) error {
		app, err := s.application(ctx, "sandbox")
		if err != nil {
			return err
		}
		if phase := app.text("status", "operationState", "phase"); phase != "Running" || len(app.text("status", "operationState", "message")) == 0 {
			return notYet("the sync is %s: %s", phase, app.text("status", "operationState", "message"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := s.bump(ctx, "sandbox", "sandbox", "api", "alice-api", "77aa0e1"); err != nil {
		return err
	}
	claim, err := s.api.get(ctx, "v1", "PersistentVolumeClaim", "sandbox", "home")
	if err != nil || claim.at("metadata", "deletionTimestamp") != nil {
		return errors.Join(fmt.Errorf("the claim of the home volume did not survive"), err)
	}
	s.r.line("           a volume that left Git waits for a person, and held up no bump")
	return nil
}
