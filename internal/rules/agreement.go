package rules

import (
	"slices"
	"strconv"
	"strings"
)

const groupSource = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#ingressgroup"

// albExample is a pair of Ingresses of one IngressGroup, and their Services.
const albExample = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    alb.ingress.kubernetes.io/group.name: dev
    alb.ingress.kubernetes.io/target-type: ip
    alb.ingress.kubernetes.io/scheme: internal
spec:
  ingressClassName: alb
  rules:
    - host: api.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: api, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: front
  annotations:
    alb.ingress.kubernetes.io/group.name: dev
    alb.ingress.kubernetes.io/target-type: ip
    alb.ingress.kubernetes.io/scheme: SCHEME
spec:
  ingressClassName: alb
  rules:
    - host: front.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: front, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {ports: [{port: 80}]}`

var groupAgreement = &Rule{
	Code:  "MG621",
	Title: "Ingresses of an IngressGroup that contradict each other",
	Error: true,
	Reason: "All Ingresses of an IngressGroup share one load balancer, so some annotations must be the same wherever they are written: `scheme`, `ip-address-type`, `subnets`,\n" +
		"`security-groups`, `load-balancer-name`, WAF, Shield, `ssl-redirect` and others; per port the protocol, `ssl-policy`, `inbound-cidrs` and mutual TLS; per key `tags` and the\n" +
		"attributes. Only one Ingress may have a default backend for a port. The AWS Load Balancer Controller finds a contradiction when it reconciles, and then changes nothing for the\n" +
		"whole group: the routes of everybody stay as they are, those of new users and of deleted pods too.",
	Source: groupSource,
	Wrong:  strings.Replace(albExample, "SCHEME", "internet-facing", 1),
	Mend:   []string{"internet-facing", "internal"},
	cluster: func(c *Cluster, r *report) {
		if c.classParams {
			return // they replace the annotations
		}
		for _, lb := range c.loadBalancers() {
			if len(lb.members) > 1 {
				checkAgreement(lb, r)
			}
		}
	},
}

// Annotations that must be the same in all Ingresses of a group that have them.
var (
	sameText = []string{"load-balancer-name", "scheme", "ip-address-type", "customer-owned-ipv4-pool", "wafv2-acl-arn", "wafv2-acl-name", "waf-acl-id", "web-acl-id",
		"shield-advanced-protection", "ipam-ipv4-pool-id", "ssl-redirect", "manage-backend-security-group-rules", "security-groups",
		"enable-frontend-nlb", "frontend-nlb-scheme", "frontend-nlb-security-groups"}
	// The same entries, in any order.
	sameSet = []string{"subnets", "frontend-nlb-subnets"}
	// The same value for each key.
	sameKey = []string{"load-balancer-attributes", "tags", "minimum-load-balancer-capacity", "frontend-nlb-attributes", "frontend-nlb-tags"}
	// The same for each port.
	byPort = []string{"ssl-policy", "inbound-cidrs", "security-group-prefix-lists"}
)

// said is what an Ingress says of something that a group must agree on.
type said struct {
	o     *Object
	value written
}

// checkAgreement reports where the Ingresses of a group do not agree.
func checkAgreement(lb *loadBalancer, r *report) {
	what := newAgreement()
	for _, o := range lb.members {
		for _, a := range o.ingress.annotations {
			name, value := o.in(a.name), strings.TrimSpace(o.in(a.value.is))
			switch {
			case slices.Contains(sameText, name):
				what.add(name, o, written{strings.Join(commaSeparated(value), ","), a.value.place})
			case slices.Contains(sameSet, name):
				what.add(name, o, written{sortedParts(value), a.value.place})
			case slices.Contains(sameKey, name), strings.HasPrefix(name, "listener-attributes."):
				entries, _ := keyValues(value)
				for _, e := range entries {
					what.add(name+" "+e.key, o, written{e.value, a.value.place})
				}
			}
		}
		ports := o.listeners()
		listen, _ := o.annotation("listen-ports")
		for port, protocol := range ports {
			number := " for port " + strconv.Itoa(port)
			what.add("the protocol"+number, o, written{protocol, listen.place})
			for _, name := range byPort {
				if v, ok := o.annotation(name); ok && (name != "ssl-policy" || protocol == "HTTPS") {
					what.add(name+number, o, written{sortedParts(v.is), v.place})
				}
			}
			if o.ingress.fallback != nil && lb.hasRules(protocol) {
				what.add("the default backend"+number, o, written{"of " + o.String(), o.ingress.fallback.place})
			}
		}
	}
	for _, name := range what.names {
		what.check(name, lb, r)
	}
	checkRedirect(lb, r)
}

// sortedParts returns a list whose order does not count.
func sortedParts(s string) string {
	parts := commaSeparated(s)
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// agreement is what each Ingress of a group says of each thing.
type agreement struct {
	names []string // sorted
	said  map[string][]said
}

func newAgreement() *agreement { return &agreement{said: map[string][]said{}} }

func (a *agreement) add(name string, o *Object, value written) {
	if a.said[name] == nil {
		i, _ := slices.BinarySearch(a.names, name)
		a.names = slices.Insert(a.names, i, name)
	}
	a.said[name] = append(a.said[name], said{o, value})
}

// check reports those that say something else than most do.
func (a *agreement) check(name string, lb *loadBalancer, r *report) {
	counts := map[string]int{}
	most := a.said[name][0]
	for _, s := range a.said[name] {
		counts[s.value.is]++
	}
	if len(counts) == 1 {
		return
	}
	for _, s := range a.said[name] {
		if counts[s.value.is] > counts[most.value.is] {
			most = s
		}
	}
	for _, s := range a.said[name] {
		if s.value.is == most.value.is {
			continue
		}
		f := r.add(s.o, s.value.place, "%s is %q here, and %q in %s: the controller refuses all of %s", name, s.value.is, most.value.is, most.o, lb)
		f.hint("write the same in both, or put one of them into a group.name of its own").also(most.o, most.value.place, "%s says so", most.o)
	}
}

// checkRedirect reports a redirect to a port that no Ingress of the load balancer has for HTTPS.
func checkRedirect(lb *loadBalancer, r *report) {
	https := map[string]bool{}
	for _, o := range lb.members {
		ports := o.listeners()
		if ports == nil {
			return
		}
		for port, protocol := range ports {
			https[strconv.Itoa(port)] = https[strconv.Itoa(port)] || protocol == "HTTPS"
		}
	}
	for _, o := range lb.members {
		if v, ok := o.annotation("ssl-redirect"); ok && !https[v.is] {
			r.add(o, v.place, "ssl-redirect leads to port %q, where %s has no HTTPS listener", v.is, lb).hint(`add it: alb.ingress.kubernetes.io/listen-ports: '[{"HTTP": 80}, {"HTTPS": 443}]'`)
		}
	}
}
