package rules

import (
	"cmp"
	"slices"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

var notAllowed = &Rule{
	Code:   "MG614",
	Title:  "a route that another namespace does not allow",
	Error:  true,
	Varies: true,
	Reason: "A route of the Gateway API reaches another namespace only if that namespace says so. A Gateway takes routes of its own namespace, unless `allowedRoutes.namespaces.from` of the\n" +
		"listener is `All` or `Selector`; the route is not accepted (`NotAllowedByListeners`), which is an error. A Service takes routes of other namespaces with a ReferenceGrant beside it;\n" +
		"without one requests are answered with 500 (`RefNotPermitted`), which is a warning, since the grant may be made elsewhere.",
	Source: "https://gateway-api.sigs.k8s.io/api-types/referencegrant/",
	Wrong: `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: gateway}
spec:
  gatewayClassName: nginx
  listeners: [{name: https, port: 443, protocol: HTTPS}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: production}
spec:
  parentRefs: [{name: public, namespace: gateway}]
  hostnames: [api.example.com]`,
	Mend: []string{"protocol: HTTPS}", "protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}"},
	cluster: func(c *Cluster, r *report) {
		for _, l := range slices.Concat(c.links[anyOther], c.links[aRoute]) {
			o, to := l.o, l.to
			switch {
			case o.Group != gatewayGroup || to == nil || to.namespace() == o.namespace():
			case to.gateway != nil && !to.gateway.allows(to, o.in(l.key.is)):
				r.add(o, l.name.place, "parentRefs: %s takes no routes of the namespace %q", to, o.namespace()).
					hint("write allowedRoutes: {namespaces: {from: All}} at the listener").also(to, to.named, "%s takes those of its own namespace", to)
			case to.service != nil && !c.granted(o, to):
				f := r.add(o, l.name.place, "%s: no ReferenceGrant lets the namespace %q use %s", l.what, o.namespace(), to)
				f.hint("add a ReferenceGrant to the namespace %q", to.namespace()).also(to, to.named, "%s is in another namespace", to)
				f.Error = false
			}
		}
	},
}

var gatewayListener = &Rule{
	Code:   "MG610",
	Title:  "a route to a listener that the Gateway does not have",
	Error:  true,
	Reason: "`parentRefs[].sectionName` names a listener, and the Gateway has none of this name, so the route is not accepted (`NoMatchingParent`).",
	Source: "https://gateway-api.sigs.k8s.io/reference/spec/#parentreference",
	Wrong: `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public}
spec:
  gatewayClassName: nginx
  listeners: [{name: https, port: 443, protocol: HTTPS}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api}
spec:
  parentRefs: [{name: public, sectionName: tls}]
  hostnames: [api.example.com]`,
	Mend: []string{"sectionName: tls", "sectionName: https"},
	cluster: func(c *Cluster, r *report) {
		for _, l := range c.links[anyOther] {
			if l.to == nil || l.to.gateway == nil || l.key.is == "" {
				continue
			}
			to, name := l.to, l.o.in(l.key.is)
			if names := to.gateway.names(to); !isPlaceholder(name) && !slices.Contains(names, name) {
				r.add(l.o, l.key.place, "parentRefs: %s has no listener %q", to, name).hint("%s", problem.DidYouMean(name, names)).also(to, to.named, "%s is here", to)
			}
		}
	},
}

// gatewayGroup is the API group of the Gateway API.
const gatewayGroup = "gateway.networking.k8s.io"

// gateway is a Gateway of the Gateway API.
type gateway struct{ listeners []listener }

// listener is a port of a Gateway, and which routes it takes.
type listener struct {
	name word
	from string // Same, All, Selector or None
}

// readGateway reads a Gateway of the Gateway API.
func (r *reading) readGateway() {
	g := &gateway{}
	for _, l := range r.spec.At("listeners").Items {
		g.listeners = append(g.listeners, listener{wordOf(l.At("name")), cmp.Or(l.At("allowedRoutes", "namespaces", "from").Text, "Same")})
	}
	r.o.gateway = g
}

// names returns the names of a Gateway's listeners.
func (g *gateway) names(o *Object) []string {
	var list []string
	for _, l := range g.listeners {
		list = append(list, o.in(l.name))
	}
	return list
}

// allows reports whether a listener takes routes of other namespaces: the one with a name, or any
// where there is no name. Which namespaces a selector selects is not asked.
func (g *gateway) allows(o *Object, name string) bool {
	asked := slices.DeleteFunc(slices.Clone(g.listeners), func(l listener) bool { return name != "" && o.in(l.name) != name })
	return len(asked) == 0 || slices.ContainsFunc(asked, func(l listener) bool { return l.from == "All" || l.from == "Selector" })
}

// grant is a ReferenceGrant: who may refer to what in its namespace.
type grant struct {
	from []pair // kind and namespace, of the Gateway API
	to   []pair // kind and name; no name is all
}

// readGrant reads a ReferenceGrant.
func (r *reading) readGrant() {
	g := &grant{}
	for _, from := range r.spec.At("from").Items {
		if from.At("group").Text == gatewayGroup {
			g.from = append(g.from, pair{wordOf(from.At("kind")), wordOf(from.At("namespace"))})
		}
	}
	for _, to := range r.spec.At("to").Items {
		if group := to.At("group"); group.Kind == manifest.Null || group.Text == "" {
			g.to = append(g.to, pair{wordOf(to.At("kind")), wordOf(to.At("name"))})
		}
	}
	r.o.grant = g
}

// granted reports whether a ReferenceGrant lets a route use a Service.
func (c *Cluster) granted(o, service *Object) bool {
	return slices.ContainsFunc(c.grants, func(g *Object) bool {
		return g.namespace() == service.namespace() &&
			slices.ContainsFunc(g.grant.from, func(p pair) bool { return string(p.key) == o.Kind && g.in(p.value) == o.namespace() }) &&
			slices.ContainsFunc(g.grant.to, func(p pair) bool {
				return string(p.key) == "Service" && (p.value == "" || g.in(p.value) == service.Name)
			})
	})
}
