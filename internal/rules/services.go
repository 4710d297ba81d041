package rules

import (
	"cmp"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// readService reads a Service.
func (r *reading) readService() {
	s := &service{kind: cmp.Or(at(r.spec, "type").Text, "ClusterIP"), headless: at(r.spec, "clusterIP").Text == "None"}
	for _, a := range r.annotations.Fields {
		if strings.HasPrefix(a.Key.Text, albPrefix) {
			s.alb = append(s.alb, pair{word(strings.TrimPrefix(a.Key.Text, albPrefix)), wordOf(a.Value)})
		}
	}
	r.o.service = s
	for _, p := range at(r.spec, "ports").Items {
		n, _ := intOf(at(p, "port"))
		port := servicePort{name: wordOf(at(p, "name")), number: n, target: textOf(at(p, "targetPort")), protocol: cmp.Or(at(p, "protocol").Text, "TCP"), place: p.Place}
		r.o.ports = append(r.o.ports, port)
	}
	if matching := at(r.spec, "selector"); len(matching.Fields) > 0 && s.kind != "ExternalName" {
		r.o.selector = &selector{labels: pairsOf(matching), place: r.spec.KeyPlace("selector")}
	}
}

// readBudget reads a PodDisruptionBudget.
func (r *reading) readBudget() {
	matching := at(r.spec, "selector")
	r.o.selector = &selector{labels: pairsOf(at(matching, "matchLabels")), expressions: conditionsOf(at(matching, "matchExpressions")), place: r.spec.KeyPlace("selector")}
	r.o.budget = &budget{textOf(at(r.spec, "minAvailable")), textOf(at(r.spec, "maxUnavailable"))}
}

// budget is a PodDisruptionBudget.
type budget struct{ min, max text }

// readScaler reads what scales a workload.
func (r *reading) readScaler() {
	field := "scaleTargetRef"
	if r.o.Kind == "VerticalPodAutoscaler" {
		field = "targetRef"
	}
	target := at(r.spec, field)
	if target.Kind != manifest.Map || textOf(at(target, "name")).is == "" {
		return
	}
	kind := at(target, "kind").Text
	if kind == "" && r.o.Kind == "ScaledObject" {
		kind = "Deployment"
	}
	group, _, grouped := strings.Cut(at(target, "apiVersion").Text, "/")
	if isApp := kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet"; isApp && (!grouped || group == "extensions") { // the scaler's own defaults
		group = "apps"
	}
	r.refer(reference{from: aScaler, what: "spec." + field, group: group, kind: kind, name: textOf(at(target, "name"))})
	if r.o.Kind == "VerticalPodAutoscaler" {
		return
	}
	s := &scaler{place: r.spec.KeyPlace(field)}
	for _, key := range []string{"minReplicas", "minReplicaCount"} {
		if n, ok := intOf(at(r.spec, key)); ok {
			s.min = n
		}
	}
	if r.o.Kind == "HorizontalPodAutoscaler" && at(r.spec, "minReplicas").Kind == manifest.Null {
		s.min = 1
	}
	for _, key := range []string{"maxReplicas", "maxReplicaCount"} {
		if n, ok := intOf(at(r.spec, key)); ok {
			s.max = n
		}
	}
	if r.o.Kind == "ScaledObject" && s.max == 0 {
		s.max = 100
	}
	if old, ok := r.spec.Get("targetCPUUtilizationPercentage"); ok {
		s.shares = append(s.shares, text{"cpu", old.Place})
	}
	for _, m := range at(r.spec, "metrics").Items {
		resource := at(m, "resource")
		if at(m, "type").Text == "Resource" && at(resource, "target", "type").Text == "Utilization" {
			s.shares = append(s.shares, textOf(at(resource, "name")))
		}
	}
	r.o.scaler = s
	for _, trigger := range at(r.spec, "triggers").Items {
		auth := at(trigger, "authenticationRef")
		kind := at(auth, "kind").Text
		if kind == "" || kind == "TriggerAuthentication" {
			r.refer(reference{from: anyOther, what: "authenticationRef", group: "keda.sh", kind: "TriggerAuthentication", name: textOf(at(auth, "name"))})
		}
	}
}

// scaler is what changes how many pods a workload has.
type scaler struct {
	min, max int
	shares   []text // the resources whose requests it needs: a share of a request is its target
	place    problem.Place
}

// readKeys reads the keys of a ConfigMap or Secret.
func (r *reading) readKeys() {
	k := &keys{}
	for _, field := range []string{"data", "binaryData", "stringData"} {
		for _, f := range at(r.v, field).Fields {
			k.names = append(k.names, wordOf(f.Key))
		}
	}
	for _, a := range r.annotations.Fields { // a controller writes into it
		if strings.Contains(a.Key.Text, "inject") || strings.Contains(a.Key.Text, "reflector") || strings.Contains(a.Key.Text, "replicator") {
			k.open = true
		}
	}
	k.open = k.open || len(k.names) == 0 || at(r.v, "type").Text == "kubernetes.io/service-account-token"
	r.o.keys = k
}

// readExternalSecret reads an ExternalSecret.
func (r *reading) readExternalSecret() {
	r.referStore(at(r.spec, "secretStoreRef"))
	target := at(r.spec, "target")
	name := wordOf(at(target, "name"))
	if name == "" {
		name = word(r.o.Name)
	}
	k := &keys{open: at(r.spec, "dataFrom").Kind != manifest.Null || at(target, "template").Kind != manifest.Null}
	for _, item := range at(r.spec, "data").Items {
		r.referStore(at(item, "sourceRef", "storeRef"))
		k.names = append(k.names, wordOf(at(item, "secretKey")))
	}
	kind := "Secret"
	if m := at(target, "manifest"); m.Kind == manifest.Map {
		kind, k.open = at(m, "kind").Text, true
	}
	switch at(target, "creationPolicy").Text {
	case "None": // it only reads
	case "Merge": // it writes into a Secret that something else makes
		r.refer(reference{from: anyOther, what: "creationPolicy: Merge", kind: kind, name: text{name, r.o.named}})
		r.o.merges = name
	default:
		r.o.keys = k
		r.o.provides = append(r.o.provides, provided{kind: kind, name: name})
	}
}

func (r *reading) referStore(store manifest.Value) {
	kind := at(store, "kind").Text
	if kind == "" {
		kind = "SecretStore"
	}
	r.refer(reference{from: anyOther, what: "secretStoreRef", group: "external-secrets.io", kind: kind, name: textOf(at(store, "name"))})
}

// readClusterExternalSecret reads what makes ExternalSecrets in several namespaces.
func (r *reading) readClusterExternalSecret() {
	for _, name := range []string{at(r.spec, "externalSecretSpec", "target", "name").Text, at(r.spec, "externalSecretName").Text, r.o.Name} {
		if name != "" {
			r.o.provides = append(r.o.provides, provided{kind: "Secret", name: word(name), anywhere: true})
			return
		}
	}
}

// readPushSecret reads what copies a Secret elsewhere.
func (r *reading) readPushSecret() {
	for _, store := range at(r.spec, "secretStoreRefs").Items {
		r.referStore(store)
	}
}

// readSealedSecret reads a SealedSecret.
func (r *reading) readSealedSecret() {
	name := wordOf(at(r.spec, "template", "metadata", "name"))
	if name == "" {
		name = word(r.o.Name)
	}
	k := &keys{open: at(r.spec, "template", "data").Kind != manifest.Null}
	for _, f := range at(r.spec, "encryptedData").Fields {
		k.names = append(k.names, wordOf(f.Key))
	}
	r.o.keys = k
	r.o.provides = append(r.o.provides, provided{kind: "Secret", name: name})
}

// readCertificate reads a Certificate of cert-manager.
func (r *reading) readCertificate() {
	r.o.provides = append(r.o.provides, provided{kind: "Secret", name: wordOf(at(r.spec, "secretName"))})
}

// readSecretProviderClass reads a class of the Secrets Store CSI driver.
func (r *reading) readSecretProviderClass() {
	for _, object := range at(r.spec, "secretObjects").Items {
		r.o.provides = append(r.o.provides, provided{kind: "Secret", name: wordOf(at(object, "secretName"))})
	}
}

// plainCustom are groups of custom kinds that make no ConfigMaps, Secrets, Services or pods.
var plainCustom = []string{gatewayGroup, "getambassador.io", "elbv2.k8s.aws", "karpenter.sh", "karpenter.k8s.aws", "keda.sh", "networking.istio.io",
	"security.istio.io", "telemetry.istio.io", "kyverno.io", "snapshot.storage.k8s.io", "metrics.k8s.io", "autoscaling.k8s.io", "kustomize.config.k8s.io", "argoproj.io"}

// isCustom reports whether an object may make others that are not known.
func (r *reading) isCustom() bool {
	switch r.o.Kind {
	case "ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe":
		return false
	case "Workflow", "WorkflowTemplate", "CronWorkflow", "ArgoCD":
		return true
	}
	if builtInGroups[r.o.Group] || strings.HasSuffix(r.o.Group, "external-secrets.io") {
		return false
	}
	for _, group := range plainCustom {
		if r.o.Group == group {
			return false
		}
	}
	return true
}

// maxNames bounds what is remembered of a custom object.
const maxNames = 200

// readCustom remembers the names in an object of a kind that is not known: a controller may make
// objects of these names.
func (r *reading) readCustom() {
	c := &custom{}
	var walk func(v manifest.Value)
	walk = func(v manifest.Value) {
		for _, f := range v.Fields {
			walk(f.Value)
		}
		for _, item := range v.Items {
			walk(item)
		}
		if v.Kind == manifest.String && len(v.Text) < 254 && len(c.names) < maxNames {
			c.names = append(c.names, word(v.Text))
		}
	}
	walk(r.spec)
	r.o.custom = c
}
