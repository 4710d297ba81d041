package rules

import (
	"strconv"
	"strings"

	"k8srepo/internal/problem"
)

// Object is what the rules know of a Kubernetes object. The exported fields below Namespace are the
// caller's to set.
type Object struct {
	Group, Kind, Name string
	Namespace         string // "" where the object names none, or its kind has none

	Env      *Environment // nil for objects of no environment
	User     string       // whom it is rendered for; "" for nobody
	Source   string       // what it is made by: a template, or a file
	Unit     string       // objects of different units are not taken for one cluster's; "" for all alike
	Document int          // the caller's number of the document that it is in

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
	ingress  *ingress
	routes   []route
	budget   *budget
	scaler   *scaler
	nodes    *nodePool
	gateway  *gateway
	custom   *custom

	controller string // of an IngressClass
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

// finding is what a rule found that looks at one object alone. It is kept in parts, because names
// in it may be replaced.
type finding struct {
	rule       *Rule
	place      problem.Place
	format     string
	args       []string
	hint       string
	warns      bool // a warning, whatever the rule says
	hidden     bool
	sharedOnly bool // only in environments that are shared
}

// text is a string of an object, and where it was written.
type text struct {
	is    string
	place problem.Place
}

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

// podTemplate is what a workload makes pods of, or a Pod.
type podTemplate struct {
	labels    labels
	ports     []containerPort
	replicas  text // as it is written; "" where it is not
	count     int  // how many pods there are, without a scaler
	requests  []containerRequest
	node      labels       // nodeSelector
	affinity  []nodeTerm   // required terms of node affinity: one of them must fit
	tolerates []toleration // of taints
	place     problem.Place
}

type containerPort struct {
	name   string
	number int
}

// containerRequest is a resource that a container requests, or not.
type containerRequest struct {
	container   string
	cpu, memory bool
}

// nodeTerm are requirements that a node must meet, all of them.
type nodeTerm []requirement

// requirement is a condition on a label of a node.
type requirement struct {
	key, operator string
	values        []string
}

type toleration struct{ key, operator, value, effect string }

// selector selects pods by their labels.
type selector struct {
	labels      labels
	expressions []requirement
	place       problem.Place
}

// service is what routes need to know of a Service.
type service struct {
	kind     string // ClusterIP, NodePort, LoadBalancer, ExternalName
	headless bool
	alb      labels // annotations of the AWS Load Balancer Controller: an Ingress inherits them
}

type servicePort struct {
	name   string
	number int
	target text // "" for the same number
	place  problem.Place
}

// reference is another object that one names.
type reference struct {
	from      referrer
	what      string // the field, as messages name it
	group     string
	kind      string
	namespace string // "" for the object's own, or where the kind has none
	name      text
	key       text // of a ConfigMap or Secret
	port      text // of a Service: its name or number
	optional  bool
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
	kind, name string // the name may end in *
	anywhere   bool   // in other namespaces too
}

// keys are those of a ConfigMap or Secret; open where there may be others.
type keys struct {
	names []string
	open  bool
}

// custom is an object of a kind that nothing is known of: what it names, it may make.
type custom struct{ names []string }

// id is what no two objects of a cluster share.
type id struct{ group, kind, namespace, name string }

// Identity tells objects of a cluster apart.
func (o *Object) Identity() string {
	return strings.Join([]string{o.Group, o.Kind, o.namespace(), o.Name}, "|")
}

func (o *Object) id() id { return id{o.Group, o.Kind, o.namespace(), o.Name} }

// namespace returns the namespace that an object is in; "" where its kind has none.
func (o *Object) namespace() string {
	switch {
	case clusterScoped[o.Kind]:
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

// String is the object as people name it, in quotes but for its kind.
func (o *Object) String() string {
	if namespace := o.namespace(); namespace != "" {
		return o.Kind + " " + strconv.Quote(namespace+"/"+o.Name)
	}
	return o.Kind + " " + strconv.Quote(o.Name)
}
