package rules

import (
	"cmp"
	"slices"

	"k8srepo/internal/manifest"
)

// podTemplates are the kinds that make pods, and where they have the template.
var podTemplates = map[string][]string{
	"Deployment": {"spec", "template"}, "StatefulSet": {"spec", "template"}, "DaemonSet": {"spec", "template"}, "ReplicaSet": {"spec", "template"},
	"ReplicationController": {"spec", "template"}, "Job": {"spec", "template"}, "CronJob": {"spec", "jobTemplate", "spec", "template"},
	"Rollout.argoproj.io": {"spec", "template"}, "Pod": {},
}

// readPods reads the pods that an object makes.
func (r *reading) readPods() {
	path, makes := podTemplates[kindOf(r.o.facts)]
	if !makes {
		return
	}
	template := at(r.v, path...)
	r.podMeta, r.podSpec = at(template, "metadata"), at(template, "spec")
	if r.podSpec.Kind != manifest.Map {
		return // a Rollout may name a Deployment instead
	}
	p := &podTemplate{labels: pairsOf(at(r.podMeta, "labels")), place: r.podSpec.Place, count: 1}
	if replicas, ok := r.spec.Get("replicas"); ok && replicas.Kind != manifest.Null && len(path) > 0 {
		p.replicas = text{wordOf(replicas), r.spec.KeyPlace("replicas")}
		p.count, _ = intOf(replicas)
	}
	if r.o.Kind == "StatefulSet" {
		p.labels = append(p.labels, pair{"statefulset.kubernetes.io/pod-name", anyValue}, pair{"apps.kubernetes.io/pod-index", anyValue})
	}
	if r.o.Kind == "Job" || r.o.Kind == "CronJob" {
		for _, key := range []word{"job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid"} {
			p.labels = append(p.labels, pair{key, anyValue})
		}
	}
	for _, c := range r.containers() {
		if c.serves {
			for _, port := range at(c.v, "ports").Items {
				if name := wordOf(at(port, "name")); name != "" {
					p.ports = append(p.ports, podPort{name, cmp.Or(at(port, "protocol").Text, "TCP")})
				}
			}
		}
		r.readContainer(c)
		if requests := at(c.v, "resources"); !c.init {
			has := func(resource string) bool {
				return at(requests, "requests", resource).Text != "" || at(requests, "limits", resource).Text != ""
			}
			p.requests = append(p.requests, containerRequest{wordOf(at(c.v, "name")), has("cpu"), has("memory")})
		}
	}
	r.readScheduling(p)
	r.readVolumes()
	r.readExperiments()
	if name := textOf(at(r.podSpec, "serviceAccountName")); name.is != "default" {
		r.refer(reference{from: aPod, what: "serviceAccountName", kind: "ServiceAccount", name: name})
	}
	for _, secret := range at(r.podSpec, "imagePullSecrets").Items {
		r.refer(reference{from: aPod, what: "imagePullSecrets", kind: "Secret", name: textOf(at(secret, "name"))})
	}
	r.o.pods = p
}

// readExperiments remembers the labels that a Rollout gives to some of its pods only: those of its
// experiments, of the canary, of the preview.
func (r *reading) readExperiments() {
	canary, blueGreen := at(r.spec, "strategy", "canary"), at(r.spec, "strategy", "blueGreen")
	own := []manifest.Value{at(canary, "canaryMetadata"), at(canary, "stableMetadata"), at(blueGreen, "previewMetadata"), at(blueGreen, "activeMetadata")}
	for _, step := range at(canary, "steps").Items {
		for _, template := range at(step, "experiment", "templates").Items {
			own = append(own, at(template, "metadata"))
		}
	}
	for _, meta := range own {
		for _, l := range at(meta, "labels").Fields {
			if r.o.custom == nil {
				r.o.custom = &custom{}
			}
			r.o.custom.names = append(r.o.custom.names, wordOf(l.Value))
		}
	}
}

// anyValue stands for the value of a label that a controller sets.
const anyValue = "\x00any"

// container is a container of a pod.
type container struct {
	v      manifest.Value
	init   bool
	serves bool // it runs beside the others, so its ports are the pod's
}

func (r *reading) containers() []container {
	var list []container
	for _, c := range at(r.podSpec, "initContainers").Items {
		list = append(list, container{c, true, at(c, "restartPolicy").Text == "Always"})
	}
	for _, c := range at(r.podSpec, "containers").Items {
		list = append(list, container{c, false, true})
	}
	return list
}

// readContainer reads the ConfigMaps and Secrets that a container's environment comes from.
func (r *reading) readContainer(c container) {
	for _, from := range at(c.v, "envFrom").Items {
		r.referPart("envFrom", "ConfigMap", at(from, "configMapRef"), "name", "")
		r.referPart("envFrom", "Secret", at(from, "secretRef"), "name", "")
	}
	for _, env := range at(c.v, "env").Items {
		from := at(env, "valueFrom")
		r.referPart("env", "ConfigMap", at(from, "configMapKeyRef"), "name", "key")
		r.referPart("env", "Secret", at(from, "secretKeyRef"), "name", "key")
	}
}

// referPart adds a reference to a ConfigMap or Secret, and to a key of it.
func (r *reading) referPart(what, kind string, v manifest.Value, name, key string) {
	if v.Kind != manifest.Map {
		return
	}
	ref := reference{from: aPod, what: what, kind: kind, name: textOf(at(v, name)), optional: at(v, "optional").Text == "true"}
	if key != "" {
		ref.key = textOf(at(v, key))
	}
	r.refer(ref)
	for _, item := range at(v, "items").Items {
		ref.key = textOf(at(item, "key"))
		r.refer(ref)
	}
}

// readVolumes reads what a pod's volumes are made of.
func (r *reading) readVolumes() {
	for _, volume := range at(r.podSpec, "volumes").Items {
		r.referPart("volumes", "ConfigMap", at(volume, "configMap"), "name", "")
		r.referPart("volumes", "Secret", at(volume, "secret"), "secretName", "")
		for _, source := range at(volume, "projected", "sources").Items {
			r.referPart("volumes", "ConfigMap", at(source, "configMap"), "name", "")
			r.referPart("volumes", "Secret", at(source, "secret"), "name", "")
		}
		r.refer(reference{from: aPod, what: "volumes", kind: "PersistentVolumeClaim", name: textOf(at(volume, "persistentVolumeClaim", "claimName"))})
	}
}

// readScheduling reads which nodes a pod may run on.
func (r *reading) readScheduling(p *podTemplate) {
	p.node, p.asks = pairsOf(at(r.podSpec, "nodeSelector")), r.podSpec.KeyPlace("nodeSelector")
	if len(p.node) == 0 {
		p.asks = r.podSpec.KeyPlace("affinity")
	}
	for _, term := range at(r.podSpec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").Items {
		p.affinity = append(p.affinity, conditionsOf(at(term, "matchExpressions")))
	}
	for _, t := range at(r.podSpec, "tolerations").Items {
		p.tolerates = append(p.tolerates, toleration{wordOf(at(t, "key")), wordOf(at(t, "operator")), wordOf(at(t, "value")), wordOf(at(t, "effect"))})
	}
}

func conditionsOf(v manifest.Value) []condition {
	var list []condition
	for _, e := range v.Items {
		one := condition{key: wordOf(at(e, "key")), operator: wordOf(at(e, "operator"))}
		for _, value := range at(e, "values").Items {
			one.values = append(one.values, wordOf(value))
		}
		list = append(list, one)
	}
	return list
}

// matches reports whether labels meet a requirement.
func (q requirement) matches(l labels) bool {
	value, has := l.get(q.key)
	switch q.operator {
	case "In":
		return has && (value == anyValue || slices.Contains(q.values, value))
	case "NotIn":
		return !has || value == anyValue || !slices.Contains(q.values, value)
	case "Exists":
		return has
	case "DoesNotExist":
		return !has
	}
	return true // an operator that the API server refuses
}
