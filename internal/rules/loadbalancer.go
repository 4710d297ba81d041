package rules

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
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
	if o.ingress == nil {
		return false
	}
	if class := c.byID[id{"networking.k8s.io", "IngressClass", "", o.ingress.class}]; class != nil && o.ingress.class != "" {
		return class.controller == "ingress.k8s.aws/alb"
	}
	return o.ingress.class == "alb" || len(o.ingress.annotations) > 0 && (o.ingress.class == "" || strings.Contains(o.ingress.class, "alb"))
}

// get returns the value of an annotation of the controller.
func (in *ingress) get(name string) (value text, ok bool) {
	for _, a := range in.annotations {
		if a.name == name {
			return a.value, true
		}
	}
	return text{}, false
}

func (in *ingress) value(name string) string {
	v, _ := in.get(name)
	return v.is
}

// loadBalancers returns the load balancers of a cluster, sorted by their groups and Ingresses.
func (c *Cluster) loadBalancers() []*loadBalancer {
	if c.balancers != nil {
		return c.balancers
	}
	c.balancers = []*loadBalancer{}
	byGroup := map[string]*loadBalancer{}
	for _, o := range c.Objects {
		if !c.isALB(o) {
			continue
		}
		group := o.ingress.value("group.name")
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
				n, _ := strconv.Atoi(o.ingress.value("group.order"))
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
func (in *ingress) listeners() map[int]string {
	written, ok := in.get("listen-ports")
	if !ok {
		if len(in.certificates()) > 0 {
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
		for protocol, port := range entry {
			ports[port] = protocol
		}
	}
	return ports
}

func (in *ingress) certificates() []string { return commaSeparated(in.value("certificate-arn")) }

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

// keyValues returns the entries of an annotation such as tags; ok is false where one is no key=value.
// As for the controller, a comma before a part without "=" is an error, and a backslash escapes.
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

// ordered returns the rules of an Ingress as the controller orders them: those of a host with the
// exact paths first, then the longest prefixes.
func (in *ingress) ordered() []albRule {
	rank := func(a albRule) int {
		return slices.Index([]string{"Exact", "Prefix"}, a.kind) & 3 // others, -1, are last
	}
	list := slices.Clone(in.rules)
	for i := 0; i < len(list); {
		end := i
		for end < len(list) && list[end].entry == list[i].entry {
			end++
		}
		slices.SortStableFunc(list[i:end], func(a, b albRule) int {
			byLength := 0
			if a.kind == "Prefix" {
				byLength = len(b.path) - len(a.path)
			}
			return cmp.Or(rank(a)-rank(b), byLength)
		})
		i = end
	}
	return list
}

// hasRules reports whether a listener has rules of its own: with ssl-redirect in the group, those for
// HTTP only redirect.
func (lb *loadBalancer) hasRules(protocol string) bool {
	return protocol != "HTTP" || !slices.ContainsFunc(lb.members, func(o *Object) bool { _, ok := o.ingress.get("ssl-redirect"); return ok })
}
