package rules

import (
	"slices"
	"strings"
)

// Cluster is all that one cluster has, as far as it is known.
type Cluster struct {
	Name    string
	Objects []*Object
	Whole   bool // all of the cluster's environments are among them
	Open    bool // much may be there that is not among them: only what looks like a slip is told

	all       []*Cluster
	byID      map[id]*Object
	workloads map[string][]*Object // that make pods, by namespace
	scaled    map[id][]*Object     // scalers, by their target
	makers    map[id]*Object       // what controllers make of objects, and of which one
	anywhere  map[string]bool      // Secrets that are made in every namespace, by name
	patterns  map[string][]string  // beginnings of names that are provided, by kind and namespace
	customs   map[string][]*Object // objects of unknown kinds, by namespace
	pods      map[string]podIndex  // by namespace
	nearby    *nearby
	balancers []*loadBalancer // of the AWS Load Balancer Controller; nil until they are asked for
}

// index prepares for look-ups. It goes through the objects once.
func (c *Cluster) index() {
	c.byID = make(map[id]*Object, len(c.Objects))
	c.workloads, c.customs = map[string][]*Object{}, map[string][]*Object{}
	c.scaled, c.makers, c.anywhere = map[id][]*Object{}, map[id]*Object{}, map[string]bool{}
	c.patterns, c.pods = map[string][]string{}, map[string]podIndex{}
	c.nearby = newNearby(c)
	for _, o := range c.Objects {
		me := o.id()
		if c.byID[me] == nil {
			c.byID[me] = o
		}
		if o.pods != nil {
			c.workloads[me.namespace] = append(c.workloads[me.namespace], o)
		}
		if o.custom != nil {
			c.customs[me.namespace] = append(c.customs[me.namespace], o)
		}
		if o.scaler != nil {
			target := o.targetOf(o.refs[0])
			c.scaled[target] = append(c.scaled[target], o)
		}
		for _, p := range o.provides {
			prefix, isPattern := strings.CutSuffix(p.name, "*")
			switch {
			case p.anywhere:
				c.anywhere[p.name] = true
			case isPattern:
				c.patterns[p.kind+"|"+me.namespace] = append(c.patterns[p.kind+"|"+me.namespace], prefix)
			default:
				c.makers[id{kind: p.kind, namespace: me.namespace, name: p.name}] = o
			}
		}
	}
}

// targetOf returns what a reference of an object leads to.
func (o *Object) targetOf(ref reference) id {
	to := id{ref.group, ref.kind, ref.namespace, ref.name.is}
	if to.namespace == "" && !clusterScoped[ref.kind] {
		to.namespace = o.namespace()
	}
	return to
}

// existence is what is known of an object that another refers to.
type existence int

const (
	missing existence = iota
	present           // it is among the objects
	assumed           // it is said to exist, something makes it, or it cannot be known
)

// find looks for what a reference leads to; the object is nil unless it is present.
func (c *Cluster) find(o *Object, ref reference) (*Object, existence) {
	to := o.targetOf(ref)
	if found := c.byID[to]; found != nil {
		return found, present
	}
	switch {
	case isPlaceholder(to.name), isBuiltIn(to):
		return nil, assumed // a placeholder of another tool
	case c.makers[id{kind: to.kind, namespace: to.namespace, name: to.name}] != nil, to.kind == "Secret" && c.anywhere[to.name]:
		return nil, assumed
	case o.Env != nil && o.Env.declares(to):
		return nil, assumed
	case !c.knows(o, to.namespace):
		return nil, assumed // another environment of the cluster may have it
	case slices.ContainsFunc(c.patterns[to.kind+"|"+to.namespace], func(prefix string) bool { return strings.HasPrefix(to.name, prefix) }):
		return nil, assumed
	case c.mayBeMade(to.namespace, to.name):
		return nil, assumed
	}
	if c.Open && (c.elsewhere(to) || c.near(to) == "") {
		return nil, assumed
	}
	return nil, missing
}

// isBuiltIn reports whether each cluster has an object.
func isBuiltIn(to id) bool {
	return to.kind == "ConfigMap" && (to.name == "kube-root-ca.crt" || to.name == "openshift-service-ca.crt" || to.name == "istio-ca-root-cert") ||
		to.kind == "ServiceAccount" && to.name == "default" || to.kind == "Service" && to.name == "kubernetes"
}

// mayBeMade reports whether an object of an unknown kind names, or begins like, another.
func (c *Cluster) mayBeMade(namespace, name string) bool {
	for _, o := range c.customs[namespace] {
		if name == o.Name || strings.HasPrefix(name, o.Name+"-") || slices.Contains(o.custom.names, name) {
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

// podIndex finds the workloads of a namespace by the labels of their pods, for one set of keys.
type podIndex map[string]map[string][]*Object

// select returns the workloads whose pods a selector selects.
func (c *Cluster) selected(namespace string, s *selector) []*Object {
	if len(s.labels) == 0 && len(s.expressions) == 0 {
		return c.workloads[namespace]
	}
	found := c.workloads[namespace]
	if len(s.labels) > 0 {
		found = c.labelled(namespace, s.labels)
	}
	if len(s.expressions) == 0 {
		return found
	}
	var list []*Object
	for _, o := range found {
		if !slices.ContainsFunc(s.expressions, func(q requirement) bool { return !q.matches(o.pods.labels) }) {
			list = append(list, o)
		}
	}
	return list
}

// labelled returns the workloads whose pods have labels. Those of a namespace are sorted by the
// values of the keys that are asked for, once for each set of keys.
func (c *Cluster) labelled(namespace string, wanted labels) []*Object {
	wanted = slices.Clone(wanted)
	slices.SortFunc(wanted, func(a, b label) int { return strings.Compare(a.key, b.key) })
	var names, values strings.Builder
	generated := false
	for _, l := range wanted {
		names.WriteString(l.key + "\x00")
		values.WriteString(l.value + "\x00")
		generated = generated || generatedLabels[l.key]
	}
	if generated { // a controller sets the value: no index has it
		var list []*Object
		for _, o := range c.workloads[namespace] {
			if !slices.ContainsFunc(wanted, func(l label) bool {
				value, has := o.pods.labels.get(l.key)
				return !has || value != anyValue && value != l.value
			}) {
				list = append(list, o)
			}
		}
		return list
	}
	if c.pods[namespace] == nil {
		c.pods[namespace] = podIndex{}
	}
	byValues := c.pods[namespace][names.String()]
	if byValues == nil {
		byValues = map[string][]*Object{}
		c.pods[namespace][names.String()] = byValues
		var key strings.Builder
	workloads:
		for _, o := range c.workloads[namespace] {
			key.Reset()
			for _, l := range wanted {
				value, has := o.pods.labels.get(l.key)
				if !has {
					continue workloads
				}
				key.WriteString(value + "\x00")
			}
			byValues[key.String()] = append(byValues[key.String()], o)
		}
	}
	return byValues[values.String()]
}

// generatedLabels are set by the controllers of Kubernetes.
var generatedLabels = map[string]bool{
	"statefulset.kubernetes.io/pod-name": true, "apps.kubernetes.io/pod-index": true, "job-name": true, "batch.kubernetes.io/job-name": true,
	"controller-uid": true, "batch.kubernetes.io/controller-uid": true,
}
