package validate

import "strings"

// laterWarnings are warnings of the library that older servers do not give, by some of their text, and the
// minor that gave them first. Source: pkg/api/*/warnings.go, pkg/apis/*/validation and the strategies in
// pkg/registry of Kubernetes 1.32.13, 1.33.13, 1.34.4, 1.35.4, 1.36.3 and 1.37.2, compared in pairs.
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
