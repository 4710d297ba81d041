package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

var (
	schemaTypes = []string{"array", "boolean", "integer", "number", "object", "string"}
	listTypes   = []string{"atomic", "map", "set"}
	mapTypes    = []string{"atomic", "granular"}
	ruleReasons = []string{"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"}
)

// validateSchema refuses what an API server's schemas cannot have, at every depth.
func validateSchema(s *apiextensions.JSONSchemaProps, at *field.Path) (errs field.ErrorList) {
	if s == nil {
		return nil
	}
	if s.Type != "" {
		errs = append(errs, oneOf(at.Child("type"), &s.Type, schemaTypes)...)
	}
	for _, one := range []struct {
		there bool
		key   string
	}{
		{s.ID != "", "id"}, {s.AdditionalItems != nil, "additionalItems"}, {len(s.PatternProperties) > 0, "patternProperties"}, {len(s.Definitions) > 0, "definitions"},
		{s.Dependencies != nil, "dependencies"}, {s.Ref != nil, "$ref"}, {s.Items != nil && len(s.Items.JSONSchemas) > 0, "items"}, {s.UniqueItems, "uniqueItems"},
		{s.AdditionalProperties != nil && len(s.Properties) > 0 && (!s.AdditionalProperties.Allows || s.AdditionalProperties.Schema != nil), "additionalProperties"},
	} {
		if one.there {
			errs = append(errs, field.Forbidden(at.Child(one.key), one.key+" is not supported here"))
		}
	}
	if p := s.XPreserveUnknownFields; p != nil && !*p {
		errs = append(errs, field.Invalid(at.Child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"))
	}
	errs = append(errs, validateListType(s, at)...)
	for i := range s.XValidations {
		errs = append(errs, validateRuleText(&s.XValidations[i], at.Child("x-kubernetes-validations").Index(i))...)
	}
	return append(errs, validateInnerSchemas(s, at)...)
}

func validateInnerSchemas(s *apiextensions.JSONSchemaProps, at *field.Path) (errs field.ErrorList) {
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		inner := s.Properties[key]
		errs = append(errs, validateSchema(&inner, at.Child("properties").Key(key))...)
	}
	if s.AdditionalProperties != nil {
		errs = append(errs, validateSchema(s.AdditionalProperties.Schema, at.Child("additionalProperties"))...)
	}
	if s.Items != nil {
		errs = append(errs, validateSchema(s.Items.Schema, at.Child("items"))...)
	}
	errs = append(errs, validateSchema(s.Not, at.Child("not"))...)
	for key, list := range map[string][]apiextensions.JSONSchemaProps{"allOf": s.AllOf, "anyOf": s.AnyOf, "oneOf": s.OneOf} {
		for i := range list {
			errs = append(errs, validateSchema(&list[i], at.Child(key).Index(i))...)
		}
	}
	return errs
}

// validateListType validates what tells the items of a list apart.
func validateListType(s *apiextensions.JSONSchemaProps, at *field.Path) (errs field.ErrorList) {
	errs = append(errs, oneOf(at.Child("x-kubernetes-list-type"), s.XListType, listTypes)...)
	errs = append(errs, oneOf(at.Child("x-kubernetes-map-type"), s.XMapType, mapTypes)...)
	if s.XListType != nil && s.Type != "array" {
		errs = append(errs, field.Invalid(at.Child("type"), s.Type, "must be array if x-kubernetes-list-type is specified"))
	}
	if s.XMapType != nil && s.Type != "object" {
		errs = append(errs, field.Invalid(at.Child("type"), s.Type, "must be object if x-kubernetes-map-type is specified"))
	}
	isMap := s.XListType != nil && *s.XListType == "map"
	keys := at.Child("x-kubernetes-list-map-keys")
	switch {
	case len(s.XListMapKeys) > 0 && !isMap:
		return append(errs, field.Invalid(at.Child("x-kubernetes-list-type"), s.XListType, "must be map if x-kubernetes-list-map-keys is non-empty"))
	case isMap && len(s.XListMapKeys) == 0:
		errs = append(errs, field.Required(keys, "must not be empty if x-kubernetes-list-type is map"))
	}
	if s.Items == nil || s.Items.Schema == nil {
		return errs
	}
	item := s.Items.Schema
	isSet := s.XListType != nil && *s.XListType == "set"
	if (isMap || isSet) && item.Nullable {
		errs = append(errs, field.Forbidden(at.Child("items", "nullable"), "cannot be nullable when x-kubernetes-list-type is "+*s.XListType))
	}
	if isSet && (item.Type == "object" && (item.XMapType == nil || *item.XMapType != "atomic") || item.Type == "array" && item.XListType != nil && *item.XListType != "atomic") {
		errs = append(errs, field.Invalid(at.Child("items"), item.Type, "must be atomic as item of a list with x-kubernetes-list-type=set"))
	}
	if !isMap {
		return errs
	}
	if item.Type != "object" {
		return append(errs, field.Invalid(at.Child("items", "type"), item.Type, "must be object if parent array's x-kubernetes-list-type is map"))
	}
	for i, key := range s.XListMapKeys {
		p, ok := item.Properties[key]
		property := at.Child("items", "properties").Key(key)
		switch {
		case !ok:
			errs = append(errs, field.Invalid(keys, s.XListMapKeys, "entries must all be names of item properties"))
		case slices.Contains(s.XListMapKeys[:i], key):
			errs = append(errs, field.Invalid(keys, s.XListMapKeys, "must not contain duplicate entries"))
		case p.Type == "array" || p.Type == "object":
			errs = append(errs, field.Invalid(property.Child("type"), p.Type, "must be a scalar type if parent array's x-kubernetes-list-type is map"))
		case !slices.Contains(item.Required, key) && p.Default == nil:
			errs = append(errs, field.Required(property.Child("default"), "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"))
		case p.Nullable:
			errs = append(errs, field.Forbidden(property.Child("nullable"), "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"))
		}
	}
	return errs
}

func validateRuleText(r *apiextensions.ValidationRule, at *field.Path) (errs field.ErrorList) {
	if strings.TrimSpace(r.Rule) == "" {
		errs = append(errs, field.Required(at.Child("rule"), "rule is not specified"))
	}
	message := strings.TrimSpace(r.Message)
	switch {
	case r.Message != "" && message == "":
		errs = append(errs, field.Invalid(at.Child("message"), r.Message, "must be non-empty if specified"))
	case strings.ContainsAny(message, "\r\n"):
		errs = append(errs, field.Invalid(at.Child("message"), r.Message, "must not contain line breaks"))
	case message == "" && strings.ContainsAny(strings.TrimSpace(r.Rule), "\r\n"):
		errs = append(errs, field.Required(at.Child("message"), "message must be specified if rule contains line breaks"))
	}
	if r.MessageExpression != "" && strings.TrimSpace(r.MessageExpression) == "" {
		errs = append(errs, field.Required(at.Child("messageExpression"), "messageExpression must be non-empty if specified"))
	}
	return append(errs, oneOf(at.Child("reason"), r.Reason, ruleReasons)...)
}

// maxRuleCost is what the API server lets a rule cost, by its own estimate.
const maxRuleCost = 10_000_000

// validateRules compiles the CEL rules of a schema and of those in it.
func validateRules(s *structural.Structural, root bool, at *field.Path) (errs field.ErrorList) {
	if s == nil {
		return nil
	}
	if len(s.XValidations) > 0 {
		of := s
		if root {
			of = model.WithTypeAndObjectMeta(s)
		}
		compiled, err := cel.Compile(of, model.SchemaDeclType(of, root || s.XEmbeddedResource), celconfig.PerCallLimit, environmentSet(), cel.NewExpressionsEnvLoader())
		if err != nil {
			errs = append(errs, field.InternalError(at.Child("x-kubernetes-validations"), err))
		}
		for i, rule := range compiled {
			here := at.Child("x-kubernetes-validations").Index(i)
			switch {
			case rule.Error != nil:
				errs = append(errs, field.Invalid(here.Child("rule"), s.XValidations[i].Rule, rule.Error.Detail))
			case rule.MessageExpressionError != nil:
				errs = append(errs, field.Invalid(here.Child("messageExpression"), s.XValidations[i].MessageExpression, rule.MessageExpressionError.Detail))
			case root && rule.MaxCost > maxRuleCost:
				errs = append(errs, field.Forbidden(here.Child("rule"), fmt.Sprintf("estimated rule cost exceeds budget by factor of %.1fx", float64(rule.MaxCost)/maxRuleCost)))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		inner := s.Properties[key]
		errs = append(errs, validateRules(&inner, false, at.Child("properties").Key(key))...)
	}
	if s.AdditionalProperties != nil {
		errs = append(errs, validateRules(s.AdditionalProperties.Structural, false, at.Child("additionalProperties"))...)
	}
	return append(errs, validateRules(s.Items, false, at.Child("items"))...)
}
