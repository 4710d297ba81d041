package validate

import (
	"cmp"
	"context"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	utilfeature "k8s.io/apiserver/pkg/util/feature"

	"k8srepo/internal/problem"
)

// emulation is the minor whose feature gates the API server's code has now.
var emulation struct {
	sync.RWMutex
	minor string
}

// emulate switches the API server's code to the validator's minor, and keeps it there until the
// returned func is called.
func (v *Validator) emulate() (release func()) {
	for {
		emulation.RLock()
		if emulation.minor == v.minor {
			return emulation.RUnlock
		}
		emulation.RUnlock()
		emulation.Lock()
		if emulation.minor != v.minor {
			if err := utilfeature.DefaultMutableFeatureGate.SetEmulationVersion(version.MustParseGeneric(v.minor)); err != nil {
				panic("validate: " + err.Error()) // the minors are those of the table
			}
			emulation.minor = v.minor
		}
		emulation.Unlock()
	}
}

// builtIn validates an object of a kind that Kubernetes itself serves.
func (v *Validator) builtIn(o *object, k *served) {
	v.walk(o, &fieldType{kind: anObject, object: k.object}, "")
	v.deprecated(o)
	if len(o.verdict.Refused) > 0 {
		return // a part of the object has no meaning: what the code says of the rest could be wrong
	}
	if o.group == apiextensions.GroupName {
		v.definition(o)
		return
	}
	strategy := strategies()[schema.GroupKind{Group: o.group, Kind: o.kind}]
	if strategy == nil {
		return
	}
	gvk := schema.GroupVersionKind{Group: o.group, Version: o.version, Kind: o.kind}
	scheme := kinds()
	versioned, err := scheme.New(gvk)
	if err != nil {
		return // the table has kinds that the library does not register
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.content, versioned); err != nil {
		o.refuse(problem.ValueRefused, "", o.source.Place, "", "%v", err)
		return
	}
	scheme.Default(versioned)
	internal, err := scheme.ConvertToVersion(versioned, schema.GroupVersion{Group: o.group, Version: runtime.APIVersionInternal})
	if err != nil {
		o.refuse(problem.ValueRefused, "", o.source.Place, "", "%v", err)
		return
	}
	o.allocate(internal)
	v.create(o, strategy, internal, k.namespaced)
	o.checkPodSecurity()
	template, path := podTemplate(versioned)
	v.refuseAsBefore(o, template, path)
	v.takeAsBefore(o)
	if len(o.verdict.Refused) == 0 {
		v.checkPods(o, template, path)
	}
}

// create is what the API server does with an object that is created, up to where it is stored.
func (v *Validator) create(o *object, strategy rest.RESTCreateStrategy, obj runtime.Object, namespaced bool) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		o.refuse(problem.ValueRefused, "", o.source.Place, "", "%v", err)
		return
	}
	switch {
	case !namespaced:
		accessor.SetNamespace("")
	case accessor.GetNamespace() == "":
		accessor.SetNamespace(cmp.Or(o.namespace, "default"))
	}
	switch {
	case accessor.GetName() != "":
	case accessor.GetGenerateName() != "":
		accessor.SetName(generatedName(accessor.GetGenerateName()))
	default:
		// The API server would give some kinds a name of its own; nothing can apply such an object.
		o.refuseField(field.Required(field.NewPath("metadata", "name"), "name or generateName is required"))
	}
	rest.FillObjectMetaSystemFields(accessor)
	accessor.SetUID("00000000-0000-0000-0000-000000000000") // messages have it: it is not random
	ctx := request.WithRequestInfo(request.WithNamespace(context.Background(), accessor.GetNamespace()), &request.RequestInfo{
		IsResourceRequest: true, Verb: "create", APIGroup: o.group, APIVersion: o.version, Namespace: accessor.GetNamespace(), Name: accessor.GetName()})
	strategy.PrepareForCreate(ctx, obj)
	for _, e := range rest.ValidateCreate(ctx, obj, strategy) {
		o.refuseField(e)
	}
	if len(o.verdict.Refused) > 0 {
		return
	}
	for _, w := range strategy.WarningsOnCreate(ctx, obj) {
		if v.warns(w) {
			o.warnText(w)
		}
	}
}

// maxGenerated is how many characters of a generateName an API server keeps
// (k8s.io/apiserver/pkg/storage/names).
const maxGenerated = 58

// generatedName returns a name as an API server generates it, with five characters that are not
// random: messages have the name, and are the same each time.
func generatedName(base string) string { return base[:min(len(base), maxGenerated)] + "00000" }
