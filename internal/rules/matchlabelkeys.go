package rules

import (
	"strconv"

	"k8srepo/internal/manifest"
)

var matchLabelKeys = &Rule{
	Code:  "MG647",
	Title: "a key of matchLabelKeys that the labelSelector has too",
	Error: true,
	Reason: "A topology spread constraint or a pod affinity term has a key both in `matchLabelKeys` and in its `labelSelector`. The API server takes the Deployment (from 1.34 on, for a spread\n" +
		"constraint). It adds the keys to the selector of each new pod, finds the key twice there and refuses the pod: no pod is made. `matchLabelKeys` is for labels whose value is not known\n" +
		"beforehand, such as `pod-template-hash`.",
	Source: "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#topologyspreadconstraints-field",
	Wrong: `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      topologySpreadConstraints:
        - topologyKey: topology.kubernetes.io/zone
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          matchLabelKeys: [app]
          labelSelector: {matchLabels: {app: api}}
      containers:
        - name: api
          image: example/api:1.4`,
	Mend: []string{"matchLabelKeys: [app]", "matchLabelKeys: [pod-template-hash]"},
	object: func(r *reading) {
		for i, term := range r.podSpec.At("topologySpreadConstraints").Items {
			r.checkMatchLabelKeys(term, "topologySpreadConstraints["+strconv.Itoa(i)+"]")
		}
		for _, kind := range []string{"podAffinity", "podAntiAffinity"} {
			affinity := r.podSpec.At("affinity", kind)
			for _, term := range affinity.At("requiredDuringSchedulingIgnoredDuringExecution").Items {
				r.checkMatchLabelKeys(term, kind)
			}
			for _, preferred := range affinity.At("preferredDuringSchedulingIgnoredDuringExecution").Items {
				r.checkMatchLabelKeys(preferred.At("podAffinityTerm"), kind)
			}
		}
	},
}

// checkMatchLabelKeys reports the keys of a term that its selector has too. A label that the pods
// do not have is not added to the selector.
func (r *reading) checkMatchLabelKeys(term manifest.Value, what string) {
	selector := term.At("labelSelector")
	for _, key := range term.At("matchLabelKeys").Items {
		_, selected := selector.At("matchLabels").Get(key.Text)
		for _, expression := range selector.At("matchExpressions").Items {
			selected = selected || expression.At("key").Text == key.Text
		}
		if _, labelled := r.podMeta.At("labels").Get(key.Text); labelled && selected {
			r.add(key.Place, what+".matchLabelKeys: %q is in the labelSelector too, so that no pod is made", key.Text).hint = "leave it out here: the labelSelector matches it already"
		}
	}
}
