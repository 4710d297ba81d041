package rules

import (
	"slices"
	"strings"
)

// Cluster is all that one cluster has, as far as it is known. An Object is in one Cluster.
type Cluster struct {
	Name    string
	Objects []*Object
	Whole   bool // all of the cluster's environments are among them
	// Open: objects may exist that are not among them; only what looks like a typo is reported.
	Open bool

	all         []*Cluster
	byID        map[id]*Object
	selecting   []*Object            // Services with a selector
	budgets     []*Object            // PodDisruptionBudgets
	scalers     []*Object            // what scales workloads
	makePods    []*Object            // the workloads
	links       [anyOther + 1][]link // the references, by what sort of object refers
	routed      []*Object            // objects with routes
	ingresses   []*Object            // all Ingresses
	pools       []*Object            // NodePools
	grants      []*Object            // ReferenceGrants
	controllers map[string]string    // of IngressClasses
	classParams bool                 // there are IngressClassParams
	namespaces  map[string]bool      // those that objects are in
	workloads   map[string][]*Object // that make pods, by namespace
	scaled      map[id][]*Object     // scalers, by their target
	makers      map[id]*Object       // what controllers make of objects, and of which one
	merged      map[id]bool          // Secrets that another object adds keys to
	anywhere    map[string]bool      // Secrets that are made in every namespace, by name
	patterns    map[string][]string  // beginnings of names that are provided, by kind and namespace
	customs     map[string][]*Object // objects of unknown kinds, by namespace
	pods        map[string]podIndex  // by namespace
	nearby      *nearby
	balancers   []*loadBalancer // of the AWS Load Balancer Controller; nil until they are asked for
}

// index prepares for look-ups among the objects of all clusters, and forgets earlier ones.
func (c *Cluster) index(all []*Cluster) {
	*c = Cluster{Name: c.Name, Objects: c.Objects, Whole: c.Whole, Open: c.Open, all: all}
	c.byID = make(map[id]*Object, len(c.Objects))
	for _, o := range slices.Backward(c.Objects) { // where several have one name, the first counts
		c.byID[o.id()] = o
	}
	c.namespaces, c.workloads, c.customs = map[string]bool{}, map[string][]*Object{}, map[string][]*Object{}
	c.scaled, c.makers, c.anywhere = map[id][]*Object{}, map[id]*Object{}, map[string]bool{}
	c.patterns, c.pods = map[string][]string{}, map[string]podIndex{}
	c.nearby, c.merged = newNearby(c), map[id]bool{}
	for _, o := range c.Objects {
		o.matched = false
		namespace := o.namespace()
		c.namespaces[namespace] = true
		c.list(o)
		c.follow(o)
		if o.pods != nil {
			c.workloads[namespace] = append(c.workloads[namespace], o)
		}
		if o.custom != nil {
			c.customs[namespace] = append(c.customs[namespace], o)
		}
		if o.scaler != nil {
			target := o.targetOf(&o.refs[0])
			c.scaled[target] = append(c.scaled[target], o)
		}
		if o.merges != "" {
			c.merged[id{kind: "Secret", namespace: namespace, name: o.in(o.merges)}] = true
		}
		for _, p := range o.provides {
			name := o.in(p.name)
			prefix, isPattern := strings.CutSuffix(name, "*")
			switch {
			case p.anywhere:
				c.anywhere[name] = true
			case isPattern:
				c.patterns[p.kind+"|"+namespace] = append(c.patterns[p.kind+"|"+namespace], prefix)
			default:
				c.makers[id{kind: p.kind, namespace: namespace, name: name}] = o
			}
		}
	}
}

// list adds an object to the lists of those that rules look at.
func (c *Cluster) list(o *Object) {
	add := func(to *[]*Object, is bool) {
		if is {
			*to = append(*to, o)
		}
	}
	add(&c.selecting, o.service != nil && o.selector != nil)
	add(&c.budgets, o.budget != nil)
	add(&c.scalers, o.scaler != nil)
	add(&c.makePods, o.pods != nil)
	add(&c.routed, len(o.routes) > 0)
	add(&c.ingresses, o.ingress != nil)
	add(&c.pools, o.nodes != nil)
	add(&c.grants, o.grant != nil)
	if o.controller != "" {
		if c.controllers == nil {
			c.controllers = map[string]string{}
		}
		c.controllers[o.Name] = o.controller
	}
	c.classParams = c.classParams || o.Kind == "IngressClassParams"
}

// link is a reference of an object, and the object that it leads to; nil unless it is in the
// cluster.
type link struct {
	*reference
	o, to *Object
}

// follow finds what an object refers to.
func (c *Cluster) follow(o *Object) {
	for i := range o.refs {
		ref := &o.refs[i]
		c.links[ref.from] = append(c.links[ref.from], link{ref, o, c.byID[o.targetOf(ref)]})
	}
}

// targetOf returns what a reference of an object leads to.
func (o *Object) targetOf(ref *reference) id {
	to := id{ref.group, ref.kind, o.in(ref.namespace), o.in(ref.name.is)}
	if to.namespace == "" && !ref.clusterScoped {
		to.namespace = o.namespace()
	}
	return to
}

// isMissing reports whether the object that a reference leads to does not exist, as far as that can
// be known: it is not among the objects, nothing makes it, and nobody says that it is there.
func (c *Cluster) isMissing(l *link) bool {
	if l.to != nil {
		return false
	}
	o, to := l.o, l.o.targetOf(l.reference)
	switch {
	case isPlaceholder(to.name), isBuiltIn(to):
		return false
	case c.makers[id{kind: to.kind, namespace: to.namespace, name: to.name}] != nil, to.kind == "Secret" && c.anywhere[to.name]:
		return false
	case o.Env != nil && o.Env.declares(to):
		return false
	case !c.knows(o, to.namespace):
		return false // another environment of the cluster may have it
	case l.from == anyOther && l.kind == "ServiceAccount" && len(c.workloads[to.namespace]) == 0:
		return false // nothing here is in that namespace
	case l.orHost && !c.namespaces[to.namespace]:
		return false
	case slices.ContainsFunc(c.patterns[to.kind+"|"+to.namespace], func(prefix string) bool { return strings.HasPrefix(to.name, prefix) }):
		return false
	case c.mayBeMade(to.namespace, to.name):
		return false
	}
	return !c.Open || !c.elsewhere(to) && isSlip(to.name, c.near(to))
}

// isBuiltIn reports whether each cluster has an object.
func isBuiltIn(to id) bool {
	return to.kind == "ConfigMap" && (to.name == "kube-root-ca.crt" || to.name == "openshift-service-ca.crt" || to.name == "istio-ca-root-cert") ||
		to.kind == "ServiceAccount" && to.name == "default" || to.kind == "Service" && to.name == "kubernetes"
}

// mayBeMade reports whether an object of an unknown kind names, or begins like, another.
func (c *Cluster) mayBeMade(namespace, name string) bool {
	for _, o := range c.customs[namespace] {
		if name == o.Name || strings.HasPrefix(name, o.Name+"-") || slices.ContainsFunc(o.custom.names, func(w word) bool { return o.in(w) == name }) {
			return true
		}
	}
	return false
}

// declares reports whether an environment says that an object exists.
func (e *Environment) declares(to id) bool {
	return slices.ContainsFunc(e.External, func(x External) bool {
		return x.Kind == to.kind && x.Name == to.name && (x.Namespace == to.namespace || x.Namespace == "" && (to.namespace == e.Namespace || clusterScoped[to.kind]))
	})
}

// elsewhere reports whether another cluster has an object, or makes it.
func (c *Cluster) elsewhere(to id) bool {
	return slices.ContainsFunc(c.all, func(other *Cluster) bool {
		return other.byID[to] != nil || other.makers[id{kind: to.kind, namespace: to.namespace, name: to.name}] != nil
	})
}

// knows reports whether all that a namespace has is known to an object's environment: another
// environment of the cluster may write into those that are not its own.
func (c *Cluster) knows(o *Object, namespace string) bool {
	return c.Whole || o.Env == nil || namespace == o.Env.Namespace
}

// podIndex finds the workloads of a namespace by the labels of their pods: by a set of keys, and
// then by their values.
type podIndex map[string]map[string][]*Object

// selected returns the workloads whose pods an object's selector selects.
func (c *Cluster) selected(o *Object) []*Object {
	if !o.matched {
		o.selects, o.matched = c.matching(o), true
	}
	return o.selects
}

func (c *Cluster) matching(o *Object) []*Object {
	found := c.workloads[o.namespace()]
	if len(o.selector.labels) > 0 {
		found = c.labelled(o.namespace(), o, o.selector.labels)
	}
	if len(o.selector.expressions) == 0 {
		return found
	}
	wanted := o.requirements(o.selector.expressions)
	var list []*Object
	for _, w := range found {
		if !slices.ContainsFunc(wanted, func(q requirement) bool { return !q.matches(w.labels(w.pods.labels)) }) {
			list = append(list, w)
		}
	}
	return list
}

// labelled returns the workloads of a namespace whose pods have the labels that an object wants.
// There is an index for each set of keys that is asked for.
func (c *Cluster) labelled(namespace string, o *Object, wanted []pair) []*Object {
	var keys, values []byte
	generated := false
	for _, l := range wanted {
		key := o.in(l.key)
		keys = append(append(keys, key...), 0)
		values = append(append(values, o.in(l.value)...), 0)
		generated = generated || generatedLabels[key]
	}
	if generated { // a controller sets the value: no index has it
		return c.scan(namespace, o.labels(wanted))
	}
	if c.pods[namespace] == nil {
		c.pods[namespace] = podIndex{}
	}
	byValues := c.pods[namespace][string(keys)]
	if byValues == nil {
		byValues = c.indexPods(namespace, o.labels(wanted))
		c.pods[namespace][string(keys)] = byValues
	}
	return byValues[string(values)]
}

// indexPods sorts the workloads of a namespace by the values of some keys of their pods' labels.
func (c *Cluster) indexPods(namespace string, wanted labels) map[string][]*Object {
	byValues := make(map[string][]*Object, len(c.workloads[namespace]))
	var values []byte
workloads:
	for _, w := range c.workloads[namespace] {
		values = values[:0]
		for _, l := range wanted {
			value, has := w.value(w.pods.labels, l.key)
			if !has {
				continue workloads
			}
			values = append(append(values, value...), 0)
		}
		byValues[string(values)] = append(byValues[string(values)], w)
	}
	return byValues
}

// scan returns the workloads whose pods have labels, some of which a controller sets.
func (c *Cluster) scan(namespace string, wanted labels) []*Object {
	var list []*Object
	for _, w := range c.workloads[namespace] {
		if !slices.ContainsFunc(wanted, func(l label) bool {
			value, has := w.value(w.pods.labels, l.key)
			return !has || value != anyValue && value != l.value
		}) {
			list = append(list, w)
		}
	}
	return list
}

// generatedLabels are set by the controllers of Kubernetes.
var generatedLabels = map[string]bool{
	"statefulset.kubernetes.io/pod-name": true, "apps.kubernetes.io/pod-index": true, "job-name": true, "batch.kubernetes.io/job-name": true,
	"controller-uid": true, "batch.kubernetes.io/controller-uid": true,
}
