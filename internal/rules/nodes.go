package rules

import (
	"slices"
	"strings"
)

var noNodes = &Rule{
	Code:   "MG640",
	Title:  "pods that no node pool takes",
	Error:  true,
	Varies: true,
	Reason: "Pods ask for nodes of Karpenter, such as `karpenter.sh/capacity-type: spot`, and no NodePool of the cluster makes such nodes, or the pods do not tolerate its taints. They stay\n" +
		"Pending. In an inventory that is an error: NodePools that are made elsewhere are declared below `external:`. Elsewhere it is a warning where there are no NodePools at all.",
	Source: "https://karpenter.sh/docs/concepts/nodepools/",
	Wrong: `apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: spot}
spec:
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]
      taints: [{key: spot, value: "true", effect: NoSchedule}]
` + deployment + `      nodeSelector: {karpenter.sh/capacity-type: spot}
`,
	Mend: []string{"      nodeSelector: {karpenter.sh/capacity-type: spot}\n", "      nodeSelector: {karpenter.sh/capacity-type: spot}\n      tolerations: [{key: spot, operator: Exists, effect: NoSchedule}]\n"},
	cluster: func(c *Cluster, r *report) {
		for _, o := range c.makePods {
			if len(o.pods.node) > 0 || len(o.pods.affinity) > 0 {
				c.checkNodes(o, c.pools, r)
			}
		}
	},
}

// checkNodes reports pods that no NodePool takes.
func (c *Cluster) checkNodes(o *Object, pools []*Object, r *report) {
	wants, ok := c.wantsPool(o)
	if !ok || !c.Whole || o.Env != nil && slices.ContainsFunc(o.Env.External, func(x External) bool { return x.Kind == "NodePool" }) {
		return
	}
	if len(pools) == 0 {
		if !c.Open {
			f := r.add(o, o.pods.asks, "the pods ask for %q, and there is no NodePool", wants)
			f.Error = o.Env != nil
			if f.Error {
				f.hint("if it is made elsewhere, declare it in environments/%s.yaml: external: [{kind: NodePool, name: …}]", o.Env.Name)
			}
		}
		return
	}
	var why []string
	for _, pool := range pools {
		reason := pool.refuses(o)
		if reason == "" {
			return
		}
		if len(why) < 4 {
			why = append(why, pool.Name+": "+reason)
		}
	}
	if c.Open {
		return
	}
	r.add(o, o.pods.asks, "the pods ask for %q, and no NodePool takes them", wants).hint("%s", strings.Join(why, "; ")).also(pools[0], pools[0].named, "%s", pools[0])
}

// wantsPool returns the label of Karpenter's nodes that pods ask for; ok is false where they ask
// for none. Labels that NodePools give to their nodes count, those of other clusters' NodePools
// too: the pods may have been moved without their pool.
func (c *Cluster) wantsPool(o *Object) (what string, ok bool) {
	for _, l := range o.labels(o.pods.node) {
		if c.isPoolLabel(l.key) {
			return l.key + "=" + l.value, true
		}
	}
	for _, term := range o.pods.affinity {
		for _, q := range o.requirements(term) {
			if q.operator == "In" && c.isPoolLabel(q.key) {
				return q.key + "=" + strings.Join(q.values, "|"), true
			}
		}
	}
	return "", false
}

// isPoolLabel reports whether nodes have a label because of their NodePool.
func (c *Cluster) isPoolLabel(key string) bool {
	if strings.HasPrefix(key, "karpenter.sh/") {
		return true
	}
	return !isWellKnown(key) && slices.ContainsFunc(c.all, func(other *Cluster) bool {
		return slices.ContainsFunc(other.pools, func(pool *Object) bool {
			if _, has := pool.value(pool.nodes.labels, key); has {
				return true
			}
			return slices.ContainsFunc(pool.nodes.requirements, func(q condition) bool { return pool.in(q.key) == key })
		})
	})
}

// refuses says why a NodePool makes no nodes for the pods of a workload; "" if it does.
func (o *Object) refuses(w *Object) string {
	for _, taint := range o.nodes.taints {
		taint = o.toleration(taint)
		if taint.effect != "PreferNoSchedule" && !slices.ContainsFunc(w.pods.tolerates, func(t toleration) bool { return w.toleration(t).covers(taint) }) {
			return "its taint " + string(taint.key+"="+taint.value+":"+taint.effect) + " is not tolerated"
		}
	}
	for _, l := range w.labels(w.pods.node) {
		if !o.makes(requirement{l.key, "In", []string{l.value}}) {
			return "it makes no nodes with " + l.key + "=" + l.value
		}
	}
	reason := ""
	for _, term := range w.pods.affinity {
		wanted := w.requirements(term)
		missing := slices.IndexFunc(wanted, func(q requirement) bool { return !o.makes(q) })
		if missing < 0 {
			return ""
		}
		reason = "it makes no nodes with " + wanted[missing].key + " " + wanted[missing].operator + " " + strings.Join(wanted[missing].values, ", ")
	}
	return reason
}

// toleration returns a toleration or taint as it is in the text of the object.
func (o *Object) toleration(t toleration) toleration {
	return toleration{word(o.in(t.key)), t.operator, word(o.in(t.value)), t.effect}
}

// covers reports whether a toleration covers a taint. Both are as in the texts of their objects.
func (t toleration) covers(taint toleration) bool {
	return (t.key == taint.key || t.key == "" && t.operator == "Exists") && (t.effect == "" || t.effect == taint.effect) &&
		(t.operator == "Exists" || t.value == taint.value)
}

// makes reports whether a NodePool may make nodes that meet a requirement of pods.
func (o *Object) makes(q requirement) bool {
	if q.operator != "In" {
		return true // such a requirement is not checked
	}
	if q.key == "karpenter.sh/nodepool" {
		return slices.Contains(q.values, o.Name)
	}
	if value, ok := o.value(o.nodes.labels, q.key); ok {
		return slices.Contains(q.values, value)
	}
	constrained := false
	for _, own := range o.requirements(o.nodes.requirements) {
		if own.key != q.key {
			continue
		}
		constrained = true
		if !slices.ContainsFunc(q.values, func(value string) bool { return own.matches(labels{{q.key, value}}) }) {
			return false
		}
	}
	switch {
	case constrained:
		return true
	case q.key == "karpenter.sh/capacity-type":
		return slices.Contains(q.values, "on-demand") // Karpenter's default
	}
	return isWellKnown(q.key)
}

// isWellKnown reports whether nodes have a label that no NodePool needs to name.
func isWellKnown(key string) bool {
	domain, _, _ := strings.Cut(key, "/")
	return strings.HasSuffix(domain, "kubernetes.io") || strings.HasPrefix(domain, "karpenter.") || domain == "topology.k8s.aws"
}

// nodePool is a NodePool of Karpenter: which nodes it makes.
type nodePool struct {
	requirements []condition
	labels       []pair
	taints       []toleration // key, value and effect
}

// readNodePool reads a NodePool.
func (r *reading) readNodePool() {
	template := r.spec.At("template")
	p := &nodePool{requirements: conditionsOf(template.At("spec", "requirements")), labels: pairsOf(template.At("metadata", "labels"))}
	for _, t := range template.At("spec", "taints").Items {
		p.taints = append(p.taints, toleration{key: wordOf(t.At("key")), value: wordOf(t.At("value")), effect: wordOf(t.At("effect"))})
	}
	r.o.nodes = p
}
