package rules

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/problem"
)

// loadBalancer is an Application Load Balancer, as the AWS Load Balancer Controller makes it: of an
// IngressGroup, or of one Ingress.
type loadBalancer struct {
	group   string    // the name of the IngressGroup; "" for one Ingress
	members []*Object // in the controller's order
	shares  []*usage  // of the members; nil until they are asked for
}

// isALB reports whether an Ingress is for the AWS Load Balancer Controller.
func (c *Cluster) isALB(o *Object) bool {
	if controller, known := c.controllers[o.ingress.class]; known {
		return controller == "ingress.k8s.aws/alb"
	}
	return o.mayBeALB()
}

// mayBeALB is isALB for an object alone.
func (o *Object) mayBeALB() bool {
	return o.ingress.class == "alb" || len(o.ingress.annotations) > 0 && (o.ingress.class == "" || strings.Contains(o.ingress.class, "alb"))
}

// written is a text of an object, and where it was written.
type written struct {
	is    string
	place problem.Place
}

// annotation returns the value of an annotation of the controller on an Ingress.
func (o *Object) annotation(name string) (value written, ok bool) {
	for _, a := range o.ingress.annotations {
		if o.in(a.name) == name {
			return written{o.in(a.value.is), a.value.place}, true
		}
	}
	return written{}, false
}

// alb returns the value of such an annotation; "" where there is none.
func (o *Object) alb(name string) string {
	v, _ := o.annotation(name)
	return v.is
}

// loadBalancers returns the load balancers of a cluster, sorted by their groups and Ingresses.
func (c *Cluster) loadBalancers() []*loadBalancer {
	if c.balancers != nil {
		return c.balancers
	}
	c.balancers = []*loadBalancer{}
	byGroup := map[string]*loadBalancer{}
	for _, o := range c.ingresses {
		if !c.isALB(o) {
			continue
		}
		group := o.alb("group.name")
		lb := byGroup[group]
		if lb == nil || group == "" {
			lb = &loadBalancer{group: group}
			c.balancers = append(c.balancers, lb)
			byGroup[group] = lb
		}
		lb.members = append(lb.members, o)
	}
	for _, lb := range c.balancers {
		slices.SortStableFunc(lb.members, func(a, b *Object) int {
			order := func(o *Object) int {
				n, _ := strconv.Atoi(o.alb("group.order"))
				return n
			}
			return cmp.Or(order(a)-order(b), strings.Compare(a.namespace()+"/"+a.Name, b.namespace()+"/"+b.Name))
		})
	}
	return c.balancers
}

// String names a load balancer for people.
func (lb *loadBalancer) String() string {
	if lb.group == "" {
		return "the load balancer of " + lb.members[0].String()
	}
	return "the IngressGroup " + strconv.Quote(lb.group)
}

// listeners returns the ports that an Ingress listens on, with their protocols. It is nil where its
// listen-ports cannot be read.
func (o *Object) listeners() map[int]string {
	written, ok := o.annotation("listen-ports")
	if !ok {
		if len(o.certificates()) > 0 {
			return map[int]string{443: "HTTPS"}
		}
		return map[int]string{80: "HTTP"}
	}
	var entries []map[string]int
	if json.Unmarshal([]byte(written.is), &entries) != nil {
		return nil
	}
	ports := map[int]string{}
	for _, entry := range entries {
		for _, protocol := range sortedKeys(entry) {
			ports[entry[protocol]] = protocol
		}
	}
	return ports
}

func (o *Object) certificates() []string { return commaSeparated(o.alb("certificate-arn")) }

// commaSeparated returns the parts of a list as the controller reads it.
func commaSeparated(s string) []string {
	var list []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// keyValues returns the entries of an annotation such as tags; ok is false where one is no
// key=value. As for the controller, a comma before a part without "=" is an error, and a backslash
// escapes.
func keyValues(s string) (entries labels, ok bool) {
	for _, part := range splitPairs(s) {
		key, value, found := strings.Cut(part, "=")
		if key = strings.TrimSpace(key); !found || key == "" {
			return nil, false
		}
		entries = append(entries, label{key, strings.TrimSpace(value)})
	}
	return entries, true
}

func splitPairs(s string) []string {
	var list []string
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch rest := strings.TrimSpace(s[i+1:]); {
		case s[i] == '\\' && i+1 < len(s):
			i++
			part.WriteByte(s[i])
		case s[i] != ',' || rest == "":
			part.WriteByte(s[i])
		case strings.Contains(rest, "="):
			list = append(list, strings.TrimSpace(part.String()))
			part.Reset()
		default:
			return append(list, strings.TrimSpace(part.String()), rest)
		}
	}
	if part.Len() > 0 {
		list = append(list, strings.TrimSpace(part.String()))
	}
	return list
}

// balancerRule is a path of an Ingress, as the controller makes a rule of it.
type balancerRule struct {
	host, path, kind string
	service, port    string
	place            problem.Place
}

func (o *Object) balancerRule(a *albRule) balancerRule {
	return balancerRule{o.in(a.host), o.in(a.path), a.kind, o.in(a.service), o.in(a.port), a.place}
}

// pathOrder is the order of paths by their type; others are last.
var pathOrder = map[string]int{"Exact": -2, "Prefix": -1}

// orderedRules returns the rules of an Ingress as the controller orders them: those of a host with
// the exact paths first, then the longest prefixes.
func (o *Object) orderedRules() []balancerRule {
	sorted := slices.Clone(o.ingress.rules)
	slices.SortStableFunc(sorted, func(a, b albRule) int {
		byLength := 0
		if a.kind == "Prefix" && b.kind == "Prefix" {
			byLength = len(b.path) - len(a.path)
		}
		return cmp.Or(a.entry-b.entry, pathOrder[a.kind]-pathOrder[b.kind], byLength)
	})
	list := make([]balancerRule, len(sorted))
	for i := range sorted {
		list[i] = o.balancerRule(&sorted[i])
	}
	return list
}

// hasRules reports whether a listener has rules of its own: with ssl-redirect in the group, those
// for HTTP only redirect.
func (lb *loadBalancer) hasRules(protocol string) bool {
	return protocol != "HTTP" || !slices.ContainsFunc(lb.members, func(o *Object) bool { _, ok := o.annotation("ssl-redirect"); return ok })
}

var exposed = &Rule{
	Code:  "MG628",
	Title: "a load balancer that the whole internet reaches",
	Reason: "A load balancer with the scheme `internet-facing` is open to everybody, unless one of its Ingresses has `security-groups`, `inbound-cidrs`, `security-group-prefix-lists`, a WAF or\n" +
		"`auth-type`. Where that is meant, `inbound-cidrs: 0.0.0.0/0` says so. In an environment of users' own copies (one without the scope `service`) it is seldom meant, and reported\n" +
		"anyway: unfinished work there has the data and the rights of a service. Only the environments of an inventory are looked at.",
	Source: "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#access-control",
	Wrong:  strings.NewReplacer("kubernetes.io/scheme: internal", "kubernetes.io/scheme: internet-facing", "SCHEME", "internet-facing").Replace(albExample),
	Mend:   []string{"name: api\n  annotations:\n", "name: api\n  annotations:\n    alb.ingress.kubernetes.io/inbound-cidrs: 203.0.113.0/24\n"},
	cluster: func(c *Cluster, r *report) {
		if c.classParams {
			return // they may say who reaches it
		}
		for _, lb := range c.loadBalancers() {
			first := lb.members[0]
			if lb.scheme() != "internet-facing" || first.Env == nil || lb.isRestricted(first.Env.Shared) {
				continue
			}
			for _, o := range lb.members {
				if place, ok := o.annotation("scheme"); ok {
					r.add(o, place.place, "everybody on the internet reaches %s", lb).hint("write scheme: internal, or say in alb.ingress.kubernetes.io/inbound-cidrs who may reach it")
					break
				}
			}
		}
	},
}

// restrictions are the annotations that say who reaches a load balancer.
var restrictions = []string{"security-groups", "inbound-cidrs", "security-group-prefix-lists", "wafv2-acl-arn", "wafv2-acl-name", "waf-acl-id", "web-acl-id", "auth-type", "mutual-authentication"}

// isRestricted reports whether an annotation says who reaches a load balancer. In a shared
// environment 0.0.0.0/0 does: everybody is meant.
func (lb *loadBalancer) isRestricted(shared bool) bool {
	return slices.ContainsFunc(lb.members, func(o *Object) bool {
		return slices.ContainsFunc(restrictions, func(name string) bool {
			v := o.alb(name)
			everybody := name == "inbound-cidrs" && slices.ContainsFunc(commaSeparated(v), func(cidr string) bool { return cidr == "0.0.0.0/0" || cidr == "::/0" })
			return v != "" && v != "none" && (!everybody || shared)
		})
	})
}
