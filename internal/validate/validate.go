// Package validate validates a Kubernetes object as the API server would, without a cluster.
//
// Built-in kinds pass the API server's own code, which is linked in, under the defaults of the
// cluster's minor version. Which kinds and fields that minor has is in a generated table. Custom
// resources pass the schema and the CEL rules of their CustomResourceDefinition, with the API
// server's code too.
package validate

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/capabilities"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Problem is an error or a warning that the API server would answer with.
type Problem struct {
	Code    problem.Code
	Field   string        // as the API server writes it: spec.ports[0].port; "" for the object
	Place   problem.Place // where the object was written; the nearest place for what is missing
	Message string        // begins with the field
	Hint    string
}

// Verdict is what the API server would answer. It accepts the object if Refused is empty. Both
// lists are sorted by place.
type Verdict struct {
	Refused  []Problem
	Warnings []Problem
	Unknown  bool // the kind is not known, so nothing was checked but the metadata
}

// Validator validates objects for one minor. It is safe for use by several goroutines, but
// validators of different minors wait for each other: the version that the API server's code
// emulates is global.
type Validator struct {
	minor string
	bit   uint8
	crds  *Definitions

	namespaces *Namespaces // nil where nothing is known of them
}

// New returns a validator for a minor such as "1.34"; definitions may be nil.
func New(minor string, definitions *Definitions) (*Validator, error) {
	bit, ok := loadKubernetes().bit(minor)
	if !ok {
		minors := Minors()
		return nil, problem.New("valid values: "+strings.Join(minors, ", "), "Kubernetes %q cannot be validated against", minor)
	}
	if definitions == nil {
		definitions = &Definitions{}
	}
	setUp()
	return &Validator{minor: minor, bit: bit, crds: definitions}, nil
}

// Minor returns the minor that the validator is for.
func (v *Validator) Minor() string { return v.minor }

// object is an object on its way through a Validator.
type object struct {
	groupVersionKind
	source    manifest.Value
	namespace string // where the object does not say
	content   map[string]any
	verdict   Verdict
}

// Object validates an object. One that names no namespace is in the given one; "" stands for
// default.
func (v *Validator) Object(source manifest.Value, namespace string) Verdict {
	defer v.emulate()()
	o := &object{source: source, namespace: namespace}
	if !o.identify() {
		return o.verdict
	}
	o.checkServerFields()
	if k := loadKubernetes().kinds[o.groupVersionKind]; k != nil && k.minors&v.bit != 0 && o.isStable() {
		v.builtIn(o, k)
	} else if d := v.crds.find(o.group, o.kind); d != nil {
		v.custom(o, d)
	} else {
		v.notServed(o)
	}
	o.sort()
	return o.verdict
}

// identify reads apiVersion and kind; it reports whether both are there.
func (o *object) identify() bool {
	if o.source.Kind != manifest.Map {
		o.refuse(problem.NoSuchKind, "", o.source.Place, "", "a Kubernetes object is a map, not %s", o.source.Kind)
		return false
	}
	for _, key := range []string{"apiVersion", "kind"} {
		value, ok := o.source.Get(key)
		if !ok || value.Kind != manifest.String || value.Text == "" {
			hint := ""
			for _, f := range o.source.Fields {
				if strings.EqualFold(f.Key.Text, key) && f.Key.Text != key {
					hint = fmt.Sprintf("did you mean %q?", key)
				}
			}
			o.refuse(problem.FieldRequired, key, o.source.Place, hint, "every object has an apiVersion and a kind")
			return false
		}
		if key == "kind" {
			o.kind = value.Text
		} else if group, version, grouped := strings.Cut(value.Text, "/"); grouped {
			if o.group, o.version = group, version; group == "" {
				o.refuse(problem.NoSuchKind, key, value.Place, "write apiVersion: "+version, "%q has no group before the /", value.Text)
				return false
			}
		} else {
			o.version = value.Text
		}
	}
	return true
}

// checkServerFields refuses the fields that only the API server writes: they are left from an
// object that was read from a cluster.
func (o *object) checkServerFields() {
	meta, _ := o.source.Get("metadata")
	for _, key := range []string{"uid", "resourceVersion", "managedFields"} {
		if value, ok := meta.Get(key); ok && value.Kind != manifest.Null && !(value.Kind == manifest.String && value.Text == "") {
			o.refuse(problem.ServerField, "metadata."+key, value.Place, "remove it, with creationTimestamp, generation and status",
				"only the API server sets it; it was read from a cluster")
		}
	}
}

func (o *object) refuse(code problem.Code, field string, place problem.Place, hint, format string, args ...any) {
	o.verdict.Refused = append(o.verdict.Refused, newProblem(code, field, place, hint, format, args...))
}

func (o *object) warn(code problem.Code, field string, place problem.Place, hint, format string, args ...any) {
	o.verdict.Warnings = append(o.verdict.Warnings, newProblem(code, field, place, hint, format, args...))
}

func newProblem(code problem.Code, field string, place problem.Place, hint, format string, args ...any) Problem {
	p := Problem{Code: code, Field: field, Place: place, Hint: hint, Message: fmt.Sprintf(format, args...)}
	if field != "" {
		p.Message = field + ": " + p.Message
	}
	return p
}

// sort orders the problems by place, and drops those that are there twice or follow from another.
func (o *object) sort() {
	for _, list := range []*[]Problem{&o.verdict.Refused, &o.verdict.Warnings} {
		slices.SortStableFunc(*list, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Col, b.Place.Col), strings.Compare(a.Message, b.Message))
		})
		*list = slices.CompactFunc(*list, func(a, b Problem) bool { return a.Place == b.Place && a.Message == b.Message })
		all := slices.Clone(*list)
		*list = slices.DeleteFunc(*list, func(p Problem) bool { return consequence(p, all) })
	}
}

// walk converts the object, and checks it against its type. from names the module and version of an
// embedded definition; it is "" for others.
func (v *Validator) walk(o *object, t *fieldType, from string) {
	o.content, _ = v.walker(o, from).value(o.source, t, nil).(map[string]any)
}

// walker returns a walker whose problems are the object's.
func (v *Validator) walker(o *object, from string) *walker {
	return &walker{minor: v.bit, name: v.minor, from: from, report: func(p Problem) { o.verdict.Refused = append(o.verdict.Refused, p) }}
}

// setUp sets what the API server's code has once for a process. Clusters allow privileged
// containers: kubeadm, EKS, GKE and AKS start the API server with --allow-privileged, whose default
// is false. Messages to the log are dropped.
var setUp = sync.OnceFunc(func() {
	capabilities.Setup(true, 0)
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "FATAL"} {
		if err := flags.Set(name, value); err != nil {
			panic("validate: klog: " + err.Error())
		}
	}
	klog.SetOutput(io.Discard)
})

// Objects returns the objects in a file's documents, without empty documents. A List counts as the
// objects in it.
func Objects(documents []manifest.Value) []manifest.Value {
	var objects []manifest.Value
	for _, doc := range documents {
		kind, _ := doc.Get("kind")
		items, _ := doc.Get("items")
		switch {
		case doc.Kind == manifest.Null:
		case strings.HasSuffix(kind.Text, "List") && items.Kind == manifest.List:
			objects = append(objects, Objects(items.Items)...)
		default:
			objects = append(objects, doc)
		}
	}
	return objects
}

// Older reports whether the minor a is older than b: "1.9" is older than "1.10".
func Older(a, b string) bool { return compareMinors(a, b) < 0 }
