package validate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Namespaces are the namespaces of a cluster whose labels say what pods may do in them. The zero
// value has none. It must not be changed while a Validator uses it.
type Namespaces struct{ policies map[string]podsecurity.Policy }

// Add adds a Namespace with PodSecurity labels; other objects are ignored.
func (n *Namespaces) Add(source manifest.Value) {
	apiVersion, _ := source.Get("apiVersion")
	kind, _ := source.Get("kind")
	if kind.Text != "Namespace" || apiVersion.Text != "v1" {
		return
	}
	meta, _ := source.Get("metadata")
	name, _ := meta.Get("name")
	written, _ := meta.Get("labels")
	labels := map[string]string{}
	for _, f := range written.Fields {
		labels[f.Key.Text] = f.Value.Text
	}
	p, errs := podsecurity.PolicyToEvaluate(labels, privileged())
	if len(errs) > 0 || p.FullyPrivileged() {
		return // a wrong label is reported at the Namespace
	}
	if n.policies == nil {
		n.policies = map[string]podsecurity.Policy{}
	}
	n.policies[name.Text] = p
}

// String returns a text of all policies: Namespaces with the same policies have the same text.
func (n *Namespaces) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(n.policies)) {
		fmt.Fprintf(&b, "%s %s %s\n", name, n.policies[name].Enforce, n.policies[name].Warn)
	}
	return b.String()
}

// Of returns a text of the policies of the namespaces that have a user's name in theirs, without
// that name: users with the same policies have the same text. It is "" for no user.
func (n *Namespaces) Of(user string) string {
	if user == "" {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(n.policies)) {
		if p := n.policies[name]; strings.Contains(name, user) {
			fmt.Fprintf(&b, "%s %s %s\n", strings.ReplaceAll(name, user, "\x00"), p.Enforce, p.Warn)
		}
	}
	return b.String()
}

// privileged returns the policy of a namespace without labels.
func privileged() podsecurity.Policy {
	all := podsecurity.LevelVersion{Level: podsecurity.LevelPrivileged, Version: podsecurity.LatestVersion()}
	return podsecurity.Policy{Enforce: all, Audit: all, Warn: all}
}

// checkPodSecurity refuses the labels of a namespace that the PodSecurity admission of every API
// server refuses.
func (o *object) checkPodSecurity() {
	if o.group != "" || o.kind != "Namespace" {
		return
	}
	labels := map[string]string{}
	meta, _ := o.content["metadata"].(map[string]any)
	written, _ := meta["labels"].(map[string]any)
	for key, value := range written {
		labels[key], _ = value.(string)
	}
	_, errs := podsecurity.PolicyToEvaluate(labels, privileged())
	for _, e := range errs {
		o.refuseField(e)
	}
}

// In returns a copy of the validator that also reports which pods the namespaces would refuse; n
// may be nil.
func (v *Validator) In(n *Namespaces) *Validator {
	in := *v
	in.namespaces = n
	return &in
}

// evaluators are made once for each minor: "latest" is what its API server knows.
var evaluators sync.Map // minor → policy.Evaluator

func evaluatorOf(minor string) policy.Evaluator {
	if e, ok := evaluators.Load(minor); ok {
		return e.(policy.Evaluator)
	}
	latest := podsecurity.MajorMinorVersion(1, minorNumber(minor))
	e, err := policy.NewEvaluator(policy.DefaultChecks(), &latest)
	if err != nil {
		panic("validate: PodSecurity: " + err.Error()) // the checks are the library's
	}
	evaluators.Store(minor, e)
	return e
}

// checkPods reports how a pod, or those that a workload makes, violate the PodSecurity policy of
// their namespace. The API server refuses such a pod. It accepts such a workload and warns, and no
// pod starts.
func (v *Validator) checkPods(o *object, template *corev1.PodTemplateSpec, path string) {
	if v.namespaces == nil || template == nil {
		return
	}
	namespace := cmp.Or(o.namespace, "default")
	if meta, ok := o.content["metadata"].(map[string]any); ok {
		if own, _ := meta["namespace"].(string); own != "" {
			namespace = own
		}
	}
	p, ok := v.namespaces.policies[namespace]
	if !ok {
		return
	}
	evaluator := evaluatorOf(v.minor)
	enforced := o.violations(path, evaluator.EvaluatePod(p.Enforce, &template.ObjectMeta, &template.Spec), nil)
	warned := o.violations(path, evaluator.EvaluatePod(p.Warn, &template.ObjectMeta, &template.Spec), enforced)
	for _, found := range enforced {
		message := fmt.Sprintf("the namespace %q enforces PodSecurity %q: %s", namespace, p.Enforce, strings.Join(found.texts, ", "))
		if o.kind == "Pod" {
			o.refuse(problem.PodSecurity, found.field, found.place, "", "%s", message)
		} else {
			o.warn(problem.PodSecurity, found.field, found.place, "", "no pod would start: %s", message)
		}
	}
	for _, found := range warned {
		o.warn(problem.PodSecurity, found.field, found.place, "", "would violate PodSecurity %q: %s", p.Warn, strings.Join(found.texts, ", "))
	}
}

// violations are the rules of a policy that one container, or the pod as a whole, violates.
type violations struct {
	field string
	place problem.Place
	texts []string
}

// violations returns what checks refuse, by container, without what is in known.
func (o *object) violations(path string, results []policy.CheckResult, known []violations) (list []violations) {
	for _, result := range results {
		text := violation(result)
		if result.Allowed || slices.ContainsFunc(known, func(v violations) bool { return slices.Contains(v.texts, text) }) {
			continue
		}
		place, field := o.containerPlace(path, result)
		i := slices.IndexFunc(list, func(v violations) bool { return v.field == field })
		if i < 0 {
			i = len(list)
			list = append(list, violations{field: field, place: place})
		}
		list[i].texts = append(list[i].texts, text)
	}
	return list
}

func violation(result policy.CheckResult) string {
	if result.ForbiddenDetail == "" {
		return result.ForbiddenReason
	}
	return result.ForbiddenReason + " (" + result.ForbiddenDetail + ")"
}

// containerPlace returns the first container that a result names, else the pod's spec.
func (o *object) containerPlace(path string, result policy.CheckResult) (place problem.Place, field string) {
	names := quotedWords(result.ForbiddenDetail)
	for _, list := range []string{"initContainers", "containers"} {
		for i := 0; ; i++ {
			field := path + "." + list + "[" + strconv.Itoa(i) + "]"
			container, ok := o.valueAt(field)
			if !ok {
				break
			}
			if name, _ := container.Get("name"); slices.Contains(names, name.Text) {
				return container.Place, field
			}
		}
	}
	return o.find(path, nil), path
}

// valueAt returns the value of a field as it was written; ok is false where there is none.
func (o *object) valueAt(field string) (value manifest.Value, ok bool) {
	value = o.source
	for field != "" {
		if value, _, field, ok = step(value, field); !ok {
			return value, false
		}
	}
	return value, true
}

// podTemplate returns the pod that an object is, or that it makes, and where its spec is.
func podTemplate(object runtime.Object) (template *corev1.PodTemplateSpec, path string) {
	const inTemplate = "spec.template.spec"
	switch t := object.(type) {
	case *corev1.Pod:
		return &corev1.PodTemplateSpec{ObjectMeta: t.ObjectMeta, Spec: t.Spec}, "spec"
	case *corev1.PodTemplate:
		return &t.Template, "template.spec"
	case *corev1.ReplicationController:
		return t.Spec.Template, inTemplate
	case *appsv1.Deployment:
		return &t.Spec.Template, inTemplate
	case *appsv1.StatefulSet:
		return &t.Spec.Template, inTemplate
	case *appsv1.DaemonSet:
		return &t.Spec.Template, inTemplate
	case *appsv1.ReplicaSet:
		return &t.Spec.Template, inTemplate
	case *batchv1.Job:
		return &t.Spec.Template, inTemplate
	case *batchv1.CronJob:
		return &t.Spec.JobTemplate.Spec.Template, "spec.jobTemplate.spec.template.spec"
	}
	return nil, ""
}

// rolloutTemplate returns the pods that an Argo Rollout makes; nil where it makes none of its own.
func rolloutTemplate(content map[string]any) *corev1.PodTemplateSpec {
	spec, _ := content["spec"].(map[string]any)
	written, ok := spec["template"].(map[string]any)
	if !ok {
		return nil
	}
	template := &corev1.PodTemplateSpec{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(written, template); err != nil {
		return nil // its definition takes more than a pod has
	}
	return template
}
