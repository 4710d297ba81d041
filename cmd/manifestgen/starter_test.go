package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
)

func TestStarterIsStable(t *testing.T) {
	o := renderOptions{source: "../..", out: t.TempDir()}
	plan, err := o.plan()
	if err == nil {
		err = o.apply(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := o.plan()
	if err != nil || len(again.Changes) > 0 || again.Unchanged != len(plan.Changes) {
		t.Errorf("a second render: %v, %d changes", err, len(again.Changes))
	}
}

func TestStarterTexts(t *testing.T) {
	_, files := starter(t)
	empty := regexp.MustCompile(`(?m)^[ \t]*$\n|[ \t]+$|\r|<no value>|\x{E000}`)
	for path, text := range files {
		if at := empty.FindStringIndex(text); at != nil {
			t.Errorf("%s:%d: %q", path, 1+strings.Count(text[:at[0]], "\n"), text[at[0]:at[1]])
		}
		if !strings.HasSuffix(text, "\n") {
			t.Errorf("%s does not end with a line", path)
		}
		if strings.Contains(path, "/users/dave/") {
			t.Errorf("%s: dave is absent", path)
		}
	}
}

// systems are what the starter shows at least once, as the API's current version has it.
var systems = map[string]string{
	"Namespace": "v1", "Service": "v1", "ServiceAccount": "v1", "PersistentVolumeClaim": "v1", "StorageClass": "storage.k8s.io/v1",
	"Deployment": "apps/v1", "CronJob": "batch/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "PodDisruptionBudget": "policy/v1",
	"Ingress": "networking.k8s.io/v1", "TargetGroupBinding": "elbv2.k8s.aws/v1beta1", "Mapping": "getambassador.io/v3alpha1", "Host": "getambassador.io/v3alpha1", "Listener": "getambassador.io/v3alpha1", "HTTPRoute": "gateway.networking.k8s.io/v1",
	"ExternalSecret": "external-secrets.io/v1", "ClusterSecretStore": "external-secrets.io/v1", "NodePool": "karpenter.sh/v1", "EC2NodeClass": "karpenter.k8s.aws/v1",
	"AppProject": "argoproj.io/v1alpha1", "ApplicationSet": "argoproj.io/v1alpha1", "Application": "argoproj.io/v1alpha1",
}

func TestStarterHoldsEverySystem(t *testing.T) {
	objects, files := starter(t)
	for _, path := range []string{ // a route of each kind, and the two before personal environments
		"dev/manifests/api/api-dev-ingress.yaml", "qa/manifests/api/api-qa-target-group-binding.yaml",
		"staging/manifests/api/api-staging-mapping.yaml", "prod/manifests/api/api-prod-http-route.yaml",
		"sandbox/manifests/users/alice/alice-sandbox-ingress.yaml", "sandbox/manifests/sandbox-ingress.yaml",
	} {
		if files[path] == "" {
			t.Errorf("the starter has no %s", path)
		}
	}
	seen, ids := map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		seen[o.kind()] = true
		if want := systems[o.kind()]; o.text("apiVersion") != want {
			t.Errorf("%s has the version %s, want %q", o, o.text("apiVersion"), want)
		}
		if id := o.kind() + " " + o.id(); ids[id] {
			t.Errorf("%s is there twice", o)
		} else {
			ids[id] = true
		}
	}
	for kind := range systems {
		if !seen[kind] {
			t.Errorf("the starter has no %s", kind)
		}
	}
}

// starterIndex finds what objects refer to.
type starterIndex struct {
	byKind map[string]map[string]object // by id
	pods   map[string]object            // the templates of pods, by kind and id
}

func indexOf(objects []object) starterIndex {
	x := starterIndex{map[string]map[string]object{}, map[string]object{}}
	for _, o := range objects {
		if x.byKind[o.kind()] == nil {
			x.byKind[o.kind()] = map[string]object{}
		}
		x.byKind[o.kind()][o.id()] = o
		if pod, ok := o.pod(); ok {
			x.pods[o.kind()+" "+o.id()] = pod
		}
	}
	return x
}

// beside is the object of a kind and name in the environment and namespace of another.
func (x starterIndex) beside(o object, kind, name string) (object, bool) {
	found, ok := x.byKind[kind][o.env+" "+o.text("metadata.namespace")+"/"+name]
	return found, ok
}

// selects are the pods that a selector in an object's namespace matches.
func (x starterIndex) selects(o object, selector any) []string {
	var found []string
	for key, pod := range x.pods {
		labels, _ := pod.at("metadata.labels").(map[string]any)
		matches := strings.HasPrefix(key[strings.Index(key, " ")+1:], o.env+" "+o.text("metadata.namespace")+"/")
		wanted, _ := selector.(map[string]any)
		for name, value := range wanted {
			matches = matches && labels[name] == value
		}
		if matches && len(wanted) > 0 {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}

// fitting checks that objects fit together.
type fitting struct {
	*testing.T
	starterIndex
	hosts map[string]object // by environment and host
}

func TestStarterObjectsFitTogether(t *testing.T) {
	objects, _ := starter(t)
	f := &fitting{t, indexOf(objects), map[string]object{}}
	for _, o := range objects {
		switch o.kind() {
		case "Deployment":
			f.deployment(o)
		case "Service":
			f.service(o)
		case "PodDisruptionBudget":
			f.budget(o)
		case "Ingress":
			f.ingress(o)
		case "HTTPRoute":
			for _, name := range o.list("spec.hostnames") {
				f.claims(o, name.(string))
			}
			for _, rule := range o.list("spec.rules") {
				backends, _ := at(rule, "backendRefs").([]any)
				f.sendsTo(o, at(backends[0], "name").(string))
			}
		case "Mapping":
			f.claims(o, o.text("spec.hostname"))
			name, _, _ := strings.Cut(o.text("spec.service"), ".")
			f.sendsTo(o, name)
		case "TargetGroupBinding":
			f.sendsTo(o, o.text("spec.serviceRef.name"))
		default:
			f.refers(o)
		}
	}
}

// selectsOwn: an object selects the Deployment of its own name, and nothing else.
func (f *fitting) selectsOwn(o object, selector any) {
	f.Helper()
	if got, want := f.selects(o, selector), []string{"Deployment " + o.id()}; !slices.Equal(got, want) {
		f.Errorf("%s selects %q, want %q", o, got, want)
	}
}

// sendsTo: the Service that an object sends to is there.
func (f *fitting) sendsTo(o object, service string) {
	f.Helper()
	if _, ok := f.beside(o, "Service", service); !ok {
		f.Errorf("%s sends to the Service %s, which is not there", o, service)
	}
}

// claims: a host is one, and nobody else's.
func (f *fitting) claims(o object, host string) {
	f.Helper()
	if other, taken := f.hosts[o.env+host]; taken || host == "" || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") {
		f.Errorf("%s has the host %q, which is taken by %s or no host", o, host, other)
	}
	f.hosts[o.env+host] = o
}

func (f *fitting) deployment(o object) {
	f.selectsOwn(o, o.at("spec.selector.matchLabels"))
	for _, spread := range o.list("spec.template.spec.topologySpreadConstraints") {
		f.selectsOwn(o, at(spread, "labelSelector.matchLabels"))
	}
	replicas, _ := o.at("spec.replicas").(int64)
	if hpa, scaled := f.byKind["HorizontalPodAutoscaler"][o.id()]; scaled && (replicas < hpa.at("spec.minReplicas").(int64) || replicas > hpa.at("spec.maxReplicas").(int64)) || replicas < 1 {
		f.Errorf("%s has replicas %d, and an HPA: %t", o, replicas, scaled)
	}
}

func (f *fitting) service(o object) {
	f.selectsOwn(o, o.at("spec.selector"))
	pod := f.pods["Deployment "+o.id()]
	for _, port := range o.list("spec.ports") {
		has := false
		for _, container := range pod.list("spec.containers") {
			ports, _ := at(container, "ports").([]any)
			has = has || slices.ContainsFunc(ports, func(p any) bool { return at(p, "name") == at(port, "targetPort") })
		}
		if !has {
			f.Errorf("%s has the target port %v, which no container has", o, at(port, "targetPort"))
		}
	}
}

func (f *fitting) budget(o object) {
	f.selectsOwn(o, o.at("spec.selector.matchLabels"))
	replicas := f.byKind["Deployment"][o.id()].at("spec.replicas")
	if hpa, scaled := f.byKind["HorizontalPodAutoscaler"][o.id()]; scaled {
		replicas = hpa.at("spec.minReplicas")
	}
	if n, _ := replicas.(int64); n < 2 {
		f.Errorf("%s is for %v pods: no node could be drained", o, replicas)
	}
}

func (f *fitting) ingress(o object) {
	for _, rule := range o.list("spec.rules") {
		name, _ := at(rule, "host").(string)
		f.claims(o, name)
		paths, _ := at(rule, "http.paths").([]any)
		for _, path := range paths {
			if to, _ := at(path, "backend.service.name").(string); !slices.Contains([]string{"nginx-ingress", "emissary"}, o.text("metadata.namespace")) {
				f.sendsTo(o, to) // the controller's Service is the controller's
			}
		}
	}
}

// refers: what an object names is there.
func (f *fitting) refers(o object) {
	switch o.kind() {
	case "HorizontalPodAutoscaler":
		if _, ok := f.beside(o, "Deployment", o.text("spec.scaleTargetRef.name")); !ok {
			f.Errorf("%s scales what is not there", o)
		}
	case "ExternalSecret":
		env := o.env
		if o.text("metadata.namespace") == "argocd" {
			env = "prod" // where Argo CD runs
		}
		if _, ok := f.byKind["ClusterSecretStore"][env+" /"+o.text("spec.secretStoreRef.name")]; !ok {
			f.Errorf("%s reads from a store that is not there", o)
		}
	case "NodePool":
		if _, ok := f.byKind["EC2NodeClass"][o.env+" /"+o.text("spec.template.spec.nodeClassRef.name")]; !ok {
			f.Errorf("%s has a class that is not there", o)
		}
	}
}

func TestStarterPodsHaveWhatTheyMount(t *testing.T) {
	objects, _ := starter(t)
	x := indexOf(objects)
	for _, o := range objects {
		pod, ok := o.pod()
		if !ok {
			continue
		}
		if name := pod.text("spec.serviceAccountName"); name != "" {
			if _, ok := x.beside(o, "ServiceAccount", name); !ok {
				t.Errorf("%s runs as %s, which is not there", o, name)
			}
		}
		volumes := map[any]bool{}
		for _, v := range pod.list("spec.volumes") {
			volumes[at(v, "name")] = true
			if claim, _ := at(v, "persistentVolumeClaim.claimName").(string); claim != "" {
				if _, ok := x.beside(o, "PersistentVolumeClaim", claim); !ok {
					t.Errorf("%s claims the volume %s, which is not there", o, claim)
				}
			}
		}
		for _, c := range pod.list("spec.containers") {
			c := object{o.env, o.file, c.(map[string]any)}
			mounted := map[any]bool{}
			for _, m := range c.list("volumeMounts") {
				mounted[at(m, "name")] = true
			}
			if !maps.Equal(mounted, volumes) {
				t.Errorf("%s mounts %v of the volumes %v", o, mounted, volumes)
			}
			names := map[any]bool{}
			for _, e := range c.list("env") {
				if _, isText := at(e, "value").(string); !isText || names[at(e, "name")] {
					t.Errorf("%s: the environment variable %v is no string, or is there twice", o, e)
				}
				names[at(e, "name")] = true
			}
			for _, from := range c.list("envFrom") {
				secret, _ := at(from, "secretRef.name").(string)
				found := false
				for _, s := range x.byKind["ExternalSecret"] {
					found = found || s.env == o.env && s.text("metadata.namespace") == o.text("metadata.namespace") && s.text("spec.target.name") == secret
				}
				if !found {
					t.Errorf("%s reads the Secret %s, which nothing makes", o, secret)
				}
			}
			if c.at("resources.requests.cpu") == nil || c.at("resources.requests.memory") == nil || c.at("securityContext") == nil {
				t.Errorf("%s has no requests or no security context", o)
			}
			if !strings.Contains(c.text("image"), ":") {
				t.Errorf("%s runs %s, without a tag", o, c.text("image"))
			}
		}
	}
}

func TestStarterArgoCDMaySyncAllOfIt(t *testing.T) {
	objects, _ := starter(t)
	for _, project := range objects {
		if project.kind() != "AppProject" {
			continue
		}
		namespaces, kinds := map[any]bool{"argocd": true}, map[string]bool{}
		for _, d := range project.list("spec.destinations") {
			namespaces[at(d, "namespace")] = true
		}
		for _, k := range project.list("spec.clusterResourceWhitelist") {
			kinds[fmt.Sprintf("%s %s", at(k, "group"), at(k, "kind"))] = true
		}
		for _, o := range objects {
			if o.env != project.env {
				continue
			}
			group, _, grouped := strings.Cut(o.text("apiVersion"), "/")
			if !grouped {
				group = ""
			}
			if namespace := o.text("metadata.namespace"); namespace == "" && !kinds[group+" "+o.kind()] || namespace != "" && !namespaces[namespace] {
				t.Errorf("%s may not be synced by the project of %s", o, project.env)
			}
		}
	}
}

// TestStarterProdNext holds that production's second cluster is production, but
// for its own name, cluster and domain.
func TestStarterProdNext(t *testing.T) {
	data, err := os.ReadFile("../../environments/prod-next.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := manifest.Parse("prod-next.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := file.Values()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range docs[0].Fields {
		if !slices.Contains([]string{"extends", "cluster", "kubernetes", "domain"}, f.Key.Text) {
			t.Errorf("%s: prod-next has its own %s", f.Key.Place, f.Key.Text)
		}
	}
	_, files := starter(t)
	checksum := regexp.MustCompile(`(?m)^# checksum: .*\n`)
	alike := strings.NewReplacer("prod-next", "prod", "prod-b", "prod-a", "next.example.com", "example.com")
	for path, text := range files {
		rest, next := strings.CutPrefix(path, "prod-next/")
		if !next {
			continue
		}
		prod := files["prod/"+strings.ReplaceAll(rest, "prod-next", "prod")]
		if got := alike.Replace(checksum.ReplaceAllString(text, "")); got != checksum.ReplaceAllString(prod, "") {
			t.Errorf("%s differs from prod's:\n%s", path, got)
		}
	}
	for path := range files {
		rest, prod := strings.CutPrefix(path, "prod/")
		if next := "prod-next/" + strings.ReplaceAll(rest, "prod-", "prod-next-"); prod && files[next] == "" && !strings.HasSuffix(path, "argocd-root.yaml") {
			t.Errorf("%s is in prod only", path)
		}
	}
}
