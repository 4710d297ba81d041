package validate

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// embedded are the definitions of well-known controllers: KIND.GROUP.json.gz.
//
//go:embed crds/*.json.gz
var embedded embed.FS

// Definitions are the CustomResourceDefinitions that are known: those that are embedded, and those
// that were added. The zero value has the embedded ones.
type Definitions struct {
	lock  sync.Mutex
	kinds map[schema.GroupKind]*definition // nil where a kind was looked for in vain
	added bool
}

// Added reports whether there are others than the embedded ones.
func (d *Definitions) Added() bool {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.added
}

// definition is a CustomResourceDefinition; its versions are compiled when their first object is
// met.
type definition struct {
	crd      *apiextensionsv1.CustomResourceDefinition
	from     string // the module and version that an embedded one was taken from; "" for others
	versions map[string]*customVersion
}

// customVersion is a version of a custom kind.
type customVersion struct {
	once     sync.Once
	err      error
	fields   *fieldType
	schema   *structural.Structural
	strategy *customCreation
}

func newDefinition(crd *apiextensionsv1.CustomResourceDefinition) *definition {
	d := &definition{crd: crd, versions: map[string]*customVersion{}}
	for _, v := range crd.Spec.Versions {
		if v.Served {
			d.versions[v.Name] = &customVersion{}
		}
	}
	return d
}

// find returns the definition of a kind, nil if there is none. Added ones come before embedded
// ones.
func (d *Definitions) find(group, kind string) *definition {
	d.lock.Lock()
	defer d.lock.Unlock()
	id := schema.GroupKind{Group: group, Kind: kind}
	found, known := d.kinds[id]
	if !known {
		found = embeddedDefinition(id)
		d.set(id, found)
	}
	return found
}

func (d *Definitions) set(id schema.GroupKind, to *definition) {
	if d.kinds == nil {
		d.kinds = map[schema.GroupKind]*definition{}
	}
	d.kinds[id] = to
}

// embeddedDefinitions are those that have been read, by kind: all Definitions share them, and what
// was compiled of them.
var embeddedDefinitions sync.Map

// embeddedDefinition returns an embedded definition, nil if there is none.
func embeddedDefinition(id schema.GroupKind) *definition {
	read, _ := embeddedDefinitions.LoadOrStore(id, sync.OnceValue(func() *definition { return readEmbedded(id) }))
	return read.(func() *definition)()
}

func readEmbedded(id schema.GroupKind) *definition {
	data, err := embedded.ReadFile("crds/" + id.Kind + "." + id.Group + ".json.gz")
	if err != nil {
		return nil
	}
	var crd apiextensionsv1.CustomResourceDefinition
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		if data, err = io.ReadAll(r); err == nil {
			err = json.Unmarshal(data, &crd)
		}
	}
	if err != nil {
		panic("validate: an embedded definition: " + err.Error())
	}
	d := newDefinition(&crd)
	d.from = crd.Annotations["from"]
	return d
}

// known returns the kinds whose definitions are embedded or were added. It reads none.
func (d *Definitions) known() []schema.GroupKind {
	files, err := embedded.ReadDir("crds")
	if err != nil {
		panic("validate: " + err.Error())
	}
	var known []schema.GroupKind
	for _, f := range files {
		kind, group, _ := strings.Cut(strings.TrimSuffix(f.Name(), ".json.gz"), ".")
		known = append(known, schema.GroupKind{Group: group, Kind: kind})
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	for id, definition := range d.kinds {
		if definition != nil && !slices.Contains(known, id) {
			known = append(known, id)
		}
	}
	slices.SortFunc(known, func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	return known
}

// Add adds a CustomResourceDefinition that a person wrote; it replaces one of the same kind. It is
// validated first, as the API server would.
func (d *Definitions) Add(source manifest.Value, v *Validator) []Problem {
	if verdict := v.Object(source, ""); len(verdict.Refused) > 0 {
		return verdict.Refused
	}
	o := &object{source: source}
	if !o.identify() || o.group != "apiextensions.k8s.io" || o.kind != "CustomResourceDefinition" {
		return []Problem{newProblem(problem.NoSuchKind, "kind", source.Place, "move it out of this folder", "only CustomResourceDefinitions belong here")}
	}
	v.walk(o, &fieldType{kind: anObject, object: loadKubernetes().kinds[o.groupVersionKind].object}, "")
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.content, crd); err != nil {
		return []Problem{newProblem(problem.ValueRefused, "", source.Place, "", "%v", err)}
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	d.set(schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}, newDefinition(crd))
	d.added = true
	return nil
}

// custom validates a custom resource.
func (v *Validator) custom(o *object, d *definition) {
	version := d.versions[o.version]
	if version == nil {
		o.customNotServed(d)
		return
	}
	if version.once.Do(func() { version.err = version.compile(d.crd, o.groupVersionKind) }); version.err != nil {
		o.warn(problem.KindUnchecked, "", o.source.Place, "", "the schema of %s cannot be used: %v", o.kind, version.err)
		return
	}
	for _, one := range d.crd.Spec.Versions {
		if one.Name == o.version && one.Deprecated {
			message := fmt.Sprintf("%s %s is deprecated", o.apiVersion(), o.kind)
			if one.DeprecationWarning != nil {
				message = *one.DeprecationWarning
			}
			o.warn(problem.DeprecatedVersion, "apiVersion", o.source.KeyPlace("apiVersion"), "", "%s", message)
		}
	}
	v.walk(o, version.fields, d.from)
	if len(o.verdict.Refused) > 0 {
		return
	}
	if _, _, err := objectmeta.GetObjectMeta(o.content, false); err != nil {
		o.refuse(problem.ValueRefused, "metadata", o.source.KeyPlace("metadata"), "", "%v", err)
		return
	}
	defaulting.Default(o.content, version.schema)
	v.create(o, version.strategy, &unstructured.Unstructured{Object: o.content}, d.crd.Spec.Scope == apiextensionsv1.NamespaceScoped)
	if o.group == "argoproj.io" && o.kind == "Rollout" && len(o.verdict.Refused) == 0 {
		v.checkPods(o, rolloutTemplate(o.content), "spec.template.spec")
	}
}

// compile makes a version's schema and rules ready for use.
func (c *customVersion) compile(crd *apiextensionsv1.CustomResourceDefinition, gvk groupVersionKind) error {
	i := slices.IndexFunc(crd.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == gvk.version })
	written := crd.Spec.Versions[i]
	if written.Schema == nil || written.Schema.OpenAPIV3Schema == nil {
		return fmt.Errorf("version %s has none", gvk.version)
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(written.Schema.OpenAPIV3Schema, internal, nil); err != nil {
		return err
	}
	var err error
	if c.schema, err = structural.NewStructural(internal); err != nil {
		return err
	}
	validator, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return err
	}
	c.strategy = &customCreation{
		kind:       schema.GroupVersionKind{Group: gvk.group, Version: gvk.version, Kind: gvk.kind},
		namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped,
		schema:     c.schema,
		validator:  validator,
		rules:      cel.NewValidator(c.schema, true, celconfig.PerCallLimit),
		status:     written.Subresources != nil && written.Subresources.Status != nil,
	}
	if sub := written.Subresources; sub != nil && sub.Scale != nil {
		c.strategy.scale = &apiextensions.CustomResourceSubresourceScale{}
		err = apiextensionsv1.Convert_v1_CustomResourceSubresourceScale_To_apiextensions_CustomResourceSubresourceScale(sub.Scale, c.strategy.scale, nil)
	}
	c.fields = typeOfSchema(c.schema, true)
	return err
}

// typeOfSchema returns a schema as a type of fields; root is true for that of a whole object.
func typeOfSchema(s *structural.Structural, root bool) *fieldType {
	t := typeOfValue(s, root)
	t.notNull = t.kind != anything && !s.Nullable && s.Default.Object == nil
	return t
}

func typeOfValue(s *structural.Structural, root bool) *fieldType {
	switch {
	case s == nil:
		return &fieldType{kind: anything}
	case s.XIntOrString:
		return &fieldType{kind: intOrText}
	}
	switch s.Type {
	case "string":
		return &fieldType{kind: aString}
	case "integer": // the schema's validator checks the range
		return &fieldType{kind: anInt64}
	case "number":
		return &fieldType{kind: aNumber}
	case "boolean":
		return &fieldType{kind: aBool}
	case "array":
		t := &fieldType{kind: aList, item: typeOfSchema(s.Items, false)}
		if s.XListType != nil && *s.XListType == "set" {
			t.set = true
		}
		if s.XListType != nil && *s.XListType == "map" {
			for _, name := range s.XListMapKeys {
				key := listKey{name: name}
				if s.Items != nil && s.Items.Properties[name].Default.Object != nil {
					fallback := fmt.Sprint(s.Items.Properties[name].Default.Object)
					key.fallback = &fallback
				}
				t.keys = append(t.keys, key)
			}
		}
		return t
	case "object":
		return typeOfObject(s, root)
	}
	return &fieldType{kind: anything}
}

func typeOfObject(s *structural.Structural, root bool) *fieldType {
	if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil && len(s.Properties) == 0 {
		return &fieldType{kind: aMap, item: typeOfSchema(s.AdditionalProperties.Structural, false)}
	}
	o := &objectType{fields: make(map[string][]typedField, len(s.Properties))}
	for name := range s.Properties {
		property := s.Properties[name]
		o.fields[name] = []typedField{{^uint8(0), typeOfSchema(&property, false)}}
	}
	if root || s.XEmbeddedResource {
		for _, name := range []string{"apiVersion", "kind"} {
			o.fields[name] = []typedField{{^uint8(0), &fieldType{kind: aString}}}
		}
		o.fields["metadata"] = []typedField{{^uint8(0), &fieldType{kind: anObject, object: loadKubernetes().object("meta.v1.ObjectMeta")}}}
	}
	if s.XPreserveUnknownFields || s.AdditionalProperties != nil && s.AdditionalProperties.Bool {
		o.extra = &fieldType{kind: anything}
	}
	return &fieldType{kind: anObject, object: o}
}
