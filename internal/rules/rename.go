package rules

import "strings"

// Renamed returns an object as Read would make it of a text that has another name wherever this one
// stands, so that thousands of users who share a template need one parse. Neither name may be a part
// of what Kubernetes defines.
func (o *Object) Renamed(from, to string) *Object {
	c := *o
	if from == to {
		return &c
	}
	r := renamer{from, to}
	c.Group, c.Kind, c.Namespace, c.Name = r.name(o.Group), r.name(o.Kind), r.name(o.Namespace), r.name(o.Name)
	c.found = each(o.found, func(f *finding) { f.args, f.hint = r.names(f.args), r.name(f.hint) })
	c.pods = r.podTemplate(o.pods)
	c.selector = r.selector(o.selector)
	c.ports = each(o.ports, func(p *servicePort) { p.name, p.target = r.name(p.name), r.text(p.target) })
	c.service = one(o.service, func(s *service) { s.alb = r.labels(s.alb) })
	c.refs = each(o.refs, func(ref *reference) {
		ref.namespace, ref.name, ref.key, ref.port = r.name(ref.namespace), r.text(ref.name), r.text(ref.key), r.text(ref.port)
	})
	c.provides = each(o.provides, func(p *provided) { p.name = r.name(p.name) })
	c.keys = one(o.keys, func(k *keys) { k.names = r.names(k.names) })
	c.ingress = one(o.ingress, func(in *ingress) {
		in.class = r.name(in.class)
		in.annotations = each(in.annotations, func(a *annotation) { a.name, a.value = r.name(a.name), r.text(a.value) })
		in.rules = each(in.rules, func(a *albRule) {
			a.host, a.path, a.service, a.port = r.name(a.host), r.name(a.path), r.name(a.service), r.name(a.port)
		})
	})
	c.routes = each(o.routes, func(a *route) { a.host, a.path, a.other = r.text(a.host), r.name(a.path), r.name(a.other) })
	c.nodes = one(o.nodes, func(n *nodePool) {
		n.requirements, n.labels, n.taints = r.requirements(n.requirements), r.labels(n.labels), r.tolerations(n.taints)
	})
	c.gateway = one(o.gateway, func(g *gateway) { g.listeners = r.names(g.listeners) })
	c.custom = one(o.custom, func(k *custom) { k.names = r.names(k.names) })
	return &c
}

// each returns a list whose items were changed; one the same for a single value. The originals stay
// as they are.
func each[T any](list []T, change func(*T)) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	copy(out, list)
	for i := range out {
		change(&out[i])
	}
	return out
}

func one[T any](v *T, change func(*T)) *T {
	if v == nil {
		return nil
	}
	c := *v
	change(&c)
	return &c
}

type renamer struct{ from, to string }

func (r renamer) name(s string) string {
	if len(s) < len(r.from) || !strings.Contains(s, r.from) {
		return s
	}
	return strings.ReplaceAll(s, r.from, r.to)
}

func (r renamer) text(t text) text { return text{r.name(t.is), t.place} }

func (r renamer) names(list []string) []string {
	return each(list, func(s *string) { *s = r.name(*s) })
}

func (r renamer) labels(l labels) labels {
	return each(l, func(one *label) { one.key, one.value = r.name(one.key), r.name(one.value) })
}

func (r renamer) requirements(list []requirement) []requirement {
	return each(list, func(q *requirement) { q.key, q.values = r.name(q.key), r.names(q.values) })
}

func (r renamer) tolerations(list []toleration) []toleration {
	return each(list, func(t *toleration) { t.key, t.value = r.name(t.key), r.name(t.value) })
}

func (r renamer) selector(s *selector) *selector {
	return one(s, func(s *selector) { s.labels, s.expressions = r.labels(s.labels), r.requirements(s.expressions) })
}

func (r renamer) podTemplate(p *podTemplate) *podTemplate {
	return one(p, func(p *podTemplate) {
		p.labels, p.node, p.tolerates = r.labels(p.labels), r.labels(p.node), r.tolerations(p.tolerates)
		p.ports = each(p.ports, func(port *containerPort) { port.name = r.name(port.name) })
		p.requests = each(p.requests, func(c *containerRequest) { c.container = r.name(c.container) })
		p.affinity = each(p.affinity, func(t *nodeTerm) { *t = r.requirements(*t) })
	})
}
