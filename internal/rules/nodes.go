package rules

// nodePool is a NodePool of Karpenter: which nodes it makes.
type nodePool struct {
	requirements []condition
	labels       []pair
	taints       []toleration // key, value and effect
}

// readNodePool reads a NodePool.
func (r *reading) readNodePool() {
	template := at(r.spec, "template")
	p := &nodePool{requirements: conditionsOf(at(template, "spec", "requirements")), labels: pairsOf(at(template, "metadata", "labels"))}
	for _, t := range at(template, "spec", "taints").Items {
		p.taints = append(p.taints, toleration{key: wordOf(at(t, "key")), value: wordOf(at(t, "value")), effect: wordOf(at(t, "effect"))})
	}
	r.o.nodes = p
}
