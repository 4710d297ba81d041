package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// twoIngresses returns an example: two Ingresses, the second for a host of one's choice.
func twoIngresses(class, host, path string) string {
	ingress := func(name, host, path string) string {
		return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ` + name + `}
spec:
  ingressClassName: ` + class + `
  rules:
    - host: ` + strconv.Quote(host) + `
      http:
        paths:
          - path: ` + path + `
            pathType: Prefix
            backend: {service: {name: ` + name + `, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: ` + name + `}
spec: {type: NodePort, ports: [{port: 80}]}
`
	}
	return ingress("api", "api.example.com", "/") + "---\n" + ingress("front", host, path)
}

var claimedTwice = &Rule{
	Code:  "MG611",
	Title: "a host and path that are claimed twice",
	Error: true,
	Reason: "Two routes of one ingress controller, Gateway or IngressGroup have the same host and path. One of them gets all requests (often the older one), the other none. Wildcard hosts\n" +
		"count as the hosts that they are: two claims of `*.example.com` collide, `*.example.com` and `api.example.com` do not, because the exact host wins. A canary Ingress of NGINX\n" +
		"shares its host by design and is left out.",
	Source: "https://kubernetes.github.io/ingress-nginx/how-it-works/#building-the-nginx-model",
	Wrong:  twoIngresses("nginx", "api.example.com", "/"),
	Mend:   []string{"kind: Ingress\nmetadata: {name: front}\nspec:\n  ingressClassName: nginx\n  rules:\n    - host: \"api.", "kind: Ingress\nmetadata: {name: front}\nspec:\n  ingressClassName: nginx\n  rules:\n    - host: \"front."},
	cluster: func(c *Cluster, r *report) {
		type claim struct {
			router            router
			host, path, other string
		}
		claims := make(map[claim]claimant, len(c.routed))
		for _, o := range c.routed {
			if o.ingress != nil && o.ingress.canary {
				continue
			}
			by := c.router(o)
			for i := range o.routes {
				a := &o.routes[i]
				if a.by.kind != "" { // of the Gateway API
					by = router{a.by.kind + " " + o.in(a.by.listener), o.in(a.by.name), cmp.Or(o.in(a.by.namespace), o.namespace())}
				}
				host, path := o.in(a.host.is), o.in(a.path)
				if isPlaceholder(host) || host == "" && by == (router{kind: "Ingress"}) {
					continue // an Ingress of the default class, for whatever host
				}
				key := claim{by, strings.ToLower(host), cleanPath(path, a.exact), o.in(a.other)}
				first, twice := claims[key]
				if !twice {
					claims[key] = claimant{o, a}
				}
				if !twice || first.o != o && first.o.id() == o.id() {
					continue // the same object in another file
				}
				f := r.add(o, a.place, "the host %q with the path %q is claimed twice: by %s, and by %s", cmp.Or(host, "*"), cmp.Or(path, "/"), first.o, o)
				f.hint("only one of the two gets requests: give one another host or path").also(first.o, first.route.place, "%s claims it first", first.o)
			}
		}
	},
}

// claimant is a route, and the object that it is of.
type claimant struct {
	o     *Object
	route *route
}

// cleanPath returns a path as others are compared with it: /foo/ as a prefix is /foo.
func cleanPath(path string, exact bool) string {
	if exact {
		return "= " + path
	}
	return cmp.Or(strings.TrimRight(path, "/"), "/")
}

// router is what serves the routes of an object: routes of different routers do not collide.
type router struct{ kind, name, own string }

func (c *Cluster) router(o *Object) router {
	switch {
	case o.ingress == nil:
		return router{kind: o.Kind}
	case !c.isALB(o):
		return router{kind: o.Kind, name: o.ingress.class}
	}
	if group := o.alb("group.name"); group != "" {
		return router{kind: "IngressGroup", name: group}
	}
	return router{kind: "load balancer", name: o.Name, own: o.namespace()}
}

var claimedElsewhere = &Rule{
	Code:  "MG612",
	Title: "a host on two load balancers",
	Reason: "A name in DNS leads to one load balancer. Here a host is claimed by two of them: by Ingresses of the AWS Load Balancer Controller that are in no common `group.name` and have the\n" +
		"same scheme, or by environments of different clusters where one extends the other and has not set a `domain` of its own. Requests reach one of the two only, and tools that write\n" +
		"DNS records undo each other's work. Where that is meant, such as while traffic moves, switch the rule off.",
	Source: groupSource,
	Wrong:  twoIngresses("alb", "api.example.com", "/front"),
	Mend:   []string{"kind: Ingress\nmetadata: {name: api}", grouped("api"), "kind: Ingress\nmetadata: {name: front}", grouped("front")},
	cluster: func(c *Cluster, r *report) {
		c.checkBalancers(r)
		c.checkClusters(r)
	},
}

func grouped(name string) string {
	order := "0"
	if name == "api" {
		order = "1" // /front comes first
	}
	return "kind: Ingress\nmetadata: {name: " + name + ", annotations: {alb.ingress.kubernetes.io/group.name: dev, alb.ingress.kubernetes.io/group.order: \"" + order + "\"}}"
}

// checkBalancers reports hosts that are on two load balancers of one scheme.
func (c *Cluster) checkBalancers(r *report) {
	type host struct{ scheme, name string }
	type owner struct {
		lb *loadBalancer
		claimant
	}
	owners := map[host]owner{}
	for _, lb := range c.loadBalancers() {
		reported := map[host]bool{}
		for _, o := range lb.members {
			for i := range o.routes {
				a := &o.routes[i]
				name := o.in(a.host.is)
				key := host{lb.scheme(), strings.ToLower(name)}
				first, known := owners[key]
				if !known {
					owners[key] = owner{lb, claimant{o, a}}
				}
				if !known || first.lb == lb || first.o.id() == o.id() || reported[key] || name == "" || isPlaceholder(name) {
					continue
				}
				reported[key] = true
				f := r.add(o, a.place, "the host %q is on two load balancers: in %s, and in %s", name, first.lb, lb)
				f.hint("%sgive both the same alb.ingress.kubernetes.io/group.name", ownDomain(first.o.Env, o.Env)).also(first.o, first.route.place, "%s claims it first", first.o)
			}
		}
	}
}

// ownDomain begins the hint of a host that two environments have: most often, the domain of one was
// not set. It is "" where the objects are of one environment, or of none.
func ownDomain(a, b *Environment) string {
	switch {
	case a == nil || b == nil || a.Name == b.Name:
		return ""
	case slices.Contains(a.Extends, b.Name):
		return "set a domain of its own in environments/" + a.Name + ".yaml; or "
	case slices.Contains(b.Extends, a.Name):
		return "set a domain of its own in environments/" + b.Name + ".yaml; or "
	}
	return "give the environments " + a.Name + " and " + b.Name + " a domain each; or "
}

func (lb *loadBalancer) scheme() string {
	for _, o := range lb.members {
		if v := o.alb("scheme"); v != "" {
			return v
		}
	}
	return "internal" // the controller's default
}

// checkClusters reports hosts that an environment has in common with one that it extends and that
// is in another cluster.
func (c *Cluster) checkClusters(r *report) {
	for _, other := range c.all {
		if other == c {
			continue
		}
		var hosts map[string]*claimant // by environment and host; made when it is needed
		for _, o := range c.routed {
			if o.Env == nil || len(o.Env.Extends) == 0 {
				continue
			}
			if hosts == nil {
				hosts = other.hosts()
			}
			reported := map[string]bool{}
			for i := range o.routes {
				a := &o.routes[i]
				host := o.in(a.host.is)
				for _, env := range o.Env.Extends {
					first := hosts[env+" "+strings.ToLower(host)]
					if first == nil || reported[host] || host == "" {
						continue
					}
					reported[host] = true
					f := r.add(o, a.place, "the host %q is claimed by the environment %q too, in another cluster", host, env)
					f.hint("set a domain of its own in environments/%s.yaml", o.Env.Name).also(first.o, first.route.place, "%s claims it in %s", first.o, env)
				}
			}
		}
	}
}

// hosts returns who claims each host, by environment and host.
func (c *Cluster) hosts() map[string]*claimant {
	hosts := map[string]*claimant{}
	for _, o := range c.routed {
		for i := range o.routes {
			if a := &o.routes[i]; o.Env != nil && a.host.is != "" {
				key := o.Env.Name + " " + strings.ToLower(o.in(a.host.is))
				if hosts[key] == nil {
					hosts[key] = &claimant{o, a}
				}
			}
		}
	}
	return hosts
}

var shadowed = &Rule{
	Code:  "MG613",
	Title: "a route that an earlier one hides",
	Error: true,
	Reason: "A load balancer asks its rules in their order, and the first that matches answers. The AWS Load Balancer Controller orders the Ingresses of an IngressGroup by `group.order`, then\n" +
		"by namespace and name; within an Ingress, the hosts are in the order in which they are written, and the longest prefix of a host is first. Here an earlier rule matches all that a later\n" +
		"one would: a wildcard host, no host at all, or a shorter path. The later one never gets a request. Give the wider Ingress a higher `group.order`.",
	Source: groupSource,
	Wrong:  strings.NewReplacer("host: api.example.com", `host: "*.example.com"`, "SCHEME", "internal").Replace(albExample),
	Mend:   []string{"  name: api\n  annotations:\n", "  name: api\n  annotations:\n    alb.ingress.kubernetes.io/group.order: \"100\"\n"},
	cluster: func(c *Cluster, r *report) {
		for _, lb := range c.loadBalancers() {
			lb.checkOrder(r)
		}
	},
}

// earlier is a rule that is asked before others.
type earlier struct {
	o    *Object
	rule balancerRule
}

// checkOrder reports rules that never get a request.
func (lb *loadBalancer) checkOrder(r *report) {
	byHost := map[string][]earlier{}
	for _, o := range lb.members {
		for _, a := range o.orderedRules() {
			host := strings.ToLower(a.host)
			if first := hiding(byHost, o, a, host); first != nil {
				f := r.add(o, a.place, "the host %q with the path %q gets no requests: %q with %q of %s is asked first", cmp.Or(a.host, "*"), cmp.Or(a.path, "/"),
					cmp.Or(first.rule.host, "*"), cmp.Or(first.rule.path, "/"), first.o)
				f.hint("give %s a higher alb.ingress.kubernetes.io/group.order", first.o).also(first.o, first.rule.place, "%s is asked first", first.o)
				if first.o == o {
					f.hint("write the wider host below")
				}
			}
			_, conditional := o.annotation("conditions." + a.service)
			if !conditional && a.port != useAnnotation {
				byHost[host] = append(byHost[host], earlier{o, a})
			}
		}
	}
}

// hiding returns an earlier rule that matches all that a rule would, and is not the very same.
func hiding(byHost map[string][]earlier, o *Object, a balancerRule, host string) *earlier {
	hosts := []string{host}
	for rest := strings.TrimPrefix(host, "*"); rest != ""; {
		if i := strings.IndexByte(rest[1:], '.'); i >= 0 {
			rest = rest[i+1:]
			hosts = append(hosts, "*"+rest)
			continue
		}
		break
	}
	for _, h := range append(slices.Compact(hosts), "") {
		for i := range byHost[h] {
			e := &byHost[h][i]
			same := h == host && cleanPath(e.rule.path, e.rule.kind == "Exact") == cleanPath(a.path, a.kind == "Exact")
			if !same && covers(e.rule, a) && sharesListener(e.o, o) {
				return e
			}
		}
	}
	return nil
}

// covers reports whether the path of a rule matches all that another's does.
func covers(wide, narrow balancerRule) bool {
	pattern := strings.TrimRight(wide.path, "/")
	switch {
	case wide.path == "" || wide.path == "/*" || wide.kind == "Prefix" && pattern == "":
		return true
	case wide.kind == "Prefix":
		rest, ok := strings.CutPrefix(narrow.path, pattern)
		return ok && (rest == "" || rest[0] == '/')
	case wide.kind == "ImplementationSpecific" && strings.HasSuffix(wide.path, "*") && !strings.ContainsAny(strings.TrimSuffix(wide.path, "*"), "*?"):
		return strings.HasPrefix(narrow.path, strings.TrimSuffix(wide.path, "*"))
	}
	return wide.path == narrow.path && wide.kind == narrow.kind
}

// sharesListener reports whether two Ingresses listen on a common port.
func sharesListener(a, b *Object) bool {
	ports := b.listeners()
	for port := range a.listeners() {
		if ports[port] != "" {
			return true
		}
	}
	return false
}
