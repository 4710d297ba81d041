package rules

import (
	"cmp"
	"strconv"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// reading is one object that is read.
type reading struct {
	o    *Object
	v    manifest.Value
	rule *Rule // the one that looks at it

	meta, spec       manifest.Value
	annotations      manifest.Value
	podMeta, podSpec manifest.Value // of the pods that it makes; the zero Value where it makes none
}

// Read returns what the rules need to know of an object, which need not be valid. It is nil for
// what has no kind, unless it is a kustomization.
func Read(v manifest.Value) *Object {
	kind := v.At("kind").Text
	group, _, grouped := strings.Cut(v.At("apiVersion").Text, "/")
	if !grouped {
		group = ""
	}
	if IsKustomization(v) {
		kind, group = cmp.Or(kind, "Kustomization"), kustomizeGroup
	}
	if v.Kind != manifest.Map || kind == "" {
		return nil
	}
	r := &reading{o: &Object{facts: &facts{Group: group, Kind: kind, clusterScoped: clusterScoped[kind]}}, v: v}
	r.meta, _ = v.Get("metadata")
	r.spec, _ = v.Get("spec")
	r.annotations, _ = r.meta.Get("annotations")
	name, _ := r.meta.Get("name")
	namespace, _ := r.meta.Get("namespace")
	r.o.Name, r.o.name, r.o.Namespace, r.o.named = name.Text, name.Text, namespace.Text, name.Place
	if name.Text == "" {
		r.o.named = v.Place
	}
	r.o.ignored = readIgnored(r.annotations)
	r.readPods()
	r.readSplits()
	if read := readers[kindOf(r.o.facts)]; read != nil {
		read(r)
	} else if r.o.Kind == "Kustomization" || r.o.Group == kustomizeGroup {
		r.readKustomization()
	} else if r.isCustom() {
		r.readCustom()
	}
	for _, rule := range table {
		if rule.object != nil {
			r.rule = rule
			rule.object(r)
		}
	}
	return r.o
}

// kindOf names a kind for tables: Service, Rollout.argoproj.io. Kubernetes' own groups are left
// out.
func kindOf(f *facts) string {
	if builtInGroups[f.Group] {
		return f.Kind
	}
	return f.Kind + "." + f.Group
}

// builtInGroups are those of Kubernetes itself.
var builtInGroups = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true, "networking.k8s.io": true, "storage.k8s.io": true, "rbac.authorization.k8s.io": true,
	"extensions": true, "scheduling.k8s.io": true, "node.k8s.io": true, "apiextensions.k8s.io": true, "admissionregistration.k8s.io": true, "coordination.k8s.io": true,
	"discovery.k8s.io": true, "certificates.k8s.io": true, "apiregistration.k8s.io": true, "events.k8s.io": true, "flowcontrol.apiserver.k8s.io": true, "resource.k8s.io": true,
}

// readers read what is special to a kind.
var readers = map[string]func(*reading){
	"Service":                            (*reading).readService,
	"PodDisruptionBudget":                (*reading).readBudget,
	"ConfigMap":                          (*reading).readKeys,
	"Secret":                             (*reading).readKeys,
	"ExternalSecret.external-secrets.io": (*reading).readExternalSecret,
	"ClusterExternalSecret.external-secrets.io":      (*reading).readClusterExternalSecret,
	"PushSecret.external-secrets.io":                 (*reading).readPushSecret,
	"SealedSecret.bitnami.com":                       (*reading).readSealedSecret,
	"Certificate.cert-manager.io":                    (*reading).readCertificate,
	"SecretProviderClass.secrets-store.csi.x-k8s.io": (*reading).readSecretProviderClass,
	"HorizontalPodAutoscaler":                        (*reading).readScaler,
	"ScaledObject.keda.sh":                           (*reading).readScaler,
	"VerticalPodAutoscaler.autoscaling.k8s.io":       (*reading).readScaler,
	"Ingress":                                  (*reading).readIngress,
	"HTTPRoute.gateway.networking.k8s.io":      (*reading).readGatewayRoute,
	"GRPCRoute.gateway.networking.k8s.io":      (*reading).readGatewayRoute,
	"TLSRoute.gateway.networking.k8s.io":       (*reading).readGatewayRoute,
	"TCPRoute.gateway.networking.k8s.io":       (*reading).readGatewayRoute,
	"UDPRoute.gateway.networking.k8s.io":       (*reading).readGatewayRoute,
	"Gateway.gateway.networking.k8s.io":        (*reading).readGateway,
	"ReferenceGrant.gateway.networking.k8s.io": (*reading).readGrant,
	"Mapping.getambassador.io":                 (*reading).readMapping,
	"TargetGroupBinding.elbv2.k8s.aws":         (*reading).readTargetGroupBinding,
	"NodePool.karpenter.sh":                    (*reading).readNodePool,
	"IngressClass":                             func(r *reading) { r.o.controller = r.spec.At("controller").Text },
	"PersistentVolumeClaim":                    (*reading).readClaim,
	"StatefulSet":                              (*reading).readStatefulSet,
	"RoleBinding":                              (*reading).readRoleBinding,
	"ClusterRoleBinding":                       (*reading).readSubjects,
	"SecretStore.external-secrets.io":          (*reading).readStore,
	"ClusterSecretStore.external-secrets.io":   (*reading).readStore,
}

// readClaim reads a PersistentVolumeClaim.
func (r *reading) readClaim() {
	class, _ := r.spec.Get("storageClassName")
	r.refer(reference{from: anyOther, what: "spec.storageClassName", group: "storage.k8s.io", kind: "StorageClass", name: textOf(class)})
}

// readStatefulSet reads what a StatefulSet has besides its pods.
func (r *reading) readStatefulSet() {
	name, _ := r.spec.Get("serviceName")
	r.refer(reference{from: anyOther, what: "spec.serviceName", kind: "Service", name: textOf(name)})
	claims, _ := r.spec.Get("volumeClaimTemplates")
	for _, claim := range claims.Items {
		class := claim.At("spec", "storageClassName")
		r.refer(reference{from: anyOther, what: "storageClassName", group: "storage.k8s.io", kind: "StorageClass", name: textOf(class)})
		// A pod of another workload may use the claims: name-set-0.
		r.o.provides = append(r.o.provides, provided{kind: "PersistentVolumeClaim", name: word(claim.At("metadata", "name").Text + "-" + r.o.Name + "-*")})
	}
}

// readSubjects reads whom a binding gives a role.
func (r *reading) readSubjects() {
	subjects, _ := r.v.Get("subjects")
	for _, s := range subjects.Items {
		if s.At("kind").Text == "ServiceAccount" {
			r.referNamespaced("subjects", "ServiceAccount", s)
		}
	}
}

// referNamespaced refers to the object that a map names, with its namespace where it says one.
func (r *reading) referNamespaced(what, kind string, v manifest.Value) {
	namespace := v.At("namespace").Text
	if namespace == "" && r.o.clusterScoped {
		return // refused, or of the namespace that it is used from
	}
	r.refer(reference{from: anyOther, what: what, kind: kind, namespace: word(namespace), name: textOf(v.At("name"))})
}

// readStore reads what a store of secrets is opened with, whoever its provider is: ServiceAccounts
// (serviceAccountRef, and serviceAccount of the provider kubernetes), and Secrets (secretRef and
// accessKeyIDSecretRef, say, where they have a name).
func (r *reading) readStore() {
	var visit func(v manifest.Value)
	visit = func(v manifest.Value) {
		for _, f := range v.Fields {
			key := f.Key.Text
			switch name, _ := f.Value.Get("name"); {
			case name.Text == "":
				visit(f.Value)
			case key == "serviceAccountRef" || key == "serviceAccount":
				r.referNamespaced(key, "ServiceAccount", f.Value)
			case key == "secretRef" || strings.HasSuffix(key, "SecretRef"):
				r.referNamespaced(key, "Secret", f.Value)
			default:
				visit(f.Value)
			}
		}
	}
	visit(r.spec.At("provider"))
}

// readRoleBinding reads a RoleBinding.
func (r *reading) readRoleBinding() {
	r.readSubjects()
	role, _ := r.v.Get("roleRef")
	if kind, _ := role.Get("kind"); kind.Text == "Role" {
		r.refer(reference{from: anyOther, what: "roleRef", group: "rbac.authorization.k8s.io", kind: "Role", name: textOf(role.At("name"))})
	}
}

// refer adds a reference; one without a name is none.
func (r *reading) refer(to reference) {
	if to.name.is != "" {
		to.clusterScoped = clusterScoped[to.kind]
		r.o.refs = append(r.o.refs, to)
	}
}

// add adds a finding of a rule that looks at one object alone; args are quoted in the format.
func (r *reading) add(place problem.Place, format string, args ...string) *finding {
	if place == (problem.Place{}) {
		place = r.o.named
	}
	words := make([]word, len(args))
	for i, arg := range args {
		words[i] = word(arg)
	}
	r.o.found = append(r.o.found, finding{rule: r.rule, place: place, format: format, args: words})
	return &r.o.found[len(r.o.found)-1]
}

// suggest lets the hint name the known word that is nearest to a wrong one.
func (f *finding) suggest(wrong string, known []string) {
	f.wrong = word(wrong)
	for _, k := range known {
		f.known = append(f.known, word(k))
	}
}

func textOf(v manifest.Value) text {
	if v.Kind == manifest.Map || v.Kind == manifest.List || v.Kind == manifest.Null {
		return text{}
	}
	return text{word(v.Text), v.Place}
}

func wordOf(v manifest.Value) word { return word(v.Text) }

func pairsOf(v manifest.Value) []pair {
	if len(v.Fields) == 0 {
		return nil
	}
	list := make([]pair, 0, len(v.Fields))
	for _, f := range v.Fields {
		list = append(list, pair{word(f.Key.Text), word(f.Value.Text)})
	}
	return list
}

// boolOf returns a boolean, ok is false where it is none: as kubectl and the API server read it, by
// YAML 1.1, for which yes and on are true.
func boolOf(v manifest.Value) (is, ok bool) {
	if !v.Plain && v.Kind != manifest.Bool {
		return false, false
	}
	switch v.Text {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
		return true, true
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N":
		return false, true
	}
	return false, false
}

func isTrue(v manifest.Value) bool {
	is, _ := boolOf(v)
	return is
}

// intOf returns an integer; ok is false where it is none.
func intOf(v manifest.Value) (n int, ok bool) {
	n, err := strconv.Atoi(v.Text)
	return n, err == nil && v.Kind != manifest.Map && v.Kind != manifest.List
}
