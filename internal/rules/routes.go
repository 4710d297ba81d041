package rules

import (
	"cmp"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// route is a host and a path that an object wants to have.
type route struct {
	host  text // "" for every host
	path  word // as a prefix, unless exact
	exact bool
	other word // further conditions, in one text: two routes that differ in them are no rivals
	by    parent
	place problem.Place
}

// parent is what a route of the Gateway API is attached to.
type parent struct {
	kind                      string
	namespace, name, listener word
}

// ingress is what an Ingress says besides its routes.
type ingress struct {
	class       string
	annotations []annotation // of the AWS Load Balancer Controller, without the prefix
	canary      bool         // an Ingress that shares another's hosts by design
	rules       []albRule
	fallback    *albRule // its default backend; nil if it has none
}

type annotation struct {
	name  word
	value text
}

// backends returns the paths of an Ingress, and its default backend.
func (in *ingress) backends() []albRule {
	if in.fallback == nil {
		return in.rules
	}
	return append(slices.Clip(in.rules), *in.fallback)
}

// albRule is a path of an Ingress, as the AWS Load Balancer Controller sees it; or its default
// backend, without a host and path.
type albRule struct {
	entry         int // the number of its entry in spec.rules
	host, path    word
	kind          string
	service, port word
	place         problem.Place
}

const albPrefix = "alb.ingress.kubernetes.io/"

// readIngress reads an Ingress.
func (r *reading) readIngress() {
	in := &ingress{class: r.spec.At("ingressClassName").Text}
	for _, a := range r.annotations.Fields {
		switch name, isALB := strings.CutPrefix(a.Key.Text, albPrefix); {
		case isALB:
			in.annotations = append(in.annotations, annotation{word(name), text{wordOf(a.Value), a.Key.Place}})
		case a.Key.Text == "kubernetes.io/ingress.class":
			in.class = a.Value.Text
		case strings.HasSuffix(a.Key.Text, "/canary") && a.Value.Text == "true", strings.HasSuffix(a.Key.Text, "/mergeable-ingress-type"):
			in.canary = true
		}
	}
	r.o.ingress = in
	r.readCertificates()
	if backend := r.spec.At("defaultBackend"); backend.Kind == manifest.Map {
		service := backend.At("service")
		in.fallback = &albRule{service: wordOf(service.At("name")), port: portOf(service), place: r.spec.KeyPlace("defaultBackend")}
		r.referIngress(service)
	}
	for n, rule := range r.spec.At("rules").Items {
		host := textOf(rule.At("host"))
		for _, path := range rule.At("http", "paths").Items {
			service := path.At("backend", "service")
			r.referIngress(service)
			p, kind := wordOf(path.At("path")), path.At("pathType").Text
			place := host.place
			if place == (problem.Place{}) {
				place = path.Place
			}
			in.rules = append(in.rules, albRule{n, host.is, p, kind, wordOf(service.At("name")), portOf(service), place})
			r.o.routes = append(r.o.routes, route{host: host, path: p, exact: kind == "Exact" || kindOfPath(kind, p) != "", other: kindOfPath(kind, p) + in.conditions(service), place: place})
		}
	}
}

// conditions returns what an ALB asks besides the host and path before it takes a backend: the
// conditions in its annotation. A redirect counts too: the controller leaves out one that would lead
// to itself, so that HTTPS gets the next backend of the same path.
func (in *ingress) conditions(service manifest.Value) (asked word) {
	name, action := wordOf(service.At("name")), portOf(service) == useAnnotation
	for _, a := range in.annotations {
		redirects := action && a.name == "actions."+name && strings.Contains(strings.ToLower(string(a.value.is)), `"redirect"`)
		if a.name == "conditions."+name || redirects {
			asked += a.value.is
		}
	}
	return asked
}

// portOf returns the name or the number of the port in a backend of an Ingress.
func portOf(service manifest.Value) word {
	return cmp.Or(wordOf(service.At("port", "name")), wordOf(service.At("port", "number")))
}

// readCertificates reads the Secrets with an Ingress's certificates. The AWS Load Balancer
// Controller does not read them; cert-manager makes them where an annotation asks for it.
func (r *reading) readCertificates() {
	for _, a := range r.annotations.Fields {
		if a.Key.Text == "kubernetes.io/tls-acme" || strings.HasPrefix(a.Key.Text, "cert-manager.io/") || strings.HasPrefix(a.Key.Text, "certmanager.k8s.io/") {
			for _, tls := range r.spec.At("tls").Items {
				r.o.provides = append(r.o.provides, provided{kind: "Secret", name: wordOf(tls.At("secretName"))})
			}
			return
		}
	}
	if r.o.ingress.class == "alb" || len(r.o.ingress.annotations) > 0 {
		return
	}
	for _, tls := range r.spec.At("tls").Items {
		r.refer(reference{from: anyOther, what: "spec.tls", kind: "Secret", name: textOf(tls.At("secretName"))})
	}
}

// kindOfPath tells paths apart that a controller reads in its own way.
func kindOfPath(kind string, path word) word {
	if kind != "Prefix" && kind != "Exact" && path != "/" && path != "" {
		return "ImplementationSpecific"
	}
	return ""
}

func (r *reading) referIngress(service manifest.Value) {
	port := textOf(service.At("port", "name"))
	if port.is == useAnnotation {
		return
	}
	if port.is == "" {
		port = textOf(service.At("port", "number"))
	}
	r.refer(reference{from: aRoute, what: "backend", kind: "Service", name: textOf(service.At("name")), port: port})
}

// useAnnotation is the port of a backend that is described in an annotation.
const useAnnotation = "use-annotation"

// readGatewayRoute reads a route of the Gateway API.
func (r *reading) readGatewayRoute() {
	var parents []parent
	for _, ref := range r.spec.At("parentRefs").Items {
		p := parent{cmp.Or(ref.At("kind").Text, "Gateway"), wordOf(ref.At("namespace")), wordOf(ref.At("name")), word(ref.At("sectionName").Text + ":" + ref.At("port").Text)}
		parents = append(parents, p)
		if group, ok := ref.Get("group"); p.kind == "Gateway" && (!ok || group.Text == gatewayGroup) {
			r.refer(reference{from: anyOther, what: "parentRefs", group: gatewayGroup, kind: "Gateway", namespace: p.namespace,
				name: textOf(ref.At("name")), key: textOf(ref.At("sectionName"))})
		}
	}
	hosts := []text{{}}
	if names := r.spec.At("hostnames").Items; len(names) > 0 {
		hosts = nil
		for _, name := range names {
			hosts = append(hosts, textOf(name))
		}
	}
	for _, rule := range r.spec.At("rules").Items {
		for _, backend := range rule.At("backendRefs").Items {
			if kind := backend.At("kind").Text; (kind == "" || kind == "Service") && backend.At("group").Text == "" {
				r.refer(reference{from: aRoute, what: "backendRefs", kind: "Service", namespace: wordOf(backend.At("namespace")),
					name: textOf(backend.At("name")), port: textOf(backend.At("port"))})
			}
		}
		if r.o.Kind != "HTTPRoute" {
			continue
		}
		matches := rule.At("matches").Items
		if len(matches) == 0 {
			matches = []manifest.Value{{}}
		}
		for _, match := range matches {
			r.addMatch(match, hosts, parents)
		}
	}
}

// addMatch adds the routes of a match: one for each host and parent.
func (r *reading) addMatch(match manifest.Value, hosts []text, parents []parent) {
	path, kind := match.At("path", "value").Text, match.At("path", "type").Text
	other := kindOfRoutePath(kind)
	for _, key := range []string{"headers", "queryParams", "method"} {
		if v, ok := match.Get(key); ok {
			other += key + v.String()
		}
	}
	for _, host := range hosts {
		place := host.place
		if place == (problem.Place{}) {
			place = match.Place
		}
		for _, p := range parents {
			r.o.routes = append(r.o.routes, route{host: host, path: word(cmp.Or(path, "/")), exact: kind == "Exact", other: word(other), by: p, place: place})
		}
	}
}

func kindOfRoutePath(kind string) string {
	if kind == "RegularExpression" {
		return kind
	}
	return ""
}

// readMapping reads a Mapping of Emissary.
func (r *reading) readMapping() {
	if ref, ok := mappingService(r.spec.At("service")); ok {
		r.refer(ref)
	}
	host := textOf(r.spec.At("hostname"))
	if host.is == "" {
		host = textOf(r.spec.At("host"))
	}
	if host.is == "*" {
		host.is = ""
	}
	other := ""
	for _, key := range []string{"method", "headers", "regex_headers", "query_parameters", "regex_query_parameters", "precedence", "prefix_regex", "host_regex", "ambassador_id", "weight"} {
		if v, ok := r.spec.Get(key); ok {
			other += key + v.String()
		}
	}
	place := host.place
	if place == (problem.Place{}) {
		place = r.spec.KeyPlace("prefix")
	}
	r.o.routes = append(r.o.routes, route{host: host, path: wordOf(r.spec.At("prefix")), exact: isTrue(r.spec.At("prefix_exact")), other: word(other), place: place})
}

// mappingService reads the service of a Mapping:
// [scheme://]name[.namespace[.svc[.cluster.local]]][:port]. ok is false where it is none of the
// cluster.
func mappingService(v manifest.Value) (ref reference, ok bool) {
	s, port := v.Text, "80"
	if scheme, rest, found := strings.Cut(s, "://"); found {
		if s = rest; scheme == "https" {
			port = "443"
		}
	}
	s, _, _ = strings.Cut(s, "/")
	if host, p, found := strings.Cut(s, ":"); found {
		s, port = host, cmp.Or(p, port)
	}
	parts := strings.Split(strings.TrimSuffix(s, "."), ".")
	if s == "" || strings.ContainsAny(s, "[]{}$") || len(parts) > 2 && parts[2] != "svc" {
		return reference{}, false // a placeholder, or a host elsewhere
	}
	ref = reference{from: aRoute, what: "spec.service", kind: "Service", name: text{word(parts[0]), v.Place}, port: text{word(port), v.Place}, orHost: len(parts) == 2}
	if len(parts) > 1 {
		ref.namespace = word(parts[1])
	}
	return ref, true
}

// readTargetGroupBinding reads a TargetGroupBinding of the AWS Load Balancer Controller.
func (r *reading) readTargetGroupBinding() {
	service := r.spec.At("serviceRef")
	r.refer(reference{from: aRoute, what: "spec.serviceRef", kind: "Service", name: textOf(service.At("name")), port: textOf(service.At("port"))})
}
