package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const quotaSource = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"

// quota is how much of something a load balancer takes.
type quota struct {
	name  string
	limit int
	count func(*usage) int
}

// usage is what a load balancer would have.
type usage struct {
	rules        int
	targetGroups map[string]bool
	targets      int
	certificates map[string]bool
	ports        map[int]bool
}

var (
	fixedQuotas      = []quota{{"target groups", 100, func(u *usage) int { return len(u.targetGroups) }}}
	adjustableQuotas = []quota{
		{"rules", 100, func(u *usage) int { return u.rules }},
		{"targets", 1000, func(u *usage) int { return u.targets }},
		{"certificates besides the default one", 25, func(u *usage) int { return len(u.certificates) - 1 }},
		{"listeners", 50, func(u *usage) int { return len(u.ports) }},
	}
)

// warnAt is the part of a quota, in percent, from which on it is warned of.
const warnAt = 80

var fixedQuota = &Rule{
	Code:   "MG625",
	Title:  "more target groups than a load balancer takes",
	Error:  true,
	Varies: true,
	Reason: "An Application Load Balancer takes 100 target groups, and AWS does not raise this quota. The AWS Load Balancer Controller makes one for each Service and port that an\n" +
		"Ingress leads to; all Ingresses of an IngressGroup count together, those of every environment in the cluster. At the limit the controller stops for the whole group, and cannot\n" +
		"even remove what is no longer wanted. From 80 % on it is a warning, over the limit an error that names who is to move to another `group.name`. Many hosts are served without\n" +
		"limits by one target group that leads to a router in the cluster, such as NGINX.",
	Source:  quotaSource,
	Wrong:   manyRoutes(101),
	Mend:    []string{manyRoutes(101), manyRoutes(79)},
	cluster: func(c *Cluster, r *report) { c.checkQuotas(r, fixedQuotas) },
}

var adjustableQuota = &Rule{
	Code:   "MG626",
	Title:  "more than a load balancer takes by default",
	Error:  true,
	Varies: true,
	Reason: "An Application Load Balancer takes 100 rules, 1,000 targets, 25 certificates besides the default one and 50 listeners, unless AWS was asked for more. A rule is a path of a\n" +
		"host, on each listener (with `ssl-redirect` those for HTTP have none). All Ingresses of an IngressGroup count together, those of every environment in the cluster. From 80 % on it\n" +
		"is a warning, over the limit an error that names who is to move to another `group.name`. Where AWS has raised the quota, switch the rule off.",
	Source: quotaSource,
	Wrong: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations: {alb.ingress.kubernetes.io/target-type: ip}
spec:
  ingressClassName: alb
  rules:
` + manyPaths(101) + apiService,
	Mend:    []string{manyPaths(101), manyPaths(79)},
	cluster: func(c *Cluster, r *report) { c.checkQuotas(r, adjustableQuotas) },
}

const apiService = `---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {ports: [{port: 80}]}`

func manyPaths(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "    - {host: h%d.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {number: 80}}}}]}}\n", i+1)
	}
	return b.String()
}

// checkQuotas reports load balancers that would have more than they take.
func (c *Cluster) checkQuotas(r *report, quotas []quota) {
	for _, lb := range c.loadBalancers() {
		shares := c.shares(lb)
		for _, q := range quotas {
			total := newUsage()
			over := -1 // the first member that does not fit
			for i, share := range shares {
				total.add(share)
				if over < 0 && q.count(total) > q.limit {
					over = i
				}
			}
			n := q.count(total)
			if n*100 < q.limit*warnAt {
				continue
			}
			worst := lb.members[max(over, 0)]
			group, _ := worst.annotation("group.name")
			f := r.add(worst, group.place, "%s would have %d %s: a load balancer takes %d", lb, n, q.name, q.limit)
			if f.Error = over >= 0; !f.Error {
				f.hint("that is %d %%; give new users another group.name before it is full", n*100/q.limit)
				continue
			}
			lb.plan(f, q, shares)
		}
	}
}

// plan says which owners are to move to other groups, so that each group stays below the warning.
func (lb *loadBalancer) plan(f *Finding, q quota, shares []*usage) {
	groups := [][]string{nil} // the owners of each
	used, last := newUsage(), ""
	for i := 0; i < len(lb.members); {
		owner, whole := ownerOf(lb.members[i]), newUsage()
		end := i
		for ; end < len(lb.members) && ownerOf(lb.members[end]) == owner; end++ {
			whole.add(shares[end])
		}
		both := newUsage()
		both.add(used)
		both.add(whole)
		if q.count(both)*100 >= q.limit*warnAt && last != "" {
			groups, used = append(groups, nil), newUsage()
		}
		used.add(whole)
		groups[len(groups)-1] = append(groups[len(groups)-1], owner)
		last, i = owner, end
	}
	if len(groups) < 2 {
		f.hint("split this Ingress into several, with a group.name of its own for each; or let one Service take all hosts and route them in the cluster")
		return
	}
	f.hint("keep %s; move the others to another %s, as below", countOf(groups[0]), albPrefix+"group.name")
	for i, owners := range groups[1:] {
		name := strconv.Itoa(i + 2)
		if lb.group != "" {
			name = lb.group + "-" + name
		}
		f.Notes = append(f.Notes, "move to group.name "+name+": "+strings.Join(owners, ", "))
	}
}

func countOf(owners []string) string {
	if len(owners) == 1 {
		return owners[0]
	}
	return fmt.Sprintf("the first %d (%s to %s)", len(owners), owners[0], owners[len(owners)-1])
}

// ownerOf returns whom an Ingress is for: a user, or itself.
func ownerOf(o *Object) string {
	if o.User != "" {
		return o.User
	}
	return o.namespace() + "/" + o.Name
}

func newUsage() *usage {
	return &usage{targetGroups: map[string]bool{}, certificates: map[string]bool{}, ports: map[int]bool{}}
}

func (u *usage) add(v *usage) {
	u.rules += v.rules
	u.targets += v.targets
	for key := range v.targetGroups {
		u.targetGroups[key] = true
	}
	for key := range v.certificates {
		u.certificates[key] = true
	}
	for port := range v.ports {
		u.ports[port] = true
	}
}

// shares returns what each Ingress of a load balancer needs of it.
func (c *Cluster) shares(lb *loadBalancer) []*usage {
	if lb.shares != nil {
		return lb.shares
	}
	for _, o := range lb.members {
		u := newUsage()
		listeners := 0
		for port, protocol := range o.listeners() {
			u.ports[port] = true
			if lb.hasRules(protocol) {
				listeners++
			}
		}
		for _, arn := range o.certificates() {
			u.certificates[arn] = true
		}
		u.rules = len(o.ingress.rules) * listeners
		for _, backend := range o.ingress.backends() {
			for _, group := range o.targetGroups(o.balancerRule(&backend)) {
				key := o.namespace() + "/" + o.Name + " " + group[0] + ":" + group[1]
				if !u.targetGroups[key] {
					u.targetGroups[key] = true
					u.targets += c.targets(o, group[0])
				}
			}
		}
		lb.shares = append(lb.shares, u)
	}
	return lb.shares
}

// targetGroups returns the Services and ports that a path of an Ingress leads to, each a target
// group.
func (o *Object) targetGroups(a balancerRule) [][2]string {
	switch {
	case a.service == "":
		return nil // a backend that is no Service
	case a.port != useAnnotation:
		return [][2]string{{a.service, a.port}}
	}
	written, _ := o.annotation("actions." + a.service)
	action, err := readAction(written.is)
	if err != nil || action.Forward == nil {
		return nil
	}
	var groups [][2]string
	for _, g := range action.Forward.Groups {
		if g.Service != nil {
			groups = append(groups, [2]string{*g.Service, string(*g.Port)})
		}
	}
	return groups
}

// targets returns how many pods a Service has at most, where its load balancer sends to pods.
func (c *Cluster) targets(o *Object, service string) int {
	to := c.byID[id{"", "Service", o.namespace(), service}]
	if to == nil || to.selector == nil || o.alb("target-type") != "ip" && !slices.Contains(to.service.alb, pair{"target-type", "ip"}) {
		return 0
	}
	n := 0
	for _, w := range c.selected(to) {
		most := w.pods.count
		for _, s := range c.scaled[w.id()] {
			most = max(most, s.scaler.max)
		}
		n += most
	}
	return n
}

// maxConditions is how many values the conditions of a rule may have, all together.
const maxConditions = 5

var conditionQuota = &Rule{
	Code:   "MG627",
	Title:  "a rule with more than 5 condition values, or 6 wildcards",
	Error:  true,
	Varies: true,
	Reason: "A rule of an Application Load Balancer takes 5 values in all of its conditions together. The host is one, a `Prefix` path other than `/` two (the path, and what is below it),\n" +
		"and those of the annotation `conditions.SERVICE` come on top. They have 6 wildcards (`*` and `?`) at most. AWS refuses the rule, and the controller stops for the whole IngressGroup,\n" +
		"which is an error. Another page of AWS says 5 wildcards: with 5 or 6 it is a warning.",
	Source: quotaSource,
	Wrong: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    alb.ingress.kubernetes.io/target-type: ip
    alb.ingress.kubernetes.io/conditions.api: >
      [{"field": "source-ip", "sourceIPConfig": {"values": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}}]
spec:
  ingressClassName: alb
  rules:
    - host: api.example.com
      http:
        paths:
          - path: /v1
            pathType: Prefix
            backend: {service: {name: api, port: {number: 80}}}
` + apiService,
	Mend: []string{"path: /v1", "path: /"},
	object: func(r *reading) {
		if r.o.ingress == nil || !r.o.mayBeALB() {
			return
		}
		for i := range r.o.ingress.rules {
			r.countConditions(&r.o.ingress.rules[i])
		}
	},
}

// How many * and ? the values of a rule's conditions may have: one page of AWS says 6, another 5.
const maxWildcards, fewWildcards = 6, 5

// countConditions counts the values of a rule's conditions, and the wildcards in them.
func (r *reading) countConditions(a *albRule) {
	var values []string
	if a.host != "" {
		values = append(values, string(a.host))
	}
	switch {
	case a.path == "" && a.host == "":
		values = append(values, "/*") // what the controller makes of it
	case a.path == "":
	case a.kind == "Prefix" && a.path != "/":
		values = append(values, string(a.path), string(a.path)+"/*")
	case a.kind == "Prefix":
		values = append(values, "/*")
	default:
		values = append(values, string(a.path))
	}
	written, ok := r.o.annotation("conditions." + string(a.service))
	if conditions, err := readConditions(written.is); ok && err == nil {
		for i := range conditions {
			v := conditions[i].values(conditionFields[conditions[i].Field])
			values = append(append(values, v.Values...), v.Regexes...)
		}
	}
	place := a.place
	if ok {
		place = written.place
	}
	if n := len(values); ok && n > maxConditions {
		r.add(place, "the rule for %q has "+strconv.Itoa(n)+" condition values: a rule takes "+strconv.Itoa(maxConditions), string(a.host+a.path)).hint =
			"spread them over several paths; the host is one value, a Prefix path other than / is two"
	}
	all := strings.Join(values, "")
	if n := strings.Count(all, "*") + strings.Count(all, "?"); n >= fewWildcards {
		f := r.add(place, "the rule for %q has "+strconv.Itoa(n)+" wildcards: a rule takes "+strconv.Itoa(maxWildcards), string(a.host+a.path))
		f.hint = "each * and ? of the host, the path and the conditions counts; what is behind a Prefix path is one"
		f.warning = n <= maxWildcards
	}
}

// manyRoutes returns an Ingress with a target group for each of n ports of a Service.
func manyRoutes(n int) string {
	var rules, ports strings.Builder
	for i := range n {
		fmt.Fprintf(&rules, "    - {host: h%d.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {number: %d}}}}]}}\n", i+1, 8001+i)
		fmt.Fprintf(&ports, "    - {name: p%d, port: %d}\n", 8001+i, 8001+i)
	}
	return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations: {alb.ingress.kubernetes.io/target-type: ip}
spec:
  ingressClassName: alb
  rules:
` + rules.String() + `---
apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  ports:
` + ports.String()
}
