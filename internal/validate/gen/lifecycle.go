package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	kinds "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// deprecatedIn, removedIn and replacedBy are what the types of k8s.io/api know of their own life.
type (
	deprecatedIn interface{ APILifecycleDeprecated() (major, minor int) }
	removedIn    interface{ APILifecycleRemoved() (major, minor int) }
	replacedBy   interface {
		APILifecycleReplacement() kinds.GroupVersionKind
	}
)

// lifecycleTable returns a line for each kind that was ever served, in the release that go.mod
// requires:
//
//	life GROUP VERSION KIND DEPRECATED REMOVED REPLACEMENT   (what is not known is -)
//
// DEPRECATED and REMOVED are minors; REPLACEMENT is an apiVersion.
func lifecycleTable() ([]byte, error) {
	var lines []string
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version == "__internal" || strings.HasSuffix(gvk.Kind, "Options") || strings.HasSuffix(gvk.Kind, "List") || !hasMetadata(gvk) {
			continue
		}
		typed, err := scheme.Scheme.New(gvk)
		if err != nil {
			return nil, err
		}
		deprecated, removed, replacement := "-", "-", "-"
		if d, ok := typed.(deprecatedIn); ok {
			deprecated = minorOf(d.APILifecycleDeprecated())
		}
		if r, ok := typed.(removedIn); ok {
			removed = minorOf(r.APILifecycleRemoved())
		}
		if r, ok := typed.(replacedBy); ok {
			replacement = r.APILifecycleReplacement().GroupVersion().String()
		}
		group := gvk.Group
		if group == "" {
			group = "-"
		}
		lines = append(lines, fmt.Sprintf("life %s %s %s %s %s %s\n", group, gvk.Version, gvk.Kind, deprecated, removed, replacement))
	}
	slices.Sort(lines)
	var b bytes.Buffer
	for _, line := range lines {
		b.WriteString(line)
	}
	return b.Bytes(), nil
}

// hasMetadata reports whether a kind is one of objects.
func hasMetadata(gvk kinds.GroupVersionKind) bool {
	_, has := scheme.Scheme.AllKnownTypes()[gvk].FieldByName("ObjectMeta")
	return has
}

func minorOf(major, minor int) string { return fmt.Sprintf("%d.%d", major, minor) }
