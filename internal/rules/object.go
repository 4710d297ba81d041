package rules

import (
	"strconv"
	"strings"

	"k8srepo/internal/problem"
)

// Object is what the rules know of a Kubernetes object. Objects whose texts differ in a name alone
// share their facts: see CopyTo. The fields below Name are the caller's to set.
type Object struct {
	*facts
	Namespace string // "" where the object names none, or its kind has none
	Name      string

	Env      *Environment // nil for objects of no environment
	User     string       // whom it is rendered for; "" for nobody
	Source   string       // what it is made by: a template, or a file
	Unit     string       // what it was given with; the caller's to use
	Document int          // the caller's number of the document that it is in

	// Where the facts have the name from, this object has to; both are "" for the object that was
	// read.
	from, to string

	matched bool      // selects is set
	selects []*Object // the workloads whose pods its selector selects: see Cluster.selected
}

// facts are what Read finds in a text.
type facts struct {
	Group, Kind   string
	clusterScoped bool // the kind has no namespace

	name    string        // of the object that was read
	named   problem.Place // of its name
	ignored []ignored
	found   []finding

	pods     *podTemplate
	selector *selector
	ports    []servicePort // of a Service
	service  *service
	refs     []reference
	provides []provided
	keys     *keys
	merges   word // a Secret that this object adds keys to
	ingress  *ingress
	routes   []route
	budget   *budget
	scaler   *scaler
	nodes    *nodePool
	gateway  *gateway
	grant    *grant
	custom   *custom

	controller string // of an IngressClass
	tagged     []word // the repositories whose tags a kustomization sets
	renamed    []pair // what a kustomization renames: the repository before, and after
	splits     []word // the Services whose actions a Rollout writes into its Ingresses
}

// word is a text as Read found it. Object.in says what it is for an object.
type word string

// in returns a word as it is in the text of the object.
func (o *Object) in(w word) string {
	switch {
	case o.from == "":
		return string(w)
	case string(w) == o.name:
		return o.Name
	}
	return replaceName(string(w), o.from, o.to)
}

// replaceName is strings.ReplaceAll, faster where the name stands once.
func replaceName(s, from, to string) string {
	before, after, found := strings.Cut(s, from)
	switch {
	case !found:
		return s
	case before == "" && after == "":
		return to
	case !strings.Contains(after, from):
		return before + to + after
	}
	return strings.ReplaceAll(s, from, to)
}

// all returns words as they are in the text of the object.
func (o *Object) all(words []word) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = o.in(w)
	}
	return list
}

// CopyTo sets other to what Read would return for the same text with the name to wherever it has
// from. Users who share a template need one parse. Neither name may be a part of a word of
// Kubernetes, such as a key. The fields that are the caller's to set are not copied.
func (o *Object) CopyTo(other *Object, from, to string) {
	other.facts, other.Namespace, other.Name = o.facts, o.Namespace, o.Name
	if from == to {
		return
	}
	other.from, other.to = from, to
	other.Namespace, other.Name = replaceName(o.Namespace, from, to), replaceName(o.Name, from, to)
}

// Environment is what the rules know of an environment.
type Environment struct {
	Name      string
	Namespace string
	Domain    string
	Shared    bool // it is not made of users' own copies of services
	External  []External
	Extends   []string // the environments that it extends
}

// External is an object that exists and is not among those that are checked.
type External struct{ Kind, Namespace, Name string }

// finding is what a rule found that looks at one object alone. It is kept in parts, because it may
// be reported for objects with other names.
type finding struct {
	rule       *Rule
	place      problem.Place
	format     string
	args       []word
	hint       string
	wrong      word   // the hint names the nearest of known,
	known      []word // if there are any
	hidden     bool
	sharedOnly bool // only in environments that are shared
	warning    bool // though the rule is an error
	repository word // of an image without a tag: not where a kustomization sets it
	action     word // the Service of an action that is not there: not where a Rollout writes it
}

// text is a word, and where it was written.
type text struct {
	is    word
	place problem.Place
}

// pair is an entry of a map of words.
type pair struct{ key, value word }

// label is an entry of a map of labels.
type label struct{ key, value string }

type labels []label

// get returns the value of a key; ok is false where there is none.
func (l labels) get(key string) (value string, ok bool) {
	for _, one := range l {
		if one.key == key {
			return one.value, true
		}
	}
	return "", false
}

// labels returns a map of words as it is in the text of the object.
func (o *Object) labels(words []pair) labels {
	list := make(labels, len(words))
	for i, w := range words {
		list[i] = label{o.in(w.key), o.in(w.value)}
	}
	return list
}

// value returns the value of a key in a map of words; ok is false where there is none.
func (o *Object) value(words []pair, key string) (value string, ok bool) {
	for _, w := range words {
		if string(w.key) == key || len(o.from) > 0 && o.in(w.key) == key {
			return o.in(w.value), true
		}
	}
	return "", false
}

// podTemplate is what a workload makes pods of, or a Pod.
type podTemplate struct {
	labels    []pair
	ports     []podPort
	replicas  text // as it is written; "" where it is not
	count     int  // how many pods there are, without a scaler
	requests  []containerRequest
	node      []pair        // nodeSelector
	affinity  [][]condition // required terms of node affinity: one of them must be met
	tolerates []toleration  // of taints
	asks      problem.Place // where it says which nodes
	place     problem.Place
}

// podPort is a port of a container that has a name.
type podPort struct {
	name     word
	protocol string // TCP, UDP, SCTP
}

// containerRequest says which resources a container requests.
type containerRequest struct {
	container   word
	cpu, memory bool
}

// condition is a condition on a label.
type condition struct {
	key, operator word
	values        []word
}

// requirement is a condition as it is in the text of an object.
type requirement struct {
	key, operator string
	values        []string
}

func (o *Object) requirements(list []condition) []requirement {
	var resolved []requirement
	for _, c := range list {
		resolved = append(resolved, requirement{o.in(c.key), string(c.operator), o.all(c.values)})
	}
	return resolved
}

// toleration is a toleration of a taint; or the taint itself, without an operator.
type toleration struct{ key, operator, value, effect word }

// selector selects pods by their labels.
type selector struct {
	labels      []pair
	expressions []condition
	place       problem.Place
}

// service is what routes need to know of a Service.
type service struct {
	kind     string // ClusterIP, NodePort, LoadBalancer, ExternalName
	headless bool
	alb      []pair // annotations of the load balancer, which count before an Ingress's
}

type servicePort struct {
	name     word
	number   int
	target   text   // "" for the same number
	protocol string // TCP, UDP, SCTP
	place    problem.Place
}

// reference is another object that one names.
type reference struct {
	from      referrer
	what      string // the field, as messages name it
	group     string
	kind      string
	namespace word // "" for the object's own, or where the kind has none
	name      text
	key       text // of a ConfigMap or Secret; the listener of a Gateway
	port      text // of a Service: its name or number
	optional  bool
	orHost    bool // name.namespace may be a host elsewhere, such as example.com

	clusterScoped bool // the kind has no namespace
}

// referrer is what sort of object refers to another: it decides which rule looks.
type referrer int

const (
	aRoute referrer = iota
	aScaler
	aPod
	anyOther
)

// provided is an object that a controller makes of this one.
type provided struct {
	kind     string
	name     word // may end in *
	anywhere bool // in other namespaces too
}

// keys are those of a ConfigMap or Secret; open where there may be others.
type keys struct {
	names []word
	open  bool
}

// custom is an object of an unknown kind: its controller may make objects of the names in it.
type custom struct{ names []word }

// id is what no two objects of a cluster share.
type id struct{ group, kind, namespace, name string }

// Identity returns what no two objects of a cluster share.
func (o *Object) Identity() string {
	return strings.Join([]string{o.Group, o.Kind, o.namespace(), o.Name}, "|")
}

func (o *Object) id() id { return id{o.Group, o.Kind, o.namespace(), o.Name} }

// namespace returns the namespace that an object is in; "" where its kind has none.
func (o *Object) namespace() string {
	switch {
	case o.clusterScoped:
		return ""
	case o.Namespace == "" && o.Env != nil:
		return o.Env.Namespace
	case o.Namespace == "":
		return "default"
	}
	return o.Namespace
}

// clusterScoped are the kinds without a namespace that rules look for.
var clusterScoped = map[string]bool{
	"ClusterSecretStore": true, "StorageClass": true, "NodePool": true, "ClusterRole": true, "ClusterRoleBinding": true, "Namespace": true,
	"IngressClass": true, "IngressClassParams": true, "GatewayClass": true, "PriorityClass": true, "PersistentVolume": true, "EC2NodeClass": true, "ClusterExternalSecret": true,
	"CustomResourceDefinition": true,
}

// String returns the object as people name it, in quotes but for its kind.
func (o *Object) String() string {
	if namespace := o.namespace(); namespace != "" {
		return o.Kind + " " + strconv.Quote(namespace+"/"+o.Name)
	}
	return o.Kind + " " + strconv.Quote(o.Name)
}
