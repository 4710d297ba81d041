package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/validate/mistakes"
)

// installDefinitions makes the CustomResourceDefinitions in files or folders, comma-separated,
// for real, and waits until their kinds are served.
func (s *apiServer) installDefinitions(folders string) error {
	if folders == "" {
		return nil
	}
	for folder := range strings.SplitSeq(folders, ",") {
		documents, err := mistakes.Read(folder)
		if err != nil {
			return err
		}
		for _, d := range documents {
			if err := s.installDefinition(d); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	return nil
}

func (s *apiServer) installDefinition(d mistakes.Document) error {
	var crd struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Served bool
			}
		}
	}
	if err := yaml.Unmarshal(d.Text, &crd); err != nil {
		return err
	}
	if crd.Kind != "CustomResourceDefinition" {
		return nil
	}
	text, err := approved(d.Text)
	if err != nil {
		return err
	}
	path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + url.PathEscape(crd.Metadata.Name) + "?fieldManager=bench&force=true"
	status, _, body, err := s.do(http.MethodPatch, path, "application/apply-patch+yaml", text)
	if err != nil {
		return err
	}
	if status >= 300 {
		return errors.New(statusMessage(body))
	}
	for _, version := range crd.Spec.Versions {
		for end := time.Now().Add(30 * time.Second); version.Served; time.Sleep(50 * time.Millisecond) {
			_, ok, err := s.find(crd.Spec.Group+"/"+version.Name, crd.Spec.Names.Kind)
			if err != nil {
				return err
			}
			if ok {
				break
			}
			if time.Now().After(end) {
				return errors.New("it is not served after 30 s")
			}
			s.forget(crd.Spec.Group + "/" + version.Name)
		}
	}
	return nil
}

// approved returns a definition with the annotation api-approved.kubernetes.io, unless it has
// one. An API server takes definitions in Kubernetes' own groups only with it.
func approved(text []byte) ([]byte, error) {
	var crd map[string]any
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	meta, ok := crd["metadata"].(map[string]any)
	if !ok {
		return nil, errors.New("it has no metadata")
	}
	annotations, _ := meta["annotations"].(map[string]any)
	if annotations == nil {
		annotations = map[string]any{}
	}
	if _, set := annotations["api-approved.kubernetes.io"]; !set {
		annotations["api-approved.kubernetes.io"] = "unapproved, a copy for tests"
	}
	meta["annotations"] = annotations
	delete(crd, "status")
	return yaml.Marshal(crd)
}

// forget has the next find ask again for the kinds of an apiVersion.
func (s *apiServer) forget(apiVersion string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.resources, apiVersion)
}
