package validate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"k8srepo/internal/lazyregexp"
)

// The linked library is the newest release, and emulates older minors where a feature gate says so.
// What changed without one is here. Source: pkg/api/*/warnings.go, pkg/apis/*/validation and the
// strategies in pkg/registry of Kubernetes 1.32.13, 1.33.13, 1.34.4, 1.35.4, 1.36.3 and 1.37.2,
// compared in pairs; and what servers of 1.32.13, 1.34.4 and 1.37.2 said of the mistakes in
// bench/validate.

// laterWarnings are warnings that older servers do not give, by some of their text, and the minor
// that gave them first.
var laterWarnings = []struct{ text, since string }{
	{": duplicate port name ", "1.33"},
	{"spec.revisionHistoryLimit: a negative value ", "1.33"},
	{" is ignored for headless services", "1.34"},
	{`spec.trafficDistribution: "PreferClose" is deprecated`, "1.35"},
	{": driver names should be lowercase", "1.35"},
	{") should be less than ", "1.35"},
	{"spec.externalIPs is deprecated", "1.36"},
	{" are reserved for static manifest-based configurations", "1.36"},
	{" is excluded from admission webhooks", "1.37"},
}

// warns reports whether a server of the validator's minor gives a warning of the library.
func (v *Validator) warns(text string) bool {
	for _, w := range laterWarnings {
		if strings.Contains(text, w.text) {
			return compareMinors(v.minor, w.since) >= 0
		}
	}
	return true
}

// laterRefusals are what older servers take: problems of a kind, or of any, by their fields, and
// the minor that refused them first.
var laterRefusals = []struct {
	kind  string
	field *lazyregexp.Regexp
	since string
}{
	{"StatefulSet", lazyregexp.New(`^spec\.(template\.spec|volumeClaimTemplates)`), "1.34"},
	{"StatefulSet", lazyregexp.New(`^spec\.serviceName$`), "1.33"},
	{"HorizontalPodAutoscaler", lazyregexp.New(`\.(scaleTargetRef|describedObject)\.apiVersion$`), "1.34"},
	{"", lazyregexp.New(`[nN]odeAffinity\.required.*\.matchExpressions\[\d+\]\.values\[\d+\]$`), "1.33"},
}

// takeAsBefore makes warnings of what a server of the validator's minor does not refuse.
func (v *Validator) takeAsBefore(o *object) {
	o.verdict.Refused = slices.DeleteFunc(o.verdict.Refused, func(p Problem) bool {
		for _, later := range laterRefusals {
			if (later.kind == "" || later.kind == o.kind) && later.field.MatchString(p.Field) && compareMinors(v.minor, later.since) < 0 {
				p.Message += " (refused from Kubernetes " + later.since + " on)"
				o.verdict.Warnings = append(o.verdict.Warnings, p)
				return true
			}
		}
		return false
	})
}

// refuseAsBefore refuses what the library takes, or drops, whatever the minor, and older servers
// refuse.
func (v *Validator) refuseAsBefore(o *object, template *corev1.PodTemplateSpec, path string) {
	if template == nil {
		return
	}
	check := func(list []corev1.Container, at *field.Path, init bool) {
		for i := range list {
			if compareMinors(v.minor, "1.34") < 0 {
				o.refuseRestartPolicy(&list[i], at.Index(i).Child("restartPolicy"), init)
			}
			if compareMinors(v.minor, "1.33") < 0 {
				o.refuseNoSleep(&list[i], at.Index(i).Child("lifecycle"))
			}
		}
	}
	check(template.Spec.InitContainers, field.NewPath(path, "initContainers"), true)
	check(template.Spec.Containers, field.NewPath(path, "containers"), false)
}

// refuseRestartPolicy: containers have a restartPolicy of their own from 1.34 on, init containers
// had Always before (validateInitContainerRestartPolicy of 1.33.13).
func (o *object) refuseRestartPolicy(c *corev1.Container, at *field.Path, init bool) {
	switch {
	case c.RestartPolicy == nil || init && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways:
	case init:
		o.refuseField(field.NotSupported(at, *c.RestartPolicy, []corev1.ContainerRestartPolicy{corev1.ContainerRestartPolicyAlways}))
	default:
		o.refuseField(field.Forbidden(at, "may not be set for non-init containers"))
	}
}

// refuseNoSleep: a sleep of 0 seconds is taken from 1.33 on (validateSleepAction of 1.32.13).
func (o *object) refuseNoSleep(c *corev1.Container, at *field.Path) {
	if c.Lifecycle == nil {
		return
	}
	check := func(name string, handler *corev1.LifecycleHandler) {
		if handler != nil && handler.Sleep != nil && handler.Sleep.Seconds == 0 {
			o.refuseField(field.Invalid(at.Child(name, "sleep", "seconds"), 0, "must be greater than 0 and less than terminationGracePeriodSeconds"))
		}
	}
	check("postStart", c.Lifecycle.PostStart)
	check("preStop", c.Lifecycle.PreStop)
}
