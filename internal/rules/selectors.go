package rules

import (
	"slices"
	"strings"
)

// deployment is a workload of the examples.
const deployment = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: example/api:1.4
          ports: [{name: http, containerPort: 8080}]
`

var serviceSelects = &Rule{
	Code:  "MG601",
	Title: "a Service selects no pods",
	Reason: "No workload in the Service's namespace has pods with all of the labels in `spec.selector`, so the Service has no endpoints and answers nobody. Where something\n" +
		"else makes the pods, such as an operator, switch the rule off for the Service.",
	Source: "https://kubernetes.io/docs/concepts/services-networking/service/",
	Wrong: `apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  selector: {app: api, tier: web}
  ports: [{port: 80, targetPort: http}]
` + deployment,
	Mend: []string{"{app: api, tier: web}", "{app: api}"},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.selecting {
			c.checkSelects(o, r)
		}
	},
}

var budgetSelects = &Rule{
	Code:  "MG608",
	Title: "a PodDisruptionBudget selects no pods",
	Reason: "No workload in the budget's namespace has pods that `spec.selector` selects, so the budget protects nothing: a drain may stop all pods of the workload that was\n" +
		"meant at once.",
	Source: "https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
	Wrong: `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: api}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: api-server}}
` + deployment,
	Mend: []string{"app: api-server", "app: api"},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.budgets {
			c.checkSelects(o, r)
		}
	},
}

// checkSelects reports an object whose selector selects nothing.
func (c *Cluster) checkSelects(o *Object, r *report) {
	namespace := o.namespace()
	if len(c.selected(o)) > 0 || !c.knows(o, namespace) {
		return
	}
	wanted := o.labels(o.selector.labels)
	if slices.ContainsFunc(wanted, func(l label) bool { return isPlaceholder(l.value) || c.mayBeMade(namespace, l.value) }) {
		return
	}
	near := c.nearest(o, wanted)
	if c.Open && near == nil {
		return // the pods may be in a file that was not given
	}
	f := r.add(o, o.selector.place, "spec.selector selects no pods: none in the namespace %q has %q", namespace, wanted.String())
	if near == nil {
		f.hint("give a workload's pods these labels, or the selector theirs")
		return
	}
	has := near.labels(near.pods.labels)
	f.also(near, near.pods.place, "the nearest are the pods of %s, with %q", near, has.written().String())
	f.hint("%s", has.difference(wanted))
}

// String returns labels as a selector on the command line has them.
func (l labels) String() string {
	parts := make([]string, len(l))
	for i, one := range l {
		parts[i] = one.key + "=" + one.value
	}
	return strings.Join(parts, ",")
}

// written returns the labels without those that a controller sets.
func (l labels) written() labels {
	return slices.DeleteFunc(slices.Clone(l), func(one label) bool { return one.value == anyValue })
}

// difference says which of the wanted labels are not there.
func (l labels) difference(wanted labels) string {
	var parts []string
	for _, w := range wanted {
		switch value, has := l.get(w.key); {
		case !has:
			parts = append(parts, "the pods have no label "+w.key)
		case value != w.value:
			parts = append(parts, "the pods have "+w.key+"="+value)
		}
	}
	return strings.Join(parts, "; ")
}

var targetPort = &Rule{
	Code:  "MG602",
	Title: "a Service's target port that its pods do not have",
	Error: true,
	Reason: "`targetPort` names a port, and no container of the pods that the Service selects has a port of this name and protocol. The Service has no endpoints for it. A number would reach\n" +
		"the container even where `ports` does not list it; a name must be listed.",
	Source: "https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
	Wrong: `apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  selector: {app: api}
  ports: [{port: 80, targetPort: web}]
` + deployment,
	Mend: []string{"targetPort: web", "targetPort: http"},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.selecting {
			for _, port := range o.ports {
				target := o.in(port.target.is)
				if target == "" || isNumber(target) || isPlaceholder(target) {
					continue
				}
				pods := c.selected(o)
				if len(pods) == 0 || slices.ContainsFunc(pods, func(w *Object) bool { return w.hasPort(target, port.protocol) }) {
					continue
				}
				what, example := "port", pods[0]
				for _, protocol := range []string{"TCP", "UDP", "SCTP"} {
					if i := slices.IndexFunc(pods, func(w *Object) bool { return w.hasPort(target, protocol) }); i >= 0 {
						// Another protocol has a port of that name.
						what, example = port.protocol+" port", pods[i]
						break
					}
				}
				r.add(o, port.target.place, "targetPort %q is no "+what+" of the pods that the Service selects", target).
					also(example, example.pods.place, "the pods of %s have %s", example, portNames(example))
			}
		}
	},
}

var notHeadless = &Rule{
	Code:  "MG646",
	Title: "a StatefulSet whose Service is not headless",
	Reason: "The Service that `serviceName` names gives each pod of a StatefulSet a name of its own: `api-0.api`. Only one with `clusterIP: None` does; any other answers for all pods at\n" +
		"once, and the members do not find each other. It may stand beside another Service, which clients use. StatefulSets of one pod are left out.",
	Source: "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#limitations",
	Wrong: `apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  selector: {app: api}
  ports: [{port: 80}]
` + strings.Replace(strings.Replace(deployment, "kind: Deployment", "kind: StatefulSet", 1), "  replicas: 2\n", "  replicas: 2\n  serviceName: api\n", 1),
	Mend: []string{"  selector: {app: api}\n  ports: [{port: 80}]", "  clusterIP: None\n  selector: {app: api}\n  ports: [{port: 80}]"},
	cluster: func(c *Cluster, r *report) {
		for _, l := range c.links[anyOther] {
			o, to := l.o, l.to
			if o.Kind != "StatefulSet" || o.pods == nil || o.pods.count < 2 || to == nil || to.service == nil || to.service.headless {
				continue
			}
			r.add(o, l.name.place, "%s: %s is not headless", l.what, to).hint("write clusterIP: None in it, or name a Service that has it").also(to, to.named, "%s is here", to)
		}
	},
}

// hasPort reports whether the pods of a workload have a port of a name and protocol.
func (o *Object) hasPort(name, protocol string) bool {
	return slices.ContainsFunc(o.pods.ports, func(p podPort) bool { return p.protocol == protocol && o.in(p.name) == name })
}

// portNames says which ports the pods of a workload have.
func portNames(w *Object) string {
	var names []string
	for _, p := range w.pods.ports {
		name := w.in(p.name)
		if p.protocol != "TCP" {
			name += " (" + p.protocol + ")"
		}
		names = append(names, name)
	}
	switch len(names) {
	case 0:
		return "no port with a name"
	case 1:
		return "the port " + names[0]
	}
	return "the ports " + strings.Join(names, ", ")
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isPlaceholder reports whether another tool puts something into a text first.
func isPlaceholder(s string) bool {
	return strings.ContainsAny(s, "${}<>") || strings.Contains(s, "__") || strings.Count(s, "@") > 1
}
