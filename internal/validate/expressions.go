package validate

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"

	"k8srepo/internal/lazyregexp"
)

// expression is a CEL expression of an admission policy or webhook.
type expression struct {
	name, text string
	returns    []*cel.Type
}

func (e *expression) GetExpression() string    { return e.text }
func (e *expression) GetName() string          { return e.name }
func (e *expression) ReturnTypes() []*cel.Type { return e.returns }

// environmentSet returns what new expressions may use in the emulated minor: what the minor before
// it knows too, so that an API server can be rolled back.
func environmentSet() *environment.EnvSet {
	return environment.MustBaseEnvSet(version.MajorMinor(1, uint(minorNumber(emulation.minor)-1)))
}

// statelessCompilers are the compilers of expressions that use no variables of a policy, by minor. To
// make one takes longer than to compile with it.
var statelessCompilers sync.Map

// statelessCompiler returns that of the emulated minor.
func statelessCompiler() plugincel.Compiler {
	if known, ok := statelessCompilers.Load(emulation.minor); ok {
		return known.(plugincel.Compiler)
	}
	made, _ := statelessCompilers.LoadOrStore(emulation.minor, plugincel.NewCompiler(environmentSet()))
	return made.(plugincel.Compiler)
}

// compile reports what is wrong with an expression.
func (e *expression) compile(c plugincel.Compiler, at *field.Path, params, authorizer bool) field.ErrorList {
	if strings.TrimSpace(e.text) == "" {
		return field.ErrorList{field.Required(at, "")}
	}
	result := c.CompileCELExpression(e, plugincel.OptionalVariableDeclarations{HasParams: params, HasAuthorizer: authorizer}, environment.NewExpressions)
	if result.Error != nil {
		return field.ErrorList{field.Invalid(at, e.text, result.Error.Detail)}
	}
	return nil
}

// validateConditions validates the matchConditions of a webhook or a policy.
func validateConditions(at *field.Path, list []admissionregistration.MatchCondition, params bool) (errs field.ErrorList) {
	if len(list) > maxConditions {
		errs = append(errs, field.TooMany(at, len(list), maxConditions))
	}
	if len(list) == 0 {
		return errs
	}
	compiler := statelessCompiler()
	for i, c := range list {
		e := &expression{c.Name, strings.TrimSpace(c.Expression), []*cel.Type{cel.BoolType}}
		errs = append(errs, e.compile(compiler, at.Index(i).Child("expression"), params, true)...)
		name := at.Index(i).Child("name")
		switch {
		case c.Name == "":
			errs = append(errs, field.Required(name, ""))
		case slices.ContainsFunc(list[:i], func(other admissionregistration.MatchCondition) bool { return other.Name == c.Name }):
			errs = append(errs, field.Duplicate(name, c.Name))
		default:
			errs = append(errs, corevalidation.ValidateQualifiedName(c.Name, name)...)
		}
	}
	return errs
}

// identifier is a name that CEL takes, and keywords are those that it keeps for itself.
var (
	identifier = lazyregexp.New(`^[_a-zA-Z][_a-zA-Z0-9]*$`)
	keywords   = strings.Fields("true false null in as break const continue else for function if import let loop package namespace return var void while")
)

// validateExpressions validates the variables of a policy, and what uses them.
func validateExpressions(name string, s *admissionregistration.ValidatingAdmissionPolicySpec, at *field.Path) (errs field.ErrorList) {
	compiler, err := plugincel.NewCompositedCompiler(environmentSet())
	if err != nil {
		return field.ErrorList{field.InternalError(at, err)}
	}
	params := s.ParamKind != nil
	for i, v := range s.Variables {
		here := at.Child("variables").Index(i)
		switch {
		case strings.TrimSpace(v.Name) == "":
			errs = append(errs, field.Required(here.Child("name"), "name is not specified"))
		case !identifier.MatchString(v.Name) || slices.Contains(keywords, v.Name):
			errs = append(errs, field.Invalid(here.Child("name"), v.Name, "must be a valid CEL identifier"))
		}
		e := &expression{v.Name, v.Expression, []*cel.Type{cel.AnyType, cel.DynType}}
		if strings.TrimSpace(v.Expression) == "" {
			errs = append(errs, field.Required(here.Child("expression"), "expression is not specified"))
			continue
		}
		result := compiler.CompileAndStoreVariable(e, plugincel.OptionalVariableDeclarations{HasParams: params, HasAuthorizer: true}, environment.NewExpressions)
		if result.Error != nil {
			errs = append(errs, field.Invalid(here.Child("expression"), v.Expression, result.Error.Detail))
		}
	}
	for i, v := range s.Validations {
		errs = append(errs, validateValidation(compiler, &v, params, at.Child("validations").Index(i))...)
	}
	return append(errs, validateAnnotations(compiler, name, s.AuditAnnotations, params, at.Child("auditAnnotations"))...)
}

func validateValidation(c plugincel.Compiler, v *admissionregistration.Validation, params bool, at *field.Path) field.ErrorList {
	errs := (&expression{"", v.Expression, []*cel.Type{cel.BoolType}}).compile(c, at.Child("expression"), params, true)
	if v.MessageExpression != "" {
		errs = append(errs, (&expression{"", v.MessageExpression, []*cel.Type{cel.StringType}}).compile(c, at.Child("messageExpression"), params, false)...)
	}
	switch message := strings.TrimSpace(v.Message); {
	case v.Message != "" && message == "":
		errs = append(errs, field.Invalid(at.Child("message"), v.Message, "must be non-empty if specified"))
	case strings.ContainsAny(message, "\r\n"):
		errs = append(errs, field.Invalid(at.Child("message"), v.Message, "must not contain line breaks"))
	}
	return append(errs, oneOf(at.Child("reason"), v.Reason, reasons)...)
}

func validateAnnotations(c plugincel.Compiler, policy string, list []admissionregistration.AuditAnnotation, params bool, at *field.Path) (errs field.ErrorList) {
	if len(list) > maxAnnotations {
		errs = append(errs, field.Invalid(at, len(list), fmt.Sprintf("must not have more than %d auditAnnotations", maxAnnotations)))
	}
	for i, a := range list {
		here := at.Index(i)
		errs = append(errs, corevalidation.ValidateQualifiedName(policy+"/"+a.Key, here.Child("key"))...)
		if slices.ContainsFunc(list[:i], func(other admissionregistration.AuditAnnotation) bool { return other.Key == a.Key }) {
			errs = append(errs, field.Duplicate(here.Child("key"), a.Key))
		}
		text := strings.TrimSpace(a.ValueExpression)
		if len(text) > maxAnnotationLen {
			errs = append(errs, field.TooLong(here.Child("valueExpression"), "", maxAnnotationLen))
			continue
		}
		errs = append(errs, (&expression{"", text, []*cel.Type{cel.StringType, cel.NullType}}).compile(c, here.Child("valueExpression"), params, true)...)
	}
	return errs
}
