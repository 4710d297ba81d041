package rules

import (
	"path"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
)

const kustomizeGroup = "kustomize.config.k8s.io"

// IsKustomizationFile reports whether kustomize takes a file for a folder's kustomization.
func IsKustomizationFile(name string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(name))
}

// IsKustomization reports whether a document is for kustomize, and no object of a cluster: it has
// kustomize's apiVersion or, in a folder's kustomization, none, which kustomize allows.
func IsKustomization(v manifest.Value) bool {
	if v.Kind != manifest.Map {
		return false
	}
	apiVersion, kind := v.At("apiVersion").Text, v.At("kind").Text
	if apiVersion == "" {
		return IsKustomizationFile(v.Place.File) && slices.Contains([]string{"", "Kustomization", "Component"}, kind)
	}
	return strings.HasPrefix(apiVersion, kustomizeGroup+"/")
}

// readKustomization reads which images kustomize gives another tag, and which another name: newName
// alone leaves the tag as it is.
func (r *reading) readKustomization() {
	for _, i := range r.v.At("images").Items {
		name, newName, newTag := wordOf(i.At("name")), i.At("newName").Text, i.At("newTag").Text
		if i.At("digest").Text != "" || newTag != "" && newTag != "latest" || newTag == "" && newName != "" && !isLoose(newName) {
			r.o.tagged = append(r.o.tagged, name)
		} else if newName != "" {
			r.o.renamed = append(r.o.renamed, pair{name, word(newName)})
		}
	}
}
