package rules

import (
	"slices"
	"strings"

	"k8srepo/internal/manifest"
)

var immutable = &Rule{
	Code:  "MG639",
	Title: "a field that cannot change has changed",
	Error: true,
	Reason: "The file on disk holds the object as it was applied, and a field differs that the API server lets nobody change: a workload's `selector`, a StatefulSet's `volumeClaimTemplates` and\n" +
		"`serviceName`, a Job's `template`, a claim's spec, the `roleRef` of a binding, a StorageClass's `parameters`,\n" +
		"the data of a ConfigMap or Secret with `immutable: true`, and that field itself. The update is refused, and the sync stays broken until the object is deleted. Give the\n" +
		"object another name, or delete it first; where Argo CD replaces it (`Replace=true` or `Force=true` among its sync options) nothing is said. To change it anyway, once: render with the annotation.",
	Source: "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#limitations",
	Wrong: `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api-v2}}
  template:
    metadata: {labels: {app: api-v2}}
    spec: {containers: [{name: api, image: "example/api:1.4"}]}`,
	Mend: []string{"name: api}\nspec", "name: api-v2}\nspec"},
}

// MayBeImmutable reports whether a kind has fields that cannot change.
func MayBeImmutable(kind string) bool { return immutableFields[kind] != nil }

// immutableFields are the fields of each kind that cannot change. Those of a ConfigMap or Secret
// cannot once it has immutable: true, and nor can that; the type of a Secret never can.
var immutableFields = map[string][]string{
	"Deployment":            {"spec.selector"},
	"DaemonSet":             {"spec.selector"},
	"ReplicaSet":            {"spec.selector"},
	"StatefulSet":           {"spec.selector", "spec.serviceName", "spec.volumeClaimTemplates", "spec.podManagementPolicy"},
	"Job":                   {"spec.selector", "spec.template", "spec.completionMode"},
	"PersistentVolumeClaim": {"spec.accessModes", "spec.storageClassName", "spec.volumeName", "spec.volumeMode", "spec.selector", "spec.dataSource"},
	"StorageClass":          {"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"},
	"RoleBinding":           {"roleRef"},
	"ClusterRoleBinding":    {"roleRef"},
	"PriorityClass":         {"value", "preemptionPolicy"},
	"IngressClass":          {"spec.controller"},
	"Service":               {"spec.clusterIP"},
	"ConfigMap":             {"immutable", "data", "binaryData"},
	"Secret":                {"immutable", "data", "stringData", "type"},
}

// defaults are what the API server writes where a field is left out.
var defaults = map[string]string{
	"spec.podManagementPolicy": "OrderedReady", "spec.completionMode": "NonIndexed", "spec.volumeMode": "Filesystem", "reclaimPolicy": "Delete",
	"volumeBindingMode": "Immediate", "preemptionPolicy": "PreemptLowerPriority", "type": "Opaque",
}

// Immutable compares the documents of a file with those that it had: it reports fields that cannot
// change. The objects of the findings are those of the new documents.
func Immutable(old, now []manifest.Value) []Finding {
	r := &report{rule: immutable}
	before := map[id]manifest.Value{}
	for _, v := range old {
		if o := Read(v); o != nil {
			before[o.id()] = v
		}
	}
	for _, v := range now {
		o := Read(v)
		if o == nil {
			continue
		}
		was, known := before[o.id()]
		if !known || !builtInGroups[o.Group] || isReplaced(v) || slices.ContainsFunc(o.ignored, func(i ignored) bool { return i.code == immutable.Code }) {
			continue
		}
		for _, field := range immutableFields[o.Kind] {
			path := strings.Split(field, ".")
			if (o.Kind == "ConfigMap" || o.Kind == "Secret") && field != "type" && !isTrue(was.At("immutable")) {
				continue
			}
			a, b := was.At(path...), v.At(path...)
			if sameValue(a, b) || isUnset(a, field) && isUnset(b, field) || field == "spec.clusterIP" && (isUnset(a, field) || isUnset(b, field)) && a.Text != "None" && b.Text != "None" {
				continue
			}
			r.add(o, b.Place, "%s of %s cannot change: the API server refuses the update", field, o).hint("give it another name, or delete it first")
		}
	}
	return valuesOf(r.found)
}

// isReplaced reports whether Argo CD replaces an object rather than updates it.
func isReplaced(v manifest.Value) bool {
	annotations := v.At("metadata", "annotations")
	options := annotations.At("argocd.argoproj.io/sync-options").Text
	hook := annotations.At("argocd.argoproj.io/hook").Text
	return strings.Contains(options, "Replace=true") || strings.Contains(options, "Force=true") || hook != "" || annotations.At("helm.sh/hook").Text != ""
}

func isUnset(v manifest.Value, field string) bool {
	switch v.Kind {
	case manifest.Null:
		return true
	case manifest.Map:
		return len(v.Fields) == 0
	case manifest.List:
		return len(v.Items) == 0
	}
	return v.Text == "" || v.Text == defaults[field]
}

// sameValue reports whether two values mean the same: the order of keys does not count.
func sameValue(a, b manifest.Value) bool {
	if a.Kind == manifest.Map && b.Kind == manifest.Map {
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		for _, f := range a.Fields {
			other, ok := b.Get(f.Key.Text)
			if !ok || !sameValue(f.Value, other) {
				return false
			}
		}
		return true
	}
	if a.Kind == manifest.List && b.Kind == manifest.List {
		return slices.EqualFunc(a.Items, b.Items, sameValue)
	}
	if x, ok := boolOf(a); ok {
		if y, ok := boolOf(b); ok {
			return x == y
		}
	}
	return a.Kind == b.Kind && a.Text == b.Text && len(a.Fields)+len(b.Fields)+len(a.Items)+len(b.Items) == 0
}
