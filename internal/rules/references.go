package rules

import (
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/problem"
)

var routeService = &Rule{
	Code:  "MG603",
	Title: "a route to a Service that is not here",
	Reason: "An Ingress, HTTPRoute, Mapping or TargetGroupBinding names a Service that the environment does not have: requests are answered with 503, or not at all. A Service that\n" +
		"is made elsewhere is declared in the environment's file, below `external:`.",
	Source: "https://kubernetes.io/docs/concepts/services-networking/ingress/#resource-backend",
	Wrong: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api}
spec:
  rules:
    - host: api.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: apis, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {ports: [{port: 80}]}`,
	Mend:    []string{"name: apis", "name: api"},
	cluster: checkMissing(aRoute),
}

var routePort = &Rule{
	Code:  "MG604",
	Title: "a route to a port that the Service does not have",
	Error: true,
	Reason: "A route names a port by number or name, and the Service that it leads to has no such port in `spec.ports`. It is the Service's `port` that counts, not its `targetPort`.\n" +
		"The AWS Load Balancer Controller then stops for the whole IngressGroup.",
	Source: "https://kubernetes.io/docs/concepts/services-networking/ingress/#the-ingress-resource",
	Wrong: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api}
spec:
  rules:
    - host: api.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: api, port: {number: 8080}}}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {ports: [{port: 80, targetPort: 8080}]}`,
	Mend: []string{"{number: 8080}", "{number: 80}"},
	cluster: func(c *Cluster, r *report) {
		for _, l := range c.links[aRoute] {
			to, port := l.to, l.o.in(l.port.is)
			if port == "" || to == nil || to.service == nil || to.service.kind == "ExternalName" || isPlaceholder(port) || len(to.ports) == 0 {
				continue
			}
			if !slices.ContainsFunc(to.ports, func(p servicePort) bool { return to.in(p.name) == port || strconv.Itoa(p.number) == port }) {
				r.add(l.o, l.port.place, "%s: %s has no port %q", l.what, to, port).hint("%s", servicePorts(to)).also(to, to.ports[0].place, "the ports of %s", to)
			}
		}
	},
}

// servicePorts says which ports a Service has.
func servicePorts(o *Object) string {
	var parts []string
	for _, p := range o.ports {
		part := strconv.Itoa(p.number)
		if p.name != "" {
			part = o.in(p.name) + " (" + part + ")"
		}
		parts = append(parts, part)
	}
	return "its ports: " + strings.Join(parts, ", ")
}

var scalerTarget = &Rule{
	Code:   "MG605",
	Title:  "an autoscaler without its target",
	Reason: "A HorizontalPodAutoscaler, ScaledObject or VerticalPodAutoscaler names a workload that the environment does not have, so it scales nothing.",
	Source: "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/",
	Wrong: `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: apis}
  minReplicas: 2
  maxReplicas: 4
` + strings.Replace(deployment, "  replicas: 2\n", "", 1),
	Mend:    []string{"name: apis", "name: api"},
	cluster: checkMissing(aScaler),
}

var podReference = &Rule{
	Code:  "MG606",
	Title: "pods that need what is not here",
	Reason: "Pods need a ConfigMap, Secret, PersistentVolumeClaim or ServiceAccount that the environment does not have. They do not start: `CreateContainerConfigError`, or no pod at\n" +
		"all. Secrets that an ExternalSecret, SealedSecret or Certificate makes are known. What is made elsewhere is declared in the environment's file, below `external:`;\n" +
		"`optional: true` says that the pods start without it.",
	Source: "https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist",
	Wrong: `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: example/api:1.4
          envFrom: [{configMapRef: {name: api-conf}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: api-config}
data: {LOG_LEVEL: info}`,
	Mend:    []string{"name: api-conf}", "name: api-config}"},
	cluster: checkMissing(aPod),
}

var otherReference = &Rule{
	Code:  "MG609",
	Title: "a reference to what is not here",
	Reason: "An object names another that the environment does not have: a SecretStore, a Gateway, a StorageClass, the headless Service of a StatefulSet, a Role, the\n" +
		"ServiceAccount of a binding or a store, the Secret that a store is opened with, the Secret of an Ingress's certificate, a TriggerAuthentication. What is made elsewhere is declared in the environment's file:\n\n    external:\n      - {kind: Gateway, name: public, namespace: gateway}",
	Source: "https://external-secrets.io/latest/api/externalsecret/",
	Wrong: `apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: api}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: secret-manager}
  data: [{secretKey: TOKEN, remoteRef: {key: api/token}}]
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: secrets-manager}
spec: {provider: {aws: {service: SecretsManager, region: eu-west-1}}}`,
	Mend:    []string{"name: secret-manager", "name: secrets-manager"},
	cluster: checkMissing(anyOther),
}

// checkMissing returns a rule that reports references which lead nowhere.
func checkMissing(from referrer) func(*Cluster, *report) {
	return func(c *Cluster, r *report) {
		var reported []link // a name may be written once and referred to for each key
		for i := range c.links[from] {
			l := &c.links[from][i]
			if l.optional || from == aScaler && !knowsKind(l.reference) || !c.isMissing(l) {
				continue
			}
			if slices.ContainsFunc(reported, func(t link) bool { return t.o == l.o && t.name == l.name }) {
				continue
			}
			if len(reported) > 0 && reported[0].o != l.o {
				reported = reported[:0]
			}
			reported = append(reported, *l)
			to := l.o.targetOf(l.reference)
			where := ""
			if to.namespace != "" {
				where = " in the namespace " + strconv.Quote(to.namespace)
			}
			f := r.add(l.o, l.name.place, "%s: there is no %s %q%s", l.what, l.kind, to.name, where)
			if near := c.near(to); near != "" {
				f.hint("did you mean %q?", near)
			} else if env := l.o.Env; env != nil {
				f.hint("if it is made elsewhere, declare it in environments/%s.yaml: external: [{kind: %s, name: %s%s}]", env.Name, l.kind, to.name, env.otherNamespace(to.namespace))
			}
		}
	}
}

// otherNamespace returns the entry of a namespace that is not the environment's own.
func (e *Environment) otherNamespace(namespace string) string {
	if namespace == "" || namespace == e.Namespace {
		return ""
	}
	return ", namespace: " + namespace
}

// knowsKind reports whether a reference is to a kind that the rules know: others may be made by
// anything.
func knowsKind(ref *reference) bool {
	return podTemplates[kindOf(&facts{Group: ref.group, Kind: ref.kind})] != nil
}

var missingKey = &Rule{
	Code:  "MG607",
	Title: "a key that a ConfigMap or Secret does not have",
	Error: true,
	Reason: "Pods take a key of a ConfigMap or Secret, and it has no such key, so they do not start: `CreateContainerConfigError`. For a Secret that an ExternalSecret makes,\n" +
		"the keys are its `secretKey`s.",
	Source: "https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#restrictions",
	Wrong: `apiVersion: v1
kind: ConfigMap
metadata: {name: api}
data: {LOG_LEVEL: info}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: example/api:1.4
          env: [{name: LOG_LEVEL, valueFrom: {configMapKeyRef: {name: api, key: LOGLEVEL}}}]`,
	Mend: []string{"key: LOGLEVEL", "key: LOG_LEVEL"},
	cluster: func(c *Cluster, r *report) {
		for _, l := range c.links[aPod] {
			if l.key.is == "" || l.optional {
				continue
			}
			to, key := c.holder(l), l.o.in(l.key.is)
			if to == nil || to.keys == nil || to.keys.open || isPlaceholder(key) {
				continue
			}
			if names := to.all(to.keys.names); !slices.Contains(names, key) {
				r.add(l.o, l.key.place, "%s: %s has no key %q", l.what, to, key).hint("%s", problem.DidYouMean(key, names)).also(to, to.named, "%s is here", to)
			}
		}
	},
}

// holder returns the object that says which keys a ConfigMap or Secret has: itself, or what makes
// it.
func (c *Cluster) holder(l link) *Object {
	to := l.o.targetOf(l.reference)
	maker := c.makers[to]
	switch {
	case c.merged[to], l.to != nil && maker != nil:
		return nil // several write into it
	case l.to != nil:
		return l.to
	}
	return maker
}
