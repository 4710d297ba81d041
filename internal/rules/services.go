package rules

import (
	"cmp"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// readService reads a Service.
func (r *reading) readService() {
	s := &service{kind: cmp.Or(r.spec.At("type").Text, "ClusterIP"), headless: r.spec.At("clusterIP").Text == "None"}
	for _, a := range r.annotations.Fields {
		if strings.HasPrefix(a.Key.Text, albPrefix) {
			s.alb = append(s.alb, pair{word(strings.TrimPrefix(a.Key.Text, albPrefix)), wordOf(a.Value)})
		}
	}
	r.o.service = s
	for _, p := range r.spec.At("ports").Items {
		n, _ := intOf(p.At("port"))
		port := servicePort{name: wordOf(p.At("name")), number: n, target: textOf(p.At("targetPort")), protocol: cmp.Or(p.At("protocol").Text, "TCP"), place: p.Place}
		r.o.ports = append(r.o.ports, port)
	}
	if matching := r.spec.At("selector"); len(matching.Fields) > 0 && s.kind != "ExternalName" {
		r.o.selector = &selector{labels: pairsOf(matching), place: r.spec.KeyPlace("selector")}
	}
}

// readBudget reads a PodDisruptionBudget.
func (r *reading) readBudget() {
	matching := r.spec.At("selector")
	r.o.selector = &selector{labels: pairsOf(matching.At("matchLabels")), expressions: conditionsOf(matching.At("matchExpressions")), place: r.spec.KeyPlace("selector")}
	r.o.budget = &budget{textOf(r.spec.At("minAvailable")), textOf(r.spec.At("maxUnavailable"))}
}

// budget is a PodDisruptionBudget.
type budget struct{ min, max text }

// readScaler reads what scales a workload.
func (r *reading) readScaler() {
	field := "scaleTargetRef"
	if r.o.Kind == "VerticalPodAutoscaler" {
		field = "targetRef"
	}
	target := r.spec.At(field)
	if target.Kind != manifest.Map || textOf(target.At("name")).is == "" {
		return
	}
	kind := target.At("kind").Text
	if kind == "" && r.o.Kind == "ScaledObject" {
		kind = "Deployment"
	}
	group, _, grouped := strings.Cut(target.At("apiVersion").Text, "/")
	// As the scaler itself reads a group that is left out.
	if isApp := kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet"; isApp && (!grouped || group == "extensions") {
		group = "apps"
	}
	r.refer(reference{from: aScaler, what: "spec." + field, group: group, kind: kind, name: textOf(target.At("name"))})
	if r.o.Kind == "VerticalPodAutoscaler" {
		return
	}
	s := &scaler{place: r.spec.KeyPlace(field)}
	for _, key := range []string{"minReplicas", "minReplicaCount"} {
		if n, ok := intOf(r.spec.At(key)); ok {
			s.min = n
		}
	}
	if r.o.Kind == "HorizontalPodAutoscaler" && r.spec.At("minReplicas").Kind == manifest.Null {
		s.min = 1
	}
	for _, key := range []string{"maxReplicas", "maxReplicaCount"} {
		if n, ok := intOf(r.spec.At(key)); ok {
			s.max = n
		}
	}
	if r.o.Kind == "ScaledObject" && s.max == 0 {
		s.max = 100
	}
	if old, ok := r.spec.Get("targetCPUUtilizationPercentage"); ok {
		s.shares = append(s.shares, text{"cpu", old.Place})
	}
	for _, m := range r.spec.At("metrics").Items {
		resource := m.At("resource")
		if m.At("type").Text == "Resource" && resource.At("target", "type").Text == "Utilization" {
			s.shares = append(s.shares, textOf(resource.At("name")))
		}
	}
	r.o.scaler = s
	for _, trigger := range r.spec.At("triggers").Items {
		auth := trigger.At("authenticationRef")
		kind := auth.At("kind").Text
		if kind == "" || kind == "TriggerAuthentication" {
			r.refer(reference{from: anyOther, what: "authenticationRef", group: "keda.sh", kind: "TriggerAuthentication", name: textOf(auth.At("name"))})
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
		for _, f := range r.v.At(field).Fields {
			k.names = append(k.names, wordOf(f.Key))
		}
	}
	for _, a := range r.annotations.Fields { // a controller writes into it
		if strings.Contains(a.Key.Text, "inject") || strings.Contains(a.Key.Text, "reflector") || strings.Contains(a.Key.Text, "replicator") {
			k.open = true
		}
	}
	k.open = k.open || len(k.names) == 0 || r.v.At("type").Text == "kubernetes.io/service-account-token"
	r.o.keys = k
}

// readExternalSecret reads an ExternalSecret.
func (r *reading) readExternalSecret() {
	r.referStore(r.spec.At("secretStoreRef"))
	target := r.spec.At("target")
	name := wordOf(target.At("name"))
	if name == "" {
		name = word(r.o.Name)
	}
	k := &keys{open: r.spec.At("dataFrom").Kind != manifest.Null || target.At("template").Kind != manifest.Null}
	for _, item := range r.spec.At("data").Items {
		r.referStore(item.At("sourceRef", "storeRef"))
		k.names = append(k.names, wordOf(item.At("secretKey")))
	}
	kind := "Secret"
	if m := target.At("manifest"); m.Kind == manifest.Map {
		kind, k.open = m.At("kind").Text, true
	}
	switch target.At("creationPolicy").Text {
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
	kind := store.At("kind").Text
	if kind == "" {
		kind = "SecretStore"
	}
	r.refer(reference{from: anyOther, what: "secretStoreRef", group: "external-secrets.io", kind: kind, name: textOf(store.At("name"))})
}

// readClusterExternalSecret reads what makes ExternalSecrets in several namespaces.
func (r *reading) readClusterExternalSecret() {
	for _, name := range []string{r.spec.At("externalSecretSpec", "target", "name").Text, r.spec.At("externalSecretName").Text, r.o.Name} {
		if name != "" {
			r.o.provides = append(r.o.provides, provided{kind: "Secret", name: word(name), anywhere: true})
			return
		}
	}
}

// readPushSecret reads what copies a Secret elsewhere.
func (r *reading) readPushSecret() {
	for _, store := range r.spec.At("secretStoreRefs").Items {
		r.referStore(store)
	}
}

// readSealedSecret reads a SealedSecret.
func (r *reading) readSealedSecret() {
	name := wordOf(r.spec.At("template", "metadata", "name"))
	if name == "" {
		name = word(r.o.Name)
	}
	k := &keys{open: r.spec.At("template", "data").Kind != manifest.Null}
	for _, f := range r.spec.At("encryptedData").Fields {
		k.names = append(k.names, wordOf(f.Key))
	}
	r.o.keys = k
	r.o.provides = append(r.o.provides, provided{kind: "Secret", name: name})
}

// readCertificate reads a Certificate of cert-manager.
func (r *reading) readCertificate() {
	r.o.provides = append(r.o.provides, provided{kind: "Secret", name: wordOf(r.spec.At("secretName"))})
}

// readSecretProviderClass reads a class of the Secrets Store CSI driver.
func (r *reading) readSecretProviderClass() {
	for _, object := range r.spec.At("secretObjects").Items {
		r.o.provides = append(r.o.provides, provided{kind: "Secret", name: wordOf(object.At("secretName"))})
	}
}

// plainCustom are groups of custom kinds that make no ConfigMaps, Secrets, Services or pods.
var plainCustom = []string{gatewayGroup, "getambassador.io", "elbv2.k8s.aws", "karpenter.sh", "karpenter.k8s.aws", "keda.sh", "networking.istio.io",
	"security.istio.io", "telemetry.istio.io", "kyverno.io", "snapshot.storage.k8s.io", "metrics.k8s.io", "autoscaling.k8s.io", kustomizeGroup, "argoproj.io"}

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
