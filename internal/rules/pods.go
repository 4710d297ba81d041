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
	template := r.v.At(path...)
	r.podMeta, r.podSpec = template.At("metadata"), template.At("spec")
	if r.podSpec.Kind != manifest.Map {
		return // a Rollout may name a Deployment instead
	}
	p := &podTemplate{labels: pairsOf(r.podMeta.At("labels")), place: r.podSpec.Place, count: 1}
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
			for _, port := range c.v.At("ports").Items {
				if name := wordOf(port.At("name")); name != "" {
					p.ports = append(p.ports, podPort{name, cmp.Or(port.At("protocol").Text, "TCP")})
				}
			}
		}
		r.readContainer(c)
		if requests := c.v.At("resources"); !c.init {
			has := func(resource string) bool {
				return requests.At("requests", resource).Text != "" || requests.At("limits", resource).Text != ""
			}
			p.requests = append(p.requests, containerRequest{wordOf(c.v.At("name")), has("cpu"), has("memory")})
		}
	}
	r.readScheduling(p)
	r.readVolumes()
	r.readExperiments()
	if name := textOf(r.podSpec.At("serviceAccountName")); name.is != "default" {
		r.refer(reference{from: aPod, what: "serviceAccountName", kind: "ServiceAccount", name: name})
	}
	for _, secret := range r.podSpec.At("imagePullSecrets").Items {
		r.refer(reference{from: aPod, what: "imagePullSecrets", kind: "Secret", name: textOf(secret.At("name"))})
	}
	r.o.pods = p
}

// readExperiments remembers the labels that a Rollout gives to some of its pods only: those of its
// experiments, of the canary, of the preview.
func (r *reading) readExperiments() {
	canary, blueGreen := r.spec.At("strategy", "canary"), r.spec.At("strategy", "blueGreen")
	own := []manifest.Value{canary.At("canaryMetadata"), canary.At("stableMetadata"), blueGreen.At("previewMetadata"), blueGreen.At("activeMetadata")}
	for _, step := range canary.At("steps").Items {
		for _, template := range step.At("experiment", "templates").Items {
			own = append(own, template.At("metadata"))
		}
	}
	for _, meta := range own {
		for _, l := range meta.At("labels").Fields {
			if r.o.custom == nil {
				r.o.custom = &custom{}
			}
			r.o.custom.names = append(r.o.custom.names, wordOf(l.Value))
		}
	}
}

// readSplits reads the Service whose requests a Rollout splits on an ALB: Argo Rollouts writes the
// Service's action into the Ingress.
func (r *reading) readSplits() {
	canary := r.spec.At("strategy", "canary")
	if alb := canary.At("trafficRouting", "alb"); kindOf(r.o.facts) == "Rollout.argoproj.io" && alb.Kind == manifest.Map {
		r.o.splits = append(r.o.splits, cmp.Or(wordOf(alb.At("rootService")), wordOf(canary.At("stableService"))))
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
	for _, c := range r.podSpec.At("initContainers").Items {
		list = append(list, container{c, true, c.At("restartPolicy").Text == "Always"})
	}
	for _, c := range r.podSpec.At("containers").Items {
		list = append(list, container{c, false, true})
	}
	return list
}

// readContainer reads the ConfigMaps and Secrets that a container's environment comes from.
func (r *reading) readContainer(c container) {
	for _, from := range c.v.At("envFrom").Items {
		r.referPart("envFrom", "ConfigMap", from.At("configMapRef"), "name", "")
		r.referPart("envFrom", "Secret", from.At("secretRef"), "name", "")
	}
	for _, env := range c.v.At("env").Items {
		from := env.At("valueFrom")
		r.referPart("env", "ConfigMap", from.At("configMapKeyRef"), "name", "key")
		r.referPart("env", "Secret", from.At("secretKeyRef"), "name", "key")
	}
}

// referPart adds a reference to a ConfigMap or Secret, and to a key of it.
func (r *reading) referPart(what, kind string, v manifest.Value, name, key string) {
	if v.Kind != manifest.Map {
		return
	}
	ref := reference{from: aPod, what: what, kind: kind, name: textOf(v.At(name)), optional: isTrue(v.At("optional"))}
	if key != "" {
		ref.key = textOf(v.At(key))
	}
	r.refer(ref)
	for _, item := range v.At("items").Items {
		ref.key = textOf(item.At("key"))
		r.refer(ref)
	}
}

// readVolumes reads what a pod's volumes are made of.
func (r *reading) readVolumes() {
	for _, volume := range r.podSpec.At("volumes").Items {
		r.referPart("volumes", "ConfigMap", volume.At("configMap"), "name", "")
		r.referPart("volumes", "Secret", volume.At("secret"), "secretName", "")
		for _, source := range volume.At("projected", "sources").Items {
			r.referPart("volumes", "ConfigMap", source.At("configMap"), "name", "")
			r.referPart("volumes", "Secret", source.At("secret"), "name", "")
		}
		r.refer(reference{from: aPod, what: "volumes", kind: "PersistentVolumeClaim", name: textOf(volume.At("persistentVolumeClaim", "claimName"))})
	}
}

// readScheduling reads which nodes a pod may run on.
func (r *reading) readScheduling(p *podTemplate) {
	p.node, p.asks = pairsOf(r.podSpec.At("nodeSelector")), r.podSpec.KeyPlace("nodeSelector")
	if len(p.node) == 0 {
		p.asks = r.podSpec.KeyPlace("affinity")
	}
	for _, term := range r.podSpec.At("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").Items {
		p.affinity = append(p.affinity, conditionsOf(term.At("matchExpressions")))
	}
	for _, t := range r.podSpec.At("tolerations").Items {
		p.tolerates = append(p.tolerates, toleration{wordOf(t.At("key")), wordOf(t.At("operator")), wordOf(t.At("value")), wordOf(t.At("effect"))})
	}
}

func conditionsOf(v manifest.Value) []condition {
	var list []condition
	for _, e := range v.Items {
		one := condition{key: wordOf(e.At("key")), operator: wordOf(e.At("operator"))}
		for _, value := range e.At("values").Items {
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
