package validate

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
)

// This file has the rules of admissionregistration.k8s.io, written anew, since those of Kubernetes
// link every client and informer of the API: 400 packages. bench/validate compares them with an API
// server.

var createValidatingWebhooks = creation[*admissionregistration.ValidatingWebhookConfiguration]{
	cluster: true,
	validate: func(c *admissionregistration.ValidatingWebhookConfiguration) field.ErrorList {
		hooks := make([]webhook, len(c.Webhooks))
		for i, h := range c.Webhooks {
			hooks[i] = webhook{h.Name, h.ClientConfig, h.Rules, h.FailurePolicy, h.MatchPolicy, h.NamespaceSelector, h.ObjectSelector, h.SideEffects, h.TimeoutSeconds,
				h.AdmissionReviewVersions, nil, h.MatchConditions}
		}
		return validateWebhooks(&c.ObjectMeta, hooks)
	},
}

var createMutatingWebhooks = creation[*admissionregistration.MutatingWebhookConfiguration]{
	cluster: true,
	validate: func(c *admissionregistration.MutatingWebhookConfiguration) field.ErrorList {
		hooks := make([]webhook, len(c.Webhooks))
		for i, h := range c.Webhooks {
			hooks[i] = webhook{h.Name, h.ClientConfig, h.Rules, h.FailurePolicy, h.MatchPolicy, h.NamespaceSelector, h.ObjectSelector, h.SideEffects, h.TimeoutSeconds,
				h.AdmissionReviewVersions, h.ReinvocationPolicy, h.MatchConditions}
		}
		return validateWebhooks(&c.ObjectMeta, hooks)
	},
}

// webhook is what both kinds of webhooks have.
type webhook struct {
	name              string
	client            admissionregistration.WebhookClientConfig
	rules             []admissionregistration.RuleWithOperations
	failurePolicy     *admissionregistration.FailurePolicyType
	matchPolicy       *admissionregistration.MatchPolicyType
	namespaceSelector *metav1.LabelSelector
	objectSelector    *metav1.LabelSelector
	sideEffects       *admissionregistration.SideEffectClass
	timeoutSeconds    *int32
	reviewVersions    []string
	reinvocation      *admissionregistration.ReinvocationPolicyType // nil where the kind has none
	conditions        []admissionregistration.MatchCondition
}

// The values of the enumerations, as the API server lists them.
var (
	failurePolicies  = []string{"Fail", "Ignore"}
	matchPolicies    = []string{"Equivalent", "Exact"}
	sideEffects      = []string{"None", "NoneOnDryRun"}
	operations       = []string{"*", "CONNECT", "CREATE", "DELETE", "UPDATE"}
	ruleScopes       = []string{"*", "Cluster", "Namespaced"}
	reviewVersions   = []string{"v1", "v1beta1"}
	reasons          = []string{"Forbidden", "Invalid", "RequestEntityTooLarge"}
	actions          = []string{"Audit", "Deny", "Warn"}
	notFoundActions  = []string{"Allow", "Deny"}
	reinvocations    = []string{"IfNeeded", "Never"}
	maxConditions    = 64
	maxAnnotations   = 20
	maxAnnotationLen = 5 * 1024
)

// oneOf requires one of some values; a nil value passes.
func oneOf[T ~string](at *field.Path, value *T, values []string) field.ErrorList {
	if value == nil || slices.Contains(values, string(*value)) {
		return nil
	}
	return field.ErrorList{field.NotSupported(at, *value, values)}
}

func required[T any](at *field.Path, value *T, detail string) field.ErrorList {
	if value == nil {
		return field.ErrorList{field.Required(at, detail)}
	}
	return nil
}

func validateWebhooks(meta *metav1.ObjectMeta, hooks []webhook) field.ErrorList {
	errs := metavalidation.ValidateObjectMeta(meta, false, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	names := map[string]bool{}
	for i, h := range hooks {
		at := field.NewPath("webhooks").Index(i)
		if names[h.name] && h.name != "" {
			errs = append(errs, field.Duplicate(at.Child("name"), h.name))
		}
		names[h.name] = true
		errs = append(errs, h.validate(at)...)
	}
	return errs
}

func (h *webhook) validate(at *field.Path) field.ErrorList {
	errs := utilvalidation.IsFullyQualifiedName(at.Child("name"), h.name)
	for i := range h.rules {
		errs = append(errs, validateRule(&h.rules[i], at.Child("rules").Index(i))...)
	}
	errs = append(errs, oneOf(at.Child("failurePolicy"), h.failurePolicy, failurePolicies)...)
	errs = append(errs, oneOf(at.Child("matchPolicy"), h.matchPolicy, matchPolicies)...)
	errs = append(errs, required(at.Child("sideEffects"), h.sideEffects, "must specify one of "+strings.Join(sideEffects, ", "))...)
	errs = append(errs, oneOf(at.Child("sideEffects"), h.sideEffects, sideEffects)...)
	errs = append(errs, oneOf(at.Child("reinvocationPolicy"), h.reinvocation, reinvocations)...)
	if s := h.timeoutSeconds; s != nil && (*s < 1 || *s > 30) {
		errs = append(errs, field.Invalid(at.Child("timeoutSeconds"), *s, "the timeout value must be between 1 and 30 seconds"))
	}
	errs = append(errs, validateSelector(at.Child("namespaceSelector"), h.namespaceSelector)...)
	errs = append(errs, validateSelector(at.Child("objectSelector"), h.objectSelector)...)
	errs = append(errs, validateClient(&h.client, at.Child("clientConfig"))...)
	errs = append(errs, validateReviewVersions(at.Child("admissionReviewVersions"), h.reviewVersions)...)
	return append(errs, validateConditions(at.Child("matchConditions"), h.conditions, false)...)
}

func validateSelector(at *field.Path, s *metav1.LabelSelector) field.ErrorList {
	if s == nil {
		return nil
	}
	return metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, at)
}

func validateReviewVersions(at *field.Path, versions []string) (errs field.ErrorList) {
	if len(versions) == 0 {
		return field.ErrorList{field.Required(at, "must specify one of "+strings.Join(reviewVersions, ", "))}
	}
	known := false
	for i, v := range versions {
		if slices.Contains(versions[:i], v) {
			errs = append(errs, field.Invalid(at.Index(i), v, "duplicate version"))
			continue
		}
		for _, wrong := range utilvalidation.IsDNS1035Label(v) {
			errs = append(errs, field.Invalid(at.Index(i), v, wrong))
		}
		known = known || slices.Contains(reviewVersions, v)
	}
	if !known {
		errs = append(errs, field.Invalid(at, versions, "must include at least one of "+strings.Join(reviewVersions, ", ")))
	}
	return errs
}

func validateClient(c *admissionregistration.WebhookClientConfig, at *field.Path) (errs field.ErrorList) {
	switch {
	case (c.URL == nil) == (c.Service == nil):
		return field.ErrorList{field.Required(at, "exactly one of url or service is required")}
	case c.URL != nil:
		return validateHookURL(at.Child("url"), *c.URL)
	}
	s := c.Service
	return validateHookService(at.Child("service"), s.Namespace, s.Name, s.Path, s.Port)
}

func validateHookURL(at *field.Path, text string) (errs field.ErrorList) {
	u, err := url.Parse(text)
	if err != nil {
		return field.ErrorList{field.Invalid(at, text, "url must be a valid URL: "+err.Error())}
	}
	for _, rule := range []struct {
		broken bool
		detail string
	}{
		{u.Scheme != "https", "'https' is the only allowed URL scheme; desired format: https://host[/path]"},
		{u.Host == "", "host must be specified; desired format: https://host[/path]"},
		{u.User != nil, "user information is not permitted in the URL"},
		{u.Fragment != "", "fragments are not permitted in the URL"},
		{u.RawQuery != "", "query parameters are not permitted in the URL"},
	} {
		if rule.broken {
			errs = append(errs, field.Invalid(at, text, rule.detail))
		}
	}
	return errs
}

func validateHookService(at *field.Path, namespace, name string, path *string, port int32) (errs field.ErrorList) {
	if name == "" {
		errs = append(errs, field.Required(at.Child("name"), ""))
	}
	if namespace == "" {
		errs = append(errs, field.Required(at.Child("namespace"), ""))
	}
	for _, wrong := range utilvalidation.IsValidPortNum(int(port)) {
		errs = append(errs, field.Invalid(at.Child("port"), port, wrong))
	}
	if path == nil || *path == "" || *path == "/" {
		return errs
	}
	if !strings.HasPrefix(*path, "/") {
		errs = append(errs, field.Invalid(at.Child("path"), *path, "must start with a '/'"))
	}
	for i, segment := range strings.Split(strings.TrimSuffix((*path)[1:], "/"), "/") {
		if segment == "" {
			errs = append(errs, field.Invalid(at.Child("path"), *path, fmt.Sprintf("segment[%d] may not be empty", i)))
			continue
		}
		for _, wrong := range utilvalidation.IsDNS1123Subdomain(segment) {
			errs = append(errs, field.Invalid(at.Child("path"), *path, fmt.Sprintf("segment[%d]: %s", i, wrong)))
		}
	}
	return errs
}

func validateRule(r *admissionregistration.RuleWithOperations, at *field.Path) (errs field.ErrorList) {
	errs = append(errs, validateWords(at.Child("operations"), r.Operations, "operations")...)
	for i := range r.Operations {
		errs = append(errs, oneOf(at.Child("operations").Index(i), &r.Operations[i], operations)...)
	}
	errs = append(errs, validateWords(at.Child("apiGroups"), r.APIGroups, "API groups")...)
	errs = append(errs, validateWords(at.Child("apiVersions"), r.APIVersions, "API versions")...)
	for i, version := range r.APIVersions {
		if version == "" {
			errs = append(errs, field.Required(at.Child("apiVersions").Index(i), ""))
		}
	}
	errs = append(errs, validateResources(at.Child("resources"), r.Resources)...)
	return append(errs, oneOf(at.Child("scope"), r.Scope, ruleScopes)...)
}

// validateWords requires a list with something in it, and * alone.
func validateWords[T ~string](at *field.Path, words []T, noun string) field.ErrorList {
	if len(words) == 0 {
		return field.ErrorList{field.Required(at, "")}
	}
	if len(words) > 1 && slices.Contains(words, "*") {
		return field.ErrorList{field.Invalid(at, words, "if '*' is present, must not specify other "+noun)}
	}
	return nil
}

func validateResources(at *field.Path, resources []string) (errs field.ErrorList) {
	if len(resources) == 0 {
		return field.ErrorList{field.Required(at, "")}
	}
	if len(resources) > 1 && slices.Contains(resources, "*/*") {
		errs = append(errs, field.Invalid(at, resources, "if '*/*' is present, must not specify other resources"))
	}
	plain := false // the last name without a slash is not *
	for i, name := range resources {
		resource, sub, hasSub := strings.Cut(name, "/")
		switch {
		case name == "":
			errs = append(errs, field.Required(at.Index(i), ""))
			continue
		case !hasSub:
			plain = name != "*"
			continue
		}
		for _, other := range []string{resource + "/*", "*/" + sub} {
			if slices.Contains(resources[:i], other) {
				errs = append(errs, field.Invalid(at.Index(i), name, fmt.Sprintf("if '%s' is present, must not specify %s", other, name)))
			}
		}
	}
	if plain && slices.Contains(resources, "*") {
		errs = append(errs, field.Invalid(at, resources, "if '*' is present, must not specify other resources without subresources"))
	}
	return errs
}

var createAdmissionPolicy = creation[*admissionregistration.ValidatingAdmissionPolicy]{
	cluster: true,
	prepare: func(p *admissionregistration.ValidatingAdmissionPolicy) {
		p.Status = admissionregistration.ValidatingAdmissionPolicyStatus{}
	},
	validate: func(p *admissionregistration.ValidatingAdmissionPolicy) field.ErrorList {
		errs := metavalidation.ValidateObjectMeta(&p.ObjectMeta, false, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
		return append(errs, validatePolicy(p.Name, &p.Spec, field.NewPath("spec"))...)
	},
}

func validatePolicy(name string, s *admissionregistration.ValidatingAdmissionPolicySpec, at *field.Path) field.ErrorList {
	errs := required(at.Child("failurePolicy"), s.FailurePolicy, "")
	errs = append(errs, oneOf(at.Child("failurePolicy"), s.FailurePolicy, failurePolicies)...)
	if s.ParamKind != nil {
		errs = append(errs, validateParamKind(at.Child("paramKind"), s.ParamKind)...)
	}
	constraints := at.Child("matchConstraints")
	errs = append(errs, required(constraints, s.MatchConstraints, "")...)
	if s.MatchConstraints != nil {
		errs = append(errs, validateMatch(s.MatchConstraints, constraints)...)
		if len(s.MatchConstraints.ResourceRules) == 0 {
			errs = append(errs, field.Required(constraints.Child("resourceRules"), ""))
		}
	}
	errs = append(errs, validateConditions(at.Child("matchConditions"), s.MatchConditions, s.ParamKind != nil)...)
	if len(s.Validations)+len(s.AuditAnnotations) == 0 {
		const detail = "validations or auditAnnotations must contain at least one item"
		return append(errs, field.Required(at.Child("validations"), detail), field.Required(at.Child("auditAnnotations"), detail))
	}
	return append(errs, validateExpressions(name, s, at)...)
}

func validateParamKind(at *field.Path, k *admissionregistration.ParamKind) (errs field.ErrorList) {
	group, version, grouped := strings.Cut(k.APIVersion, "/")
	if !grouped {
		group, version = "", k.APIVersion
	}
	switch {
	case k.APIVersion == "":
		errs = append(errs, field.Required(at.Child("apiVersion"), ""))
	case strings.Contains(version, "/") || len(utilvalidation.IsDNS1035Label(version)) > 0 || group != "" && len(utilvalidation.IsDNS1123Subdomain(group)) > 0:
		errs = append(errs, field.Invalid(at.Child("apiVersion"), k.APIVersion, "must be a version, or a group and a version with a / between them"))
	}
	if k.Kind == "" {
		errs = append(errs, field.Required(at.Child("kind"), ""))
	} else if wrong := utilvalidation.IsDNS1035Label(strings.ToLower(k.Kind)); len(wrong) > 0 {
		errs = append(errs, field.Invalid(at.Child("kind"), k.Kind, "may have mixed case, but should otherwise match: "+strings.Join(wrong, ",")))
	}
	return errs
}

func validateMatch(m *admissionregistration.MatchResources, at *field.Path) field.ErrorList {
	errs := required(at.Child("matchPolicy"), m.MatchPolicy, "")
	errs = append(errs, oneOf(at.Child("matchPolicy"), m.MatchPolicy, matchPolicies)...)
	errs = append(errs, validateSelector(at.Child("namespaceSelector"), m.NamespaceSelector)...)
	errs = append(errs, validateSelector(at.Child("objectSelector"), m.ObjectSelector)...)
	for list, rules := range map[string][]admissionregistration.NamedRuleWithOperations{"resourceRules": m.ResourceRules, "excludeResourceRules": m.ExcludeResourceRules} {
		for i := range rules {
			here := at.Child(list).Index(i)
			for j, name := range rules[i].ResourceNames {
				if slices.Contains(rules[i].ResourceNames[:j], name) {
					errs = append(errs, field.Duplicate(here.Child("resourceNames").Index(j), name))
				}
				for _, wrong := range content.IsPathSegmentName(name) {
					errs = append(errs, field.Invalid(here.Child("resourceNames").Index(j), name, wrong))
				}
			}
			errs = append(errs, validateRule(&rules[i].RuleWithOperations, here)...)
		}
	}
	return errs
}

var createAdmissionBinding = creation[*admissionregistration.ValidatingAdmissionPolicyBinding]{
	cluster: true,
	validate: func(b *admissionregistration.ValidatingAdmissionPolicyBinding) field.ErrorList {
		errs := metavalidation.ValidateObjectMeta(&b.ObjectMeta, false, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
		at := field.NewPath("spec")
		if b.Spec.PolicyName == "" {
			errs = append(errs, field.Required(at.Child("policyName"), ""))
		} else {
			for _, wrong := range metavalidation.NameIsDNSSubdomain(b.Spec.PolicyName, false) {
				errs = append(errs, field.Invalid(at.Child("policyName"), b.Spec.PolicyName, wrong))
			}
		}
		if b.Spec.ParamRef != nil {
			errs = append(errs, validateParamRef(b.Spec.ParamRef, at.Child("paramRef"))...)
		}
		if b.Spec.MatchResources != nil {
			errs = append(errs, validateMatch(b.Spec.MatchResources, at.Child("matchResources"))...)
		}
		return append(errs, validateActions(b.Spec.ValidationActions, at.Child("validationActions"))...)
	},
}

func validateParamRef(r *admissionregistration.ParamRef, at *field.Path) field.ErrorList {
	errs := validateSelector(at.Child("selector"), r.Selector)
	switch {
	case r.Name == "" && r.Selector == nil:
		errs = append(errs, field.Required(at, "one of name or selector must be specified"))
	case r.Name != "" && r.Selector != nil:
		errs = append(errs, field.Forbidden(at.Child("name"), "name and selector are mutually exclusive"))
	}
	errs = append(errs, required(at.Child("parameterNotFoundAction"), r.ParameterNotFoundAction, "")...)
	return append(errs, oneOf(at.Child("parameterNotFoundAction"), r.ParameterNotFoundAction, notFoundActions)...)
}

func validateActions(list []admissionregistration.ValidationAction, at *field.Path) (errs field.ErrorList) {
	if len(list) == 0 {
		return field.ErrorList{field.Required(at, "at least one validation action is required")}
	}
	for i := range list {
		errs = append(errs, oneOf(at.Index(i), &list[i], actions)...)
		if slices.Contains(list[:i], list[i]) {
			errs = append(errs, field.Duplicate(at.Index(i), list[i]))
		}
	}
	if slices.Contains(list, admissionregistration.Deny) && slices.Contains(list, admissionregistration.Warn) {
		errs = append(errs, field.Invalid(at, list, "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"))
	}
	return errs
}
