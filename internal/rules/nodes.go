package rules

// nodePool is a NodePool of Karpenter: which nodes it makes.
type nodePool struct {
	requirements []requirement
	labels       labels
	taints       []toleration // key, value and effect
}

// readNodePool reads a NodePool.
func (r *reading) readNodePool() {
	template := at(r.spec, "template")
	p := &nodePool{requirements: requirementsOf(at(template, "spec", "requirements")), labels: labelsOf(at(template, "metadata", "labels"))}
	for _, t := range at(template, "spec", "taints").Items {
		p.taints = append(p.taints, toleration{key: at(t, "key").Text, value: at(t, "value").Text, effect: at(t, "effect").Text})
	}
	r.o.nodes = p
}
