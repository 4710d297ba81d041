package validate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/storage/names"
)

// customCreation is what the API server does when an object of a custom kind is created.
type customCreation struct {
	kind       schema.GroupVersionKind
	namespaced bool
	schema     *structural.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator // nil where the schema has none
	status     bool           // status is written apart, and dropped here
	scale      *apiextensions.CustomResourceSubresourceScale
}

func (c *customCreation) ObjectKinds(runtime.Object) ([]schema.GroupVersionKind, bool, error) {
	return []schema.GroupVersionKind{c.kind}, false, nil
}

func (c *customCreation) Recognizes(kind schema.GroupVersionKind) bool { return kind == c.kind }

func (c *customCreation) GenerateName(base string) string {
	return names.SimpleNameGenerator.GenerateName(base)
}

func (c *customCreation) NamespaceScoped() bool { return c.namespaced }

func (c *customCreation) PrepareForCreate(_ context.Context, object runtime.Object) {
	if c.status {
		delete(object.(*unstructured.Unstructured).Object, "status")
	}
}

func (c *customCreation) Canonicalize(runtime.Object) {}

func (c *customCreation) Validate(ctx context.Context, object runtime.Object) field.ErrorList {
	u := object.(*unstructured.Unstructured)
	errs := metavalidation.ValidateObjectMetaAccessor(u, c.namespaced, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, u.Object, c.validator)...)
	errs = append(errs, c.validateScale(u)...)
	errs = append(errs, objectmeta.Validate(ctx, nil, u.Object, c.schema, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, c.schema, u.Object)...)
	if c.rules != nil && !slices.ContainsFunc(errs, hidesRules) {
		broken, _ := c.rules.Validate(ctx, nil, c.schema, u.Object, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, broken...)
	}
	return errs
}

// hidesRules reports whether a rule would only repeat an error, or fail for it.
func hidesRules(e *field.Error) bool {
	switch e.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	}
	return false
}

// validateScale validates the fields that kubectl scale and an HPA use.
func (c *customCreation) validateScale(u *unstructured.Unstructured) (errs field.ErrorList) {
	if c.scale == nil {
		return nil
	}
	for _, path := range []string{c.scale.SpecReplicasPath, c.scale.StatusReplicasPath} {
		name := strings.TrimPrefix(path, ".")
		replicas, _, err := unstructured.NestedInt64(u.Object, strings.Split(name, ".")...)
		switch {
		case err != nil:
			errs = append(errs, field.Invalid(field.NewPath(name), replicas, err.Error()))
		case replicas < 0:
			errs = append(errs, field.Invalid(field.NewPath(name), replicas, "should be a non-negative integer"))
		case replicas > math.MaxInt32:
			errs = append(errs, field.Invalid(field.NewPath(name), replicas, fmt.Sprintf("should be less than or equal to %d", math.MaxInt32)))
		}
	}
	if path := c.scale.LabelSelectorPath; path != nil {
		name := strings.TrimPrefix(*path, ".")
		if _, _, err := unstructured.NestedString(u.Object, strings.Split(name, ".")...); err != nil {
			errs = append(errs, field.Invalid(field.NewPath(name), nil, err.Error()))
		}
	}
	return errs
}

// WarningsOnCreate warns of finalizers that other controllers may use as well.
func (c *customCreation) WarningsOnCreate(_ context.Context, object runtime.Object) (warnings []string) {
	finalizers := slices.Clone(object.(*unstructured.Unstructured).GetFinalizers())
	slices.Sort(finalizers)
	for _, name := range slices.Compact(finalizers) {
		for _, wrong := range utilvalidation.IsQualifiedName(name) {
			warnings = append(warnings, fmt.Sprintf("metadata.finalizers: %q: %s", name, wrong))
		}
		switch {
		case strings.Contains(name, "/") || name == metav1.FinalizerOrphanDependents || name == metav1.FinalizerDeleteDependents || name == "kubernetes":
		case strings.Contains(name, "."):
			warnings = append(warnings, fmt.Sprintf("metadata.finalizers: %q: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers", name))
		default:
			warnings = append(warnings, fmt.Sprintf("metadata.finalizers: %q: prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers", name))
		}
	}
	return warnings
}
