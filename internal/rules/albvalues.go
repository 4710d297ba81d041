package rules

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

var albValues = &Rule{
	Code:  "MG622",
	Title: "a value that the AWS Load Balancer Controller refuses",
	Error: true,
	Reason: "The API server takes any text in an annotation. The AWS Load Balancer Controller reads it when it reconciles, and refuses what it cannot read: an order outside of -1000 to\n" +
		"1000, an unknown scheme or target type, JSON that is broken, a condition without values, a forward to several target groups without weights, a `Prefix` path with a\n" +
		"wildcard. It then changes nothing for the whole IngressGroup.",
	Source: groupSource,
	Wrong:  strings.Replace(albExample, "group.name: dev\n", "group.name: dev\n    alb.ingress.kubernetes.io/group.order: \"1001\"\n", 1),
	Mend:   []string{"1001", "100", "SCHEME", "internal"},
	object: func(r *reading) {
		if r.o.ingress == nil || !r.o.mayBeALB() {
			return
		}
		for _, a := range r.o.ingress.annotations {
			r.checkAnnotation(a)
		}
		r.checkPaths()
	},
}

var albNames = &Rule{
	Code:  "MG623",
	Title: "an annotation that the AWS Load Balancer Controller does not know",
	Reason: "An annotation that begins with `alb.ingress.kubernetes.io/` and is misspelt says nothing: the controller reads the names that it knows, and takes the default for the rest.\n" +
		"The same is true of `conditions.NAME`, `actions.NAME` and `transforms.NAME` where NAME is no Service of the Ingress.",
	Source: groupSource,
	Wrong:  strings.Replace(albExample, "kubernetes.io/scheme: internal", "kubernetes.io/schema: internal", 1),
	Mend:   []string{"/schema:", "/scheme:", "SCHEME", "internal"},
	object: func(r *reading) {
		if r.o.ingress == nil {
			return
		}
		for _, a := range r.o.ingress.annotations {
			r.checkAnnotationName(a)
		}
	},
}

// What the values of annotations may be.
var (
	albWords = map[string][]string{
		"scheme": {"internal", "internet-facing"}, "ip-address-type": {"ipv4", "dualstack", "dualstack-without-public-ipv4"}, "target-type": {"instance", "ip"},
		"backend-protocol": {"HTTP", "HTTPS"}, "backend-protocol-version": {"HTTP1", "HTTP2", "GRPC"}, "healthcheck-protocol": {"HTTP", "HTTPS"},
		"auth-type": {"none", "cognito", "oidc"}, "auth-on-unauthenticated-request": {"authenticate", "allow", "deny"}, "frontend-nlb-scheme": {"internal", "internet-facing"},
	}
	albNumbers = map[string][2]int{
		"group.order": {-1000, 1000}, "ssl-redirect": {1, 65535}, "healthcheck-interval-seconds": {5, 300}, "healthcheck-timeout-seconds": {2, 120},
		"healthy-threshold-count": {2, 10}, "unhealthy-threshold-count": {2, 10}, "auth-session-timeout": {1, 604800},
	}
	albBooleans = []string{"shield-advanced-protection", "manage-backend-security-group-rules", "multi-cluster-target-group", "enable-frontend-nlb", "use-regex-path-match",
		"create-acm-cert", "dry-run-plan"}
	albPairs = []string{"tags", "load-balancer-attributes", "target-group-attributes", "target-node-labels", "minimum-load-balancer-capacity", "frontend-nlb-attributes", "frontend-nlb-tags"}
	albTexts = []string{"load-balancer-name", "group.name", "subnets", "customer-owned-ipv4-pool", "wafv2-acl-arn", "wafv2-acl-name", "waf-acl-id", "web-acl-id", "security-groups",
		"listen-ports", "inbound-cidrs", "certificate-arn", "ssl-policy", "healthcheck-port", "healthcheck-path", "success-codes", "auth-idp-cognito", "auth-idp-oidc", "auth-scope",
		"auth-session-cookie", "jwt-validation", "mutual-authentication", "security-group-prefix-lists", "ipam-ipv4-pool-id", "frontend-nlb-subnets", "frontend-nlb-security-groups",
		"frontend-nlb-listener-port-mapping", "frontend-nlb-eip-allocations", "frontend-nlb-healthcheck-port", "frontend-nlb-healthcheck-protocol", "frontend-nlb-healthcheck-path",
		"frontend-nlb-healthcheck-interval-seconds", "frontend-nlb-healthcheck-timeout-seconds", "frontend-nlb-healthcheck-healthy-threshold-count",
		"frontend-nlb-healthcheck-unhealthy-threshold-count", "frontend-nlb-healthcheck-success-codes", "acm-pca-arn"}
	albFamilies = []string{"conditions.", "actions.", "transforms.", "listener-attributes.", "target-control-port."}
	groupName   = lazyregexp.New(`^([a-z0-9][-a-z0-9.]*)?[a-z0-9]$`)
)

// checkAnnotation reports a value that the controller refuses.
func (r *reading) checkAnnotation(a annotation) {
	name, value := string(a.name), string(a.value.is)
	refuse := func(why, hint string) {
		r.add(a.value.place, "%s: %q "+why, name, value).hint = hint
	}
	words, isWord := albWords[name]
	limits, isNumber := albNumbers[name]
	n, err := strconv.Atoi(value)
	switch {
	case isPlaceholder(value) && !strings.HasPrefix(strings.TrimSpace(value), "{") && !strings.HasPrefix(strings.TrimSpace(value), "["):
		// Another tool fills it in. JSON has braces too, and is checked.
	case isWord && !slices.Contains(words, value):
		refuse("is not known", problem.DidYouMean(value, words))
	case isNumber && err != nil:
		refuse("is no number", "")
	case isNumber && (n < limits[0] || n > limits[1]):
		refuse("is out of range", "from "+strconv.Itoa(limits[0])+" to "+strconv.Itoa(limits[1]))
	case slices.Contains(albBooleans, name) && !isBool(value):
		refuse("is no boolean", `write "true" or "false"`)
	case slices.Contains(albPairs, name) || strings.HasPrefix(name, "listener-attributes."):
		if _, ok := keyValues(value); !ok {
			refuse("is not of the form key=value,key=value", "")
		}
	case name == "group.name" && (len(value) > 63 || !groupName.MatchString(value)):
		refuse("is no name of a group", "at most 63 lower-case letters, digits, - and .")
	case name == "load-balancer-name" && len(value) > 32:
		refuse("is longer than 32 characters", "")
	case name == "inbound-cidrs":
		for _, cidr := range commaSeparated(value) {
			if _, _, err := net.ParseCIDR(cidr); err != nil {
				r.add(a.value.place, "inbound-cidrs: %q is no CIDR", cidr).hint = "such as 10.0.0.0/8"
			}
		}
	default:
		if why, hint := checkJSON(name, value); why != "" {
			r.add(a.value.place, "%s: %s", name, why).hint = hint
		}
	}
}

func isBool(s string) bool {
	_, err := strconv.ParseBool(s)
	return err == nil
}

// checkPaths reports paths and backends that the controller refuses.
func (r *reading) checkPaths() {
	for _, a := range r.o.ingress.rules {
		switch {
		case isPlaceholder(string(a.path)) || !strings.ContainsAny(string(a.path), "*?"):
		case a.kind == "Exact", a.kind == "Prefix":
			r.add(r.pathPlace(a), "the path %q has a wildcard, and its pathType is %q", string(a.path), a.kind).hint = "write pathType: ImplementationSpecific, or leave the wildcard out: a Prefix matches what is below it"
		}
	}
	for _, service := range r.backendServices() {
		name := service.At("name")
		if _, ok := r.o.annotation("actions." + name.Text); service.At("port", "name").Text == useAnnotation && !ok {
			r.add(name.Place, "the backend is in the annotation %q, which is not there", albPrefix+"actions."+name.Text).action = wordOf(name)
		}
	}
}

// pathPlace returns where a path is written.
func (r *reading) pathPlace(a albRule) problem.Place {
	rules := r.spec.At("rules").Items
	for _, path := range rules[a.entry].At("http", "paths").Items {
		if v := path.At("path"); wordOf(v) == a.path {
			return v.Place
		}
	}
	return a.place
}

// checkAnnotationName reports a name that the controller does not know, and one for a Service that
// the Ingress does not have.
func (r *reading) checkAnnotationName(a annotation) {
	full := string(a.name)
	for _, family := range albFamilies {
		rest, ok := strings.CutPrefix(full, family)
		if !ok {
			continue
		}
		if family == "conditions." || family == "actions." || family == "transforms." {
			if names := r.backends(); !slices.Contains(names, rest) {
				r.add(a.value.place, "%q has no effect: no path of the Ingress leads to %q", albPrefix+full, rest).suggest(rest, names)
			}
		}
		return
	}
	known := slices.Concat(albBooleans, albPairs, albTexts, sortedKeys(albWords), sortedKeys(albNumbers))
	if !slices.Contains(known, full) {
		hint := "manifestgen knows those of the controller's release 3; if yours has this one, ignore it"
		if near := problem.Nearest(full, known); near != "" {
			hint = "did you mean " + strconv.Quote(near) + "?"
		}
		r.add(a.value.place, "the AWS Load Balancer Controller has no annotation %q", albPrefix+full).hint = hint
	}
}

// backends returns the names of the Services that an Ingress leads to.
func (r *reading) backends() []string {
	var names []string
	for _, service := range r.backendServices() {
		if name := service.At("name").Text; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// backendServices returns the backends of an Ingress, as they are written; the default one is
// first.
func (r *reading) backendServices() []manifest.Value {
	services := []manifest.Value{r.spec.At("defaultBackend", "service")}
	for _, rule := range r.spec.At("rules").Items {
		for _, path := range rule.At("http", "paths").Items {
			services = append(services, path.At("backend", "service"))
		}
	}
	return services
}
