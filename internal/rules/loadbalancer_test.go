package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/problem"
)

// member is an Ingress of the group dev, with its Service.
func member(name, annotations, spec string) string {
	return fmt.Sprintf(`---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: %[1]s
  annotations:
    alb.ingress.kubernetes.io/group.name: dev
    alb.ingress.kubernetes.io/target-type: ip
%[2]sspec:
  ingressClassName: alb
%[3]s---
apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {ports: [{name: http, port: 80, targetPort: http}]}
`, name, annotations, spec)
}

func annotated(pairs ...string) string {
	text := ""
	for i := 0; i < len(pairs); i += 2 {
		text += "    alb.ingress.kubernetes.io/" + pairs[i] + ": '" + pairs[i+1] + "'\n"
	}
	return text
}

func hosts(name string, hosts ...string) string {
	text := "  rules:\n"
	for _, host := range hosts {
		text += "    - {host: \"" + host + "\", http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: " + name + ", port: {name: http}}}}]}}\n"
	}
	return text
}

// TestAgreement: each thing that the Ingresses of a group must agree on.
func TestAgreement(t *testing.T) {
	certificate := []string{"listen-ports", `[{"HTTPS": 443}]`}
	for _, c := range []struct {
		a, b []string
		want string // a part of the message; "" if they agree
	}{
		{[]string{"scheme", "internal"}, []string{"scheme", "internet-facing"}, `scheme is "internet-facing" here, and "internal" in Ingress "default/api"`},
		{[]string{"scheme", "internal"}, nil, ""},
		{[]string{"ip-address-type", "ipv4"}, []string{"ip-address-type", "dualstack"}, "ip-address-type is"},
		{[]string{"load-balancer-name", "a"}, []string{"load-balancer-name", "b"}, "load-balancer-name is"},
		{[]string{"subnets", "subnet-a, subnet-b"}, []string{"subnets", "subnet-b,subnet-a"}, ""},
		{[]string{"subnets", "subnet-a"}, []string{"subnets", "subnet-b"}, "subnets is"},
		{[]string{"security-groups", "sg-a, sg-b"}, []string{"security-groups", "sg-a,sg-b"}, ""},
		{[]string{"security-groups", "sg-a,sg-b"}, []string{"security-groups", "sg-b,sg-a"}, "security-groups is"},
		{[]string{"wafv2-acl-arn", "arn:a"}, []string{"wafv2-acl-arn", "arn:b"}, "wafv2-acl-arn is"},
		{[]string{"tags", "a=1,b=2"}, []string{"tags", "b=2,c=3"}, ""},
		{[]string{"tags", "a=1,b=2"}, []string{"tags", "b=3"}, `tags b is "3" here, and "2" in`},
		{[]string{"load-balancer-attributes", "idle_timeout.timeout_seconds=60"}, []string{"load-balancer-attributes", "idle_timeout.timeout_seconds=90"}, "idle_timeout.timeout_seconds is"},
		{[]string{"listen-ports", `[{"HTTP": 8080}]`}, []string{"listen-ports", `[{"HTTPS": 8080}]`}, "the protocol for port 8080 is"},
		{append(certificate, "ssl-policy", "A"), append(certificate, "ssl-policy", "B"), "ssl-policy for port 443 is"},
		{[]string{"listen-ports", `[{"HTTPS": 443}]`, "ssl-policy", "A"}, []string{"listen-ports", `[{"HTTPS": 8443}]`, "ssl-policy", "B"}, ""},
		{[]string{"inbound-cidrs", "10.0.0.0/8, 1.2.3.4/32"}, []string{"inbound-cidrs", "1.2.3.4/32,10.0.0.0/8"}, ""},
		{[]string{"inbound-cidrs", "10.0.0.0/8"}, []string{"inbound-cidrs", "10.0.0.0/16"}, "inbound-cidrs for port 80 is"},
		{[]string{"listen-ports", `[{"HTTP": 80}, {"HTTPS": 443}]`, "ssl-redirect", "443"}, []string{"listen-ports", `[{"HTTP": 80}, {"HTTPS": 443}]`}, ""},
		{[]string{"ssl-redirect", "443"}, nil, `ssl-redirect leads to port "443", where the IngressGroup "dev" has no HTTPS listener`},
	} {
		found := check(t, member("api", annotated(c.a...), hosts("api", "api.example.com"))+member("front", annotated(c.b...), hosts("front", "front.example.com")))
		switch {
		case c.want == "" && len(found) > 0:
			t.Errorf("%v and %v agree, but %s", c.a, c.b, messages(found))
		case c.want != "" && (len(found) != 1 || found[0].Rule != groupAgreement || !strings.Contains(found[0].Message, c.want) || len(found[0].Also) == 0 && !strings.Contains(c.want, "leads to")):
			t.Errorf("%v and %v: got %s, want %s", c.a, c.b, messages(found), c.want)
		}
	}
}

// TestAgreementNamesTheOddOne: of three Ingresses, the one that says something else is told.
func TestAgreementNamesTheOddOne(t *testing.T) {
	text := ""
	for name, scheme := range map[string]string{"a": "internet-facing", "b": "internal", "c": "internal"} {
		text += member(name, annotated("scheme", scheme), hosts(name, name+".example.com"))
	}
	if found := check(t, text); len(found) != 1 || found[0].Object.Name != "a" {
		t.Errorf("got %s", messages(found))
	}
}

func TestDefaultBackends(t *testing.T) {
	fallback := func(name string) string {
		return "  defaultBackend: {service: {name: " + name + ", port: {name: http}}}\n"
	}
	found := check(t, member("api", "", fallback("api"))+member("front", "", fallback("front")))
	if len(found) != 1 || !strings.Contains(found[0].Message, "the default backend for port 80") {
		t.Errorf("got %s", messages(found))
	}
	if found := check(t, member("api", "", fallback("api"))+member("front", "", hosts("front", "a.example.com"))); len(found) > 0 {
		t.Errorf("got %s", messages(found))
	}
	none := "  defaultBackend: null\n"
	if found := check(t, member("api", "", none+hosts("api", "api.example.com"))+member("front", "", none+hosts("front", "front.example.com"))); len(found) > 0 {
		t.Errorf("no default backends: got %s", messages(found))
	}
}

// TestAnnotations: values and names that the controller refuses or does not know.
func TestAnnotations(t *testing.T) {
	conditions := func(json string) [2]string { return [2]string{"conditions.api", json} }
	actions := func(json string) [2]string { return [2]string{"actions.api", json} }
	for _, c := range []struct {
		given [2]string
		want  string // a part of the message; "" if nothing is wrong
	}{
		{[2]string{"scheme", "internal"}, ""},
		{[2]string{"scheme", "public"}, `scheme: "public" is not known`},
		{[2]string{"group.order", "-1000"}, ""},
		{[2]string{"group.order", "-1001"}, "is out of range"},
		{[2]string{"group.order", "first"}, "is no number"},
		{[2]string{"backend-protocol-version", "HTTP3"}, "is not known"},
		{[2]string{"listen-ports", `[{"HTTP": 80}, {"HTTPS": 443}]`}, ""},
		{[2]string{"listen-ports", `{"HTTP": 80}`}, "must not be a JSON object"},
		{[2]string{"listen-ports", `[{"HTTP": 80},]`}, "this is no JSON"},
		{[2]string{"listen-ports", `[{"http": 80}]`}, `unknown protocol "http"`},
		{[2]string{"listen-ports", `[{"HTTP": 0}]`}, "out of range"},
		{[2]string{"listen-ports", `[]`}, "no port"},
		{[2]string{"tags", "a=b,c=d"}, ""},
		{[2]string{"tags", "a=b,c"}, "is not of the form"},
		{[2]string{"tags", "a=b\\,c,d=e"}, ""},
		{[2]string{"inbound-cidrs", "10.0.0.1"}, "is no CIDR"},
		{[2]string{"shield-advanced-protection", "yes"}, "is no boolean"},
		{[2]string{"load-balancer-name", strings.Repeat("a", 33)}, "longer than 32"},
		{[2]string{"mutual-authentication", `[{"port": 443, "mode": "verfy"}]`}, `unknown mode "verfy"`},
		{[2]string{"shceme", "internal"}, `no annotation "alb.ingress.kubernetes.io/shceme"`},
		{[2]string{"listener-attributes.HTTP-80", "a=b"}, ""},
		{[2]string{"listener-attributes.%d", "a"}, `listener-attributes.%d: "a" is not of the form`},
		{[2]string{"conditions.apis", `[]`}, "has no effect"},
		{conditions(`[{"field":"host-header","hostHeaderConfig":{"values":["a.example.com"]}}]`), ""},
		{conditions(`[{"field":"host-header","hostHeaderConfig":{}}]`), "has no values"},
		{conditions(`[{"field":"host-header","hostHeaderConfig":{"values":["a"],"regexValues":["b"]}}]`), "both values and regexValues"},
		{conditions(`[{"field":"host-header"}]`), "needs hostHeaderConfig"},
		{conditions(`[{"field":"hostheader","hostHeaderConfig":{"values":["a"]}}]`), `unknown field "hostheader"`},
		{conditions(`[{"field":"query-string","queryStringConfig":{"values":[{"key":"a","value":"b"}]}}]`), ""},
		{conditions(`[{"field":"query-string","queryStringConfig":{"values":[{"key":"a"}]}}]`), "without a value"},
		{conditions(`{"field":"host-header"}`), "must not be a JSON object"},
		{conditions(`[{"field":"source-ip","sourceIPConfig":{"values":"10.0.0.0/8"}}]`), "must not be a JSON string"},
		{conditions(`[{"field":"source-ip","sourceIPConfig":{"values":["1/8","2/8","3/8","4/8"]}}]`), "has 6 condition values"},
		{conditions(`[{"field":"path-pattern","pathPatternConfig":{"values":["/*/*/*/?/*/*"]}}]`), "has 7 wildcards"},
		{conditions(`[{"field":"path-pattern","pathPatternConfig":{"values":["/*/*/*/?/*"]}}]`), "has 6 wildcards"},
		{conditions(`[{"field":"path-pattern","pathPatternConfig":{"values":["/*/*/*"]}}]`), ""},
		{actions(`{"type":"redirect","redirectConfig":{"statusCode":"HTTP_301"}}`), ""},
		{actions(`{"type":"redirect","redirectConfig":{}}`), "needs redirectConfig with a statusCode"},
		{actions(`{"type":"fixed-response","fixedResponseConfig":{"statusCode":404}}`), "must not be a JSON number"},
		{actions(`{"type":"forwrad"}`), `unknown type "forwrad"`},
		{actions(`{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"a","servicePort":80},{"serviceName":"b","servicePort":"http","weight":1}]}}`), "each needs a weight"},
		{actions(`{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"a"}]}}`), "servicePort is missing"},
		{actions(`{"type":"forward"}`), "needs forwardConfig"},
		{[2]string{"transforms.api", `[{"type":"url-rewrite","urlRewriteConfig":{"rewrites":[{"regex":"a","replace":"b"}]}}]`}, ""},
		{[2]string{"transforms.api", `[{"type":"url-rewrite"}]`}, "needs urlRewriteConfig"},
	} {
		found := check(t, member("api", annotated(c.given[:]...), hosts("api", "api.example.com")))
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || !strings.Contains(found[0].Message, c.want)) {
			t.Errorf("%v: got %s, want %q", c.given, messages(found), c.want)
		}
	}
}

// TestNearestAnnotation: of several known names that are equally near, the hint is always the same.
func TestNearestAnnotation(t *testing.T) {
	text := member("api", annotated("nhealthy-threshold-count", "2"), hosts("api", "api.example.com"))
	for range 50 {
		if found := check(t, text); len(found) != 1 || found[0].Hint != `did you mean "healthy-threshold-count"?` {
			t.Fatalf("got %s", messages(found))
		}
	}
}

// TestPaths: paths that the controller refuses, and backends that are in an annotation.
func TestPaths(t *testing.T) {
	path := func(path, kind, backend string) string {
		return "  rules:\n    - {host: a.example.com, http: {paths: [{path: \"" + path + "\", pathType: " + kind + ", backend: {service: " + backend + "}}]}}\n"
	}
	const api = "{name: api, port: {name: http}}"
	for spec, want := range map[string]string{
		path("/api/(.*)", "Prefix", api):                                      `the path "/api/(.*)" has a wildcard`,
		path("/api/?", "Exact", api):                                          "has a wildcard",
		path("/api/*", "ImplementationSpecific", api):                         "",
		path("/", "Prefix", "{name: redirect, port: {name: use-annotation}}"): `the backend is in the annotation "alb.ingress.kubernetes.io/actions.redirect", which is not there`,
	} {
		found := check(t, member("api", "", spec))
		if want == "" && len(found) > 0 || want != "" && (len(found) != 1 || !strings.Contains(found[0].Message, want)) {
			t.Errorf("%s: got %s, want %q", spec, messages(found), want)
		}
	}
}

// sandbox are the Ingresses of users with as many hosts each, in one IngressGroup.
func sandbox(t *testing.T, users, each int) []Finding {
	t.Helper()
	var list []*Object
	for u := range users {
		name := fmt.Sprintf("user%02d", u)
		var names []string
		for h := range each {
			names = append(names, fmt.Sprintf("%s-s%d.example.com", name, h))
		}
		text := strings.Split(member(name, "", "  rules:\n"), "---\n")[1]
		for i, host := range names {
			text += fmt.Sprintf("    - {host: %s, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %s-s%d, port: {name: http}}}}]}}\n", host, name, i)
			text += ""
		}
		for i := range names {
			text += fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {name: %s-s%d}\nspec: {ports: [{name: http, port: 80, targetPort: 8080}]}\n", name, i)
		}
		for _, o := range objects(t, text) {
			o.User, o.Source = name, "templates/user/ingress.yaml.tmpl"
			list = append(list, o)
		}
	}
	return Check([]*Cluster{{Objects: list, Whole: true}})
}

// TestQuotas: personal environments in one IngressGroup, up to 40 users with 8 hosts each.
func TestQuotas(t *testing.T) {
	if found := sandbox(t, 9, 8); len(found) > 0 { // 72
		t.Errorf("72 hosts: %s", messages(found))
	}
	found := sandbox(t, 10, 8) // 80: the point where it is told
	if !slices.Equal(codes(found), []problem.Code{"MG625", "MG626"}) || found[0].Error || found[1].Error || !strings.Contains(found[0].Message, `the IngressGroup "dev" would have 80 target groups: a load balancer takes 100`) {
		t.Errorf("80 hosts: %s", messages(found))
	}
	if found := sandbox(t, 12, 8); len(found) != 2 || found[0].Error { // 96
		t.Errorf("96 hosts: %s", messages(found))
	}
	found = sandbox(t, 13, 8) // 104
	if len(found) != 2 || !found[0].Error || !found[1].Error || found[0].Object.User != "user12" {
		t.Errorf("104 hosts: %s", messages(found))
	}
	found = sandbox(t, 40, 8)
	if len(found) != 2 || !found[0].Error || !strings.Contains(found[0].Message, "320 target groups") {
		t.Fatalf("320 hosts: %s", messages(found))
	}
	// Every group of the plan stays below the point where it is told, and each user is in one.
	if want := "keep the first 9 (user00 to user08)"; !strings.Contains(found[0].Hint, want) {
		t.Errorf("got the hint %s", found[0].Hint)
	}
	moved := map[string]bool{}
	for i, note := range found[0].Notes {
		group, users, _ := strings.Cut(strings.TrimPrefix(note, "move to group.name "), ": ")
		if group != fmt.Sprintf("dev-%d", i+2) {
			t.Errorf("the group %s", group)
		}
		names := strings.Split(users, ", ")
		if len(names) > 9 {
			t.Errorf("%d users in %s", len(names), group)
		}
		for _, name := range names {
			moved[name] = true
		}
	}
	if len(moved) != 31 {
		t.Errorf("%d users are to move, want 31", len(moved))
	}
}

// TestDefaultBackendIsATargetGroup: the Service of a default backend counts as those of rules do.
func TestDefaultBackendIsATargetGroup(t *testing.T) {
	const spec = "  ingressClassName: alb\n"
	text := strings.Replace(manyRoutes(100), spec, spec+"  defaultBackend: {service: {name: api, port: {name: p8001}}}\n", 1)
	found := check(t, text)
	if i := slices.IndexFunc(found, func(f Finding) bool { return f.Rule == fixedQuota }); i < 0 || !found[i].Error || !strings.Contains(found[i].Message, "101 target groups") {
		t.Errorf("got %s", messages(found))
	}
}

// TestRules counts rules by listener.
func TestRules(t *testing.T) {
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("h%d.example.com", i))
	}
	both := annotated("listen-ports", `[{"HTTP": 80}, {"HTTPS": 443}]`)
	if found := check(t, member("api", both, hosts("api", names...))); len(found) != 1 || !strings.Contains(found[0].Message, "120 rules") || !found[0].Error {
		t.Errorf("two listeners: %s", messages(found))
	}
	if found := check(t, member("api", both+annotated("ssl-redirect", "443"), hosts("api", names...))); len(found) > 0 {
		t.Errorf("with a redirect: %s", messages(found))
	}
}

// TestOrder: which rules of a load balancer hide others.
func TestOrder(t *testing.T) {
	order := func(n string) string { return annotated("group.order", n) }
	for name, c := range map[string]struct {
		text string
		want string // whose rule gets no requests; "" for nobody's
	}{
		"wildcard first":            {member("a", "", hosts("a", "*.example.com")) + member("b", "", hosts("b", "b.example.com")), "b"},
		"wildcard last":             {member("a", "", hosts("a", "b.example.com")) + member("b", "", hosts("b", "*.example.com")), ""},
		"ordered":                   {member("a", order("10"), hosts("a", "*.example.com")) + member("b", "", hosts("b", "b.example.com")), ""},
		"no host":                   {member("a", "", hosts("a", "")) + member("b", "", hosts("b", "b.example.com")), "b"},
		"another domain":            {member("a", "", hosts("a", "*.example.com")) + member("b", "", hosts("b", "b.example.org")), ""},
		"a deeper wildcard":         {member("a", "", hosts("a", "*.example.com")) + member("b", "", hosts("b", "*.b.example.com")), "b"},
		"within one Ingress":        {member("a", "", hosts("a", "*.example.com", "a.example.com")), "a"},
		"conditions":                {member("a", annotated("conditions.a", `[{"field":"source-ip","sourceIPConfig":{"values":["10.0.0.0/8"]}}]`), hosts("a", "*.example.com")) + member("b", "", hosts("b", "b.example.com")), ""},
		"other listener":            {member("a", annotated("listen-ports", `[{"HTTP": 8080}]`), hosts("a", "*.example.com")) + member("b", "", hosts("b", "b.example.com")), ""},
		"longer prefix of one host": {member("a", "", "  rules:\n    - host: a.example.com\n      http:\n        paths:\n          - {path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}\n          - {path: /v1, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}\n"), ""},
	} {
		found := check(t, c.text)
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || found[0].Rule != shadowed || found[0].Object.Name != c.want) {
			t.Errorf("%s: got %s, want %q", name, messages(found), c.want)
		}
	}
}

// TestHosts: which routes claim the same.
func TestHosts(t *testing.T) {
	ingress := func(name, class, host, path string) string {
		return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " + name + "}\nspec: {ingressClassName: " + class + ", rules: [{host: \"" + host +
			"\", http: {paths: [{path: " + path + ", pathType: Prefix, backend: {service: {name: kubernetes, port: {number: 443}}}}]}}]}\n"
	}
	route := func(name, gateway, match string) string {
		return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " + name + "}\nspec: {parentRefs: [{name: " + gateway + "}], hostnames: [a.example.com], rules: [{matches: [" + match + "]}]}\n"
	}
	gateways := "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: x}\nspec: {listeners: [{name: a}]}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: y}\nspec: {listeners: [{name: a}]}\n"
	mapping := func(name, more string) string {
		return "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: " + name + "}\nspec: {hostname: a.example.com, prefix: /, service: \"kubernetes:443\"" + more + "}\n"
	}
	for name, c := range map[string]struct {
		text string
		want []problem.Code
	}{
		"same":                 {ingress("a", "nginx", "a.example.com", "/") + ingress("b", "nginx", "A.example.com", "/"), []problem.Code{"MG611"}},
		"same wildcard":        {ingress("a", "nginx", "*.example.com", "/") + ingress("b", "nginx", "*.example.com", "/"), []problem.Code{"MG611"}},
		"wildcard and exact":   {ingress("a", "nginx", "*.example.com", "/") + ingress("b", "nginx", "a.example.com", "/"), nil},
		"a slash more":         {ingress("a", "nginx", "a.example.com", "/v1") + ingress("b", "nginx", "a.example.com", "/v1/"), []problem.Code{"MG611"}},
		"another path":         {ingress("a", "nginx", "a.example.com", "/v1") + ingress("b", "nginx", "a.example.com", "/v2"), nil},
		"another class":        {ingress("a", "nginx", "a.example.com", "/") + ingress("b", "internal", "a.example.com", "/"), nil},
		"two load balancers":   {ingress("a", "alb", "a.example.com", "/v1") + ingress("b", "alb", "a.example.com", "/v2"), []problem.Code{"MG612"}},
		"routes":               {gateways + route("a", "x", "{path: {value: /}}") + route("b", "x", ""), []problem.Code{"MG611"}},
		"routes by header":     {gateways + route("a", "x", "{headers: [{name: v, value: '1'}]}") + route("b", "x", "{headers: [{name: v, value: '2'}]}"), nil},
		"routes of two":        {gateways + route("a", "x", "") + route("b", "y", ""), nil},
		"mappings":             {mapping("a", "") + mapping("b", ""), []problem.Code{"MG611"}},
		"mappings with weight": {mapping("a", ", weight: 10") + mapping("b", ""), nil},
	} {
		if found := check(t, c.text); !slices.Equal(codes(found), c.want) {
			t.Errorf("%s: got %s, want %v", name, messages(found), c.want)
		}
	}
}

// TestSameHostInTwoClusters: an environment that extends another and keeps its domain.
func TestSameHostInTwoClusters(t *testing.T) {
	cluster := func(name, host string, extends ...string) *Cluster {
		env := &Environment{Name: name, Namespace: name, Extends: extends, Shared: true}
		list := objects(t, twoIngresses("nginx", host, "/"))
		for _, o := range list {
			o.Env = env
		}
		return &Cluster{Name: name, Objects: list, Whole: true}
	}
	found := Check([]*Cluster{cluster("prod", "front.example.com"), cluster("prod-next", "front.next.example.com", "prod")})
	if len(found) != 1 || found[0].Rule != claimedElsewhere || found[0].Object.Env.Name != "prod-next" || !strings.Contains(found[0].Message, `"api.example.com"`) {
		t.Errorf("got %s", messages(found))
	}
	if found := Check([]*Cluster{cluster("prod", "front.example.com"), cluster("other", "front.example.com")}); len(found) > 0 {
		t.Errorf("got %s", messages(found))
	}
}

// TestSameHostInTwoEnvironments: in one cluster too, the domain is what was forgotten.
func TestSameHostInTwoEnvironments(t *testing.T) {
	const group = "; or give both the same alb.ingress.kubernetes.io/group.name"
	for _, test := range []struct {
		first, second *Environment
		want          string
	}{
		{&Environment{Name: "dev"}, &Environment{Name: "qa", Extends: []string{"dev"}}, "set a domain of its own in environments/qa.yaml" + group},
		{&Environment{Name: "canary", Extends: []string{"dev"}}, &Environment{Name: "dev"}, "set a domain of its own in environments/canary.yaml" + group},
		{&Environment{Name: "dev"}, &Environment{Name: "load"}, "give the environments dev and load a domain each" + group},
		{nil, nil, "give both the same alb.ingress.kubernetes.io/group.name"},
	} {
		list := objects(t, twoIngresses("alb", "api.example.com", "/front"))
		list[0].Env, list[1].Env = test.first, test.first
		list[2].Env, list[3].Env = test.second, test.second
		found := Check([]*Cluster{{Objects: list}})
		if len(found) != 1 || found[0].Rule != claimedElsewhere || found[0].Hint != test.want {
			t.Errorf("got %s: %q, want %q", messages(found), found[0].Hint, test.want)
		}
	}
}
