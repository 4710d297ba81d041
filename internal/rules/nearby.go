package rules

import (
	"strings"

	"k8srepo/internal/problem"
)

// nearby finds names and labels that are close to those that were looked for and are not there. Its
// indexes are made when they are first needed. It answers a limited number of questions, since
// thousands of objects may share one mistake.
type nearby struct {
	cluster *Cluster
	left    int
	names   map[id][]string                // of the objects of a kind and namespace
	labels  map[string]map[label][]*Object // a few workloads for each label of pods, by namespace
	keys    map[string]map[string][]*Object
}

const (
	maxQuestions = 100 // that nearby answers
	maxLabelled  = 8   // workloads that it remembers of a label
)

func newNearby(c *Cluster) *nearby { return &nearby{cluster: c, left: maxQuestions} }

// near returns the name of an object of the same kind and namespace that is nearly the one looked
// for.
func (c *Cluster) near(to id) string {
	n := c.nearby
	if n.left--; n.left < 0 {
		return ""
	}
	if n.names == nil {
		n.names = map[id][]string{}
		for _, o := range c.Objects {
			n.add(o.Kind, o.namespace(), o.Name)
			for _, p := range o.provides {
				if name := o.in(p.name); !strings.HasSuffix(name, "*") {
					n.add(p.kind, o.namespace(), name)
				}
			}
		}
	}
	return problem.Nearest(to.name, n.names[id{kind: to.kind, namespace: to.namespace}])
}

// isSlip reports whether a word is another with one or two letters wrong.
func isSlip(word, meant string) bool {
	return meant != "" && len(word) > 3 && problem.Distance(word, meant) <= 2
}

func (n *nearby) add(kind, namespace, name string) {
	if clusterScoped[kind] {
		namespace = ""
	}
	key := id{kind: kind, namespace: namespace}
	n.names[key] = append(n.names[key], name)
}

// nearest returns the workload whose pods have most of the labels that an object wants, or nearly
// one of them; nil if there is none.
func (c *Cluster) nearest(asking *Object, wanted labels) *Object {
	n, namespace := c.nearby, asking.namespace()
	if n.left--; n.left < 0 {
		return nil
	}
	if n.labels == nil {
		n.labels, n.keys = map[string]map[label][]*Object{}, map[string]map[string][]*Object{}
	}
	if n.labels[namespace] == nil {
		n.indexLabels(namespace)
	}
	var best *Object
	common := 0
	for _, w := range wanted {
		for _, o := range n.labels[namespace][w] {
			if k := o.labels(o.pods.labels).common(wanted); k > common {
				best, common = o, k
			}
		}
	}
	for _, w := range wanted {
		for _, o := range n.keys[namespace][w.key] {
			if value, _ := o.value(o.pods.labels, w.key); best == nil && (isSlip(w.value, value) || o.Source == asking.Source && problem.Nearest(w.value, []string{value}) != "") {
				best = o
			}
		}
	}
	return best
}

func (n *nearby) indexLabels(namespace string) {
	byLabel, byKey := map[label][]*Object{}, map[string][]*Object{}
	for _, o := range n.cluster.workloads[namespace] {
		for _, l := range o.labels(o.pods.labels) {
			if len(byLabel[l]) < maxLabelled {
				byLabel[l] = append(byLabel[l], o)
			}
			if len(byKey[l.key]) < maxLabelled {
				byKey[l.key] = append(byKey[l.key], o)
			}
		}
	}
	n.labels[namespace], n.keys[namespace] = byLabel, byKey
}

// common returns how many labels are the same in both.
func (l labels) common(other labels) int {
	n := 0
	for _, one := range other {
		if value, has := l.get(one.key); has && value == one.value {
			n++
		}
	}
	return n
}
