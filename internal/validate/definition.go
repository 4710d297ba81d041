package validate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"k8srepo/internal/problem"
)

// definition validates a CustomResourceDefinition. Its schemas, defaults and CEL rules pass the API
// server's code. The rules around them are written anew here, since those of Kubernetes link gRPC,
// OpenTelemetry and a client: 170 packages. bench/validate compares them with an API server.
func (v *Validator) definition(o *object) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.content, crd); err != nil {
		o.refuse(problem.ValueRefused, "", o.source.Place, "", "%v", err)
		return
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)
	crd.Namespace = ""
	for _, e := range validateDefinition(crd) {
		o.refuseField(e)
	}
	if len(o.verdict.Refused) == 0 {
		for _, text := range definitionWarnings(crd, minorNumber(v.minor)) {
			o.warnText(text)
		}
	}
}

// definitionWarnings returns the formats that the API server does not check, as it warns of them.
func definitionWarnings(crd *apiextensionsv1.CustomResourceDefinition, minor int) []string {
	found := map[string]bool{}
	var walk func(s *apiextensionsv1.JSONSchemaProps)
	walk = func(s *apiextensionsv1.JSONSchemaProps) {
		if s == nil {
			return
		}
		if s.Format != "" {
			one := &spec.Schema{SchemaProps: spec.SchemaProps{Format: s.Format, Type: []string{s.Type}}}
			for _, format := range validation.GetUnrecognizedFormats(one, version.MajorMinor(1, uint(minor-1))) {
				found[fmt.Sprintf("unrecognized format %q", format)] = true
			}
		}
		for _, inner := range s.Properties {
			walk(&inner)
		}
		if s.Items != nil {
			walk(s.Items.Schema)
		}
		if s.AdditionalProperties != nil {
			walk(s.AdditionalProperties.Schema)
		}
	}
	for _, v := range crd.Spec.Versions {
		walk(v.Schema.OpenAPIV3Schema)
	}
	return slices.Sorted(maps.Keys(found))
}

func validateDefinition(crd *apiextensionsv1.CustomResourceDefinition) field.ErrorList {
	at := field.NewPath("spec")
	s := &crd.Spec
	errs := metavalidation.ValidateObjectMeta(&crd.ObjectMeta, false, func(name string, prefix bool) []string {
		wrong := metavalidation.NameIsDNSSubdomain(name, prefix)
		if want := s.Names.Plural + "." + s.Group; name != want {
			wrong = append(wrong, `must be spec.names.plural+"."+spec.group`)
		}
		return wrong
	}, field.NewPath("metadata"))
	errs = append(errs, validateApproval(crd)...)
	switch {
	case s.Group == "":
		errs = append(errs, field.Required(at.Child("group"), ""))
	case !strings.Contains(s.Group, "."):
		errs = append(errs, field.Invalid(at.Child("group"), s.Group, "should be a domain with at least one dot"))
	default:
		errs = append(errs, invalid(at.Child("group"), s.Group, utilvalidation.IsDNS1123Subdomain(s.Group))...)
	}
	if s.Scope == "" {
		errs = append(errs, field.Required(at.Child("scope"), ""))
	} else {
		errs = append(errs, oneOf(at.Child("scope"), &s.Scope, []string{"Cluster", "Namespaced"})...)
	}
	if s.PreserveUnknownFields {
		errs = append(errs, field.Invalid(at.Child("preserveUnknownFields"), true, "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"))
	}
	errs = append(errs, validateKindNames(&s.Names, at.Child("names"))...)
	errs = append(errs, validateVersions(s.Versions, at.Child("versions"))...)
	return append(errs, validateConversion(s.Conversion, at.Child("conversion"))...)
}

// validateApproval requires what the groups of Kubernetes' own need: a link to a review.
func validateApproval(crd *apiextensionsv1.CustomResourceDefinition) field.ErrorList {
	if !apihelpers.IsProtectedCommunityGroup(crd.Spec.Group) {
		return nil
	}
	at := field.NewPath("metadata", "annotations").Key(apiextensionsv1.KubeAPIApprovedAnnotation)
	switch state, reason := apihelpers.GetAPIApprovalState(crd.Annotations); state {
	case apihelpers.APIApprovalMissing:
		return field.ErrorList{field.Required(at, reason)}
	case apihelpers.APIApprovalInvalid:
		return field.ErrorList{field.Invalid(at, crd.Annotations[apiextensionsv1.KubeAPIApprovedAnnotation], reason)}
	}
	return nil
}

func invalid(at *field.Path, value any, wrong []string) (errs field.ErrorList) {
	for _, detail := range wrong {
		errs = append(errs, field.Invalid(at, value, detail))
	}
	return errs
}

func validateKindNames(n *apiextensionsv1.CustomResourceDefinitionNames, at *field.Path) (errs field.ErrorList) {
	for _, one := range []struct{ key, name string }{{"plural", n.Plural}, {"singular", n.Singular}, {"kind", n.Kind}, {"listKind", n.ListKind}} {
		label := one.name
		if strings.HasSuffix(strings.ToLower(one.key), "kind") {
			label = strings.ToLower(label)
		}
		if one.name == "" {
			errs = append(errs, field.Required(at.Child(one.key), ""))
		} else {
			errs = append(errs, invalid(at.Child(one.key), one.name, utilvalidation.IsDNS1035Label(label))...)
		}
	}
	if n.Kind != "" && n.Kind == n.ListKind {
		errs = append(errs, field.Invalid(at.Child("listKind"), n.ListKind, "kind and listKind may not be the same"))
	}
	for key, names := range map[string][]string{"shortNames": n.ShortNames, "categories": n.Categories} {
		for i, name := range names {
			errs = append(errs, invalid(at.Child(key).Index(i), name, utilvalidation.IsDNS1035Label(name))...)
		}
	}
	return errs
}

func validateVersions(versions []apiextensionsv1.CustomResourceDefinitionVersion, at *field.Path) (errs field.ErrorList) {
	stored := 0
	for i := range versions {
		v, here := &versions[i], at.Index(i)
		if v.Storage {
			stored++
		}
		if slices.ContainsFunc(versions[:i], func(other apiextensionsv1.CustomResourceDefinitionVersion) bool { return other.Name == v.Name }) {
			errs = append(errs, field.Invalid(at, v.Name, "must contain unique version names"))
		}
		errs = append(errs, invalid(here.Child("name"), v.Name, utilvalidation.IsDNS1035Label(v.Name))...)
		switch warning := v.DeprecationWarning; {
		case warning == nil:
		case !v.Deprecated:
			errs = append(errs, field.Invalid(here.Child("deprecationWarning"), *warning, "can only be set for deprecated versions"))
		case *warning == "" || len(*warning) > 256:
			errs = append(errs, field.Invalid(here.Child("deprecationWarning"), *warning, "must have 1 to 256 characters"))
		}
		if v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
			errs = append(errs, field.Required(here.Child("schema", "openAPIV3Schema"), ""))
		} else {
			errs = append(errs, validateVersionSchema(v, here)...)
		}
		if v.Subresources != nil && v.Subresources.Scale != nil {
			errs = append(errs, validateScalePaths(v.Subresources.Scale, here.Child("subresources", "scale"))...)
		}
		for j := range v.AdditionalPrinterColumns {
			errs = append(errs, validateColumn(&v.AdditionalPrinterColumns[j], here.Child("additionalPrinterColumns").Index(j))...)
		}
	}
	if stored != 1 {
		errs = append(errs, field.Invalid(at, stored, "must have exactly one version marked as storage version"))
	}
	return errs
}

func validateScalePaths(s *apiextensionsv1.CustomResourceSubresourceScale, at *field.Path) (errs field.ErrorList) {
	check := func(key, path string, below ...string) {
		if !slices.ContainsFunc(below, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			errs = append(errs, field.Invalid(at.Child(key), path, "should be a json path under "+strings.Join(below, " or ")))
		}
	}
	check("specReplicasPath", s.SpecReplicasPath, ".spec.")
	check("statusReplicasPath", s.StatusReplicasPath, ".status.")
	if s.LabelSelectorPath != nil && *s.LabelSelectorPath != "" {
		check("labelSelectorPath", *s.LabelSelectorPath, ".spec.", ".status.")
	}
	return errs
}

var (
	columnTypes   = []string{"boolean", "date", "integer", "number", "string"}
	columnFormats = []string{"byte", "date", "date-time", "double", "float", "int32", "int64", "password"}
)

func validateColumn(c *apiextensionsv1.CustomResourceColumnDefinition, at *field.Path) (errs field.ErrorList) {
	if c.Name == "" {
		errs = append(errs, field.Required(at.Child("name"), ""))
	}
	errs = append(errs, oneOf(at.Child("type"), &c.Type, columnTypes)...)
	if c.Format != "" {
		errs = append(errs, oneOf(at.Child("format"), &c.Format, columnFormats)...)
	}
	if !strings.HasPrefix(c.JSONPath, ".") {
		errs = append(errs, field.Invalid(at.Child("jsonPath"), c.JSONPath, "must be a simple json path starting with ."))
	}
	return errs
}

func validateConversion(c *apiextensionsv1.CustomResourceConversion, at *field.Path) field.ErrorList {
	errs := oneOf(at.Child("strategy"), &c.Strategy, []string{"None", "Webhook"})
	if c.Strategy != apiextensionsv1.WebhookConverter {
		if c.Webhook != nil {
			errs = append(errs, field.Forbidden(at.Child("webhook"), "should not be set when strategy is not set to Webhook"))
		}
		return errs
	}
	if c.Webhook == nil || c.Webhook.ClientConfig == nil {
		return append(errs, field.Required(at.Child("webhook", "clientConfig"), "required when strategy is set to Webhook"))
	}
	switch client := c.Webhook.ClientConfig; {
	case (client.URL == nil) == (client.Service == nil):
		errs = append(errs, field.Required(at.Child("webhook", "clientConfig"), "exactly one of url or service is required"))
	case client.URL != nil:
		errs = append(errs, validateHookURL(at.Child("webhook", "clientConfig", "url"), *client.URL)...)
	default:
		port := int32(443)
		if client.Service.Port != nil {
			port = *client.Service.Port
		}
		errs = append(errs, validateHookService(at.Child("webhook", "clientConfig", "service"), client.Service.Namespace, client.Service.Name, client.Service.Path, port)...)
	}
	return append(errs, validateReviewVersions(at.Child("webhook", "conversionReviewVersions"), c.Webhook.ConversionReviewVersions)...)
}

// validateVersionSchema validates a version's schema: its form, its defaults, its rules.
func validateVersionSchema(v *apiextensionsv1.CustomResourceDefinitionVersion, version *field.Path) field.ErrorList {
	at := version.Child("schema", "openAPIV3Schema")
	s := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, s, nil); err != nil {
		return field.ErrorList{field.Invalid(at, "", err.Error())}
	}
	var errs field.ErrorList
	if s.Nullable {
		errs = append(errs, field.Forbidden(at.Child("nullable"), "nullable cannot be true at the root"))
	}
	if v.Subresources != nil && v.Subresources.Status != nil && s.Type != "object" {
		errs = append(errs, field.Invalid(at.Child("type"), s.Type, `only "object" is allowed as the type at the root of the schema if the status subresource is enabled`))
	}
	if errs = append(errs, validateSchema(s, at)...); len(errs) > 0 {
		return errs
	}
	form, err := structural.NewStructural(s)
	if err != nil {
		return field.ErrorList{field.Invalid(at, "", err.Error())}
	}
	if errs := structural.ValidateStructural(at, form); len(errs) > 0 {
		return errs
	}
	errs, err = defaulting.ValidateDefaults(context.Background(), at, form, true, true)
	if err != nil {
		errs = append(errs, field.Invalid(at, "", err.Error()))
	}
	errs = append(errs, validateRules(form, true, at)...)
	if _, _, err := validation.NewSchemaValidator(s); err != nil && len(errs) == 0 {
		errs = append(errs, field.Invalid(at, "", err.Error()))
	}
	for i, f := range v.SelectableFields {
		if !strings.HasPrefix(f.JSONPath, ".") || strings.HasPrefix(f.JSONPath, ".metadata") {
			errs = append(errs, field.Invalid(version.Child("selectableFields").Index(i).Child("jsonPath"), f.JSONPath, fmt.Sprintf("is an invalid path: %s", f.JSONPath)))
		}
	}
	return errs
}
