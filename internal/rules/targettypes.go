package rules

import (
	"strings"
)

var instanceTarget = &Rule{
	Code:   "MG624",
	Title:  "a target type that does not fit the Service",
	Error:  true,
	Varies: true,
	Reason: "With `target-type: instance` a load balancer sends to a port of the nodes, so the Service must be of type NodePort or LoadBalancer; the controller refuses a ClusterIP, for the\n" +
		"whole IngressGroup. `instance` is also the default of the controller where no annotation says otherwise: then it is a warning, since an installation may set another default. A\n" +
		"`healthcheck-port` by name works with `ip` only where the Service's `targetPort` is a number.",
	Source:  groupSource,
	Wrong:   strings.NewReplacer("target-type: ip", "target-type: instance", "SCHEME", "internal").Replace(albExample),
	Mend:    []string{"target-type: instance", "target-type: ip"},
	cluster: func(c *Cluster, r *report) { c.checkTargetTypes(r) },
}

// checkTargetTypes reports Services that a load balancer cannot send to.
func (c *Cluster) checkTargetTypes(r *report) {
	for _, lb := range c.loadBalancers() {
		for _, o := range lb.members {
			reported := map[string]bool{}
			for _, backend := range o.ingress.backends() {
				a := o.balancerRule(&backend)
				for _, group := range o.targetGroups(a) {
					to := c.byID[id{"", "Service", o.namespace(), group[0]}]
					if to == nil || reported[group[0]] {
						continue
					}
					reported[group[0]] = true
					c.checkTarget(o, to, a, r)
				}
			}
		}
	}
}

// checkTarget reports a Service that a load balancer cannot send to.
func (c *Cluster) checkTarget(o, to *Object, a balancerRule, r *report) {
	target, said := o.annotation("target-type")
	if own, ok := to.value(to.service.alb, "target-type"); ok { // it counts first
		target, said = written{own, target.place}, true
	}
	switch {
	case !said && c.classParams: // they may say ip
	case to.service.kind == "ClusterIP" && (!said || target.is == "instance"):
		place := target.place
		if !said {
			place = a.place
		}
		f := r.add(o, place, "target-type instance needs a Service of type NodePort or LoadBalancer, and %s is %s", to, to.service.kind)
		f.hint("write alb.ingress.kubernetes.io/target-type: ip").also(to, to.named, "%s", to)
		f.Error = said
	case target.is == "ip":
		named, ok := o.annotation("healthcheck-port")
		if !ok || isNumber(named.is) || named.is == "traffic-port" {
			return
		}
		for _, p := range to.ports {
			if target := to.in(p.target.is); to.in(p.name) == named.is && target != "" && !isNumber(target) {
				r.add(o, named.place, "healthcheck-port %q is a name, and the targetPort of %s is one too", named.is, to).hint("write the port's number").also(to, p.place, "targetPort is %s", target)
			}
		}
	}
}
