package validate_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/validate"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: ecr.example/api:1
          ports: [{name: http, containerPort: 8080}]
          env:
            - {name: A, value: x}
`

const service = `apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  selector: {app: api}
  ports: [{port: 80, targetPort: http}]
`

// objects parses a text; a difference between its places is a line.
func objects(t testing.TB, text string) []manifest.Value {
	t.Helper()
	file, err := manifest.Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	values, err := file.Values()
	if err != nil {
		t.Fatal(err)
	}
	return validate.Objects(values)
}

func validator(t testing.TB, minor string) *validate.Validator {
	t.Helper()
	v, err := validate.New(minor, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// said is a verdict as lines: CODE LINE:COL MESSAGE (HINT).
func said(verdict validate.Verdict) (refused, warned string) {
	line := func(list []validate.Problem) string {
		var lines []string
		for _, p := range list {
			text := fmt.Sprintf("%s %d:%d %s", p.Code, p.Place.Line, p.Place.Col, p.Message)
			if p.Hint != "" {
				text += " (" + p.Hint + ")"
			}
			lines = append(lines, text)
		}
		return strings.Join(lines, "\n")
	}
	return line(verdict.Refused), line(verdict.Warnings)
}

// changes are one change each of an object, and the beginning of what is said.
var changes = []struct{ name, in, old, new, want string }{
	{"nothing wrong", deployment, "", "", ""},
	{"nothing wrong with a service", service, "", "", ""},
	{"unknown field", deployment, "          env:", "          envs:", `MG503 13:11 spec.template.spec.containers[0].envs: there is no such field (did you mean "env"?)`},
	{"number for a string", deployment, "value: x", "value: 1", `MG504 14:32 spec.template.spec.containers[0].env[0].value: it must be a string, not a number (put it in quotes: "1")`},
	{"YAML 1.1 boolean", deployment, "value: x", "value: yes", `MG504 14:32 spec.template.spec.containers[0].env[0].value: it must be a string, not a boolean`},
	{"not a sexagesimal number", deployment, "value: x", "value: 12:30:45", ""},
	{"string for a number", deployment, "containerPort: 8080", `containerPort: "8080"`, `MG504 12:47 spec.template.spec.containers[0].ports[0].containerPort: it must be an integer, not a string (leave the quotes out)`},
	{"map for a list", deployment, "ports: [{name: http, containerPort: 8080}]", "ports: {http: 8080}", `MG504 12:18 spec.template.spec.containers[0].ports: it must be a list, not a map`},
	{"too large a number", deployment, "containerPort: 8080", "containerPort: 80808080808", "MG506 12:47 spec.template.spec.containers[0].ports[0].containerPort: 80808080808 is out of the range"},
	{"required", deployment, "          image: ecr.example/api:1\n", "", "MG505 10:11 spec.template.spec.containers[0].image: required value"},
	{"selector", deployment, "labels: {app: api}}\n    spec", "labels: {app: web}}\n    spec", "MG506 7:16 spec.template.metadata.labels: invalid value"},
	{"same key in a list", deployment, "          env:\n", "          env:\n            - {name: A, value: z}\n", "MG507 15:15 spec.template.spec.containers[0].env[1]: the entry name A is there twice"},
	{"default of a key", service, "ports: [{port: 80, targetPort: http}]", "ports: [{name: a, port: 80}, {name: b, port: 80, protocol: TCP}]", "MG507 6:32 spec.ports[1]: the entry port 80, protocol TCP is there twice"},
	{"null is not there", service, "metadata: {name: api}", "metadata: {name: api, labels: }", ""},
	{"enum", service, "port: 80,", "port: 80, protocol: tcp,", `MG506 6:32 spec.ports[0].protocol: unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP" (did you mean "TCP"?)`},
	{"the narrower of two enums", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {restartPolicy: never, containers: [{name: a, image: a}]}}}\n", "", "",
		`MG506 4:41 spec.template.spec.restartPolicy: unsupported value: "never": supported values: "OnFailure", "Never" (did you mean "Never"?)`},
	{"a field of the pod in a container", deployment, "          env:", "          volumes: []\n          env:", "MG503 13:11 spec.template.spec.containers[0].volumes: there is no such field (the field is in spec.template.spec)"},
	{"a field of a container in the pod", deployment, "      containers:", "      securityContext: {readOnlyRootFilesystem: true}\n      containers:",
		"MG503 9:25 spec.template.spec.securityContext.readOnlyRootFilesystem: there is no such field (the field is in spec.template.spec.containers[].securityContext)"},
	{"a field that is one level too high", deployment, "value: x", "secretKeyRef: {name: a, key: b}", "MG503 14:25 spec.template.spec.containers[0].env[0].secretKeyRef: there is no such field (the field is in spec.template.spec.containers[0].env[0].valueFrom)"},
	{"labels in the spec", service, "  selector:", "  labels: {a: b}\n  selector:", "MG503 5:3 spec.labels: there is no such field (the field is in metadata)"},
	{"a word that was cut short", "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: a}\nspec: {subnetSelector: {}}\n", "", "", `MG503 4:8 spec.subnetSelector: there is no such field (did you mean "subnetSelectorTerms"?)`},
	{"which labels the selector asks for", deployment, "labels: {app: api}}\n    spec", "labels: {app: web}}\n    spec",
		"MG506 7:16 spec.template.metadata.labels: invalid value: {\"app\":\"web\"}: `selector` does not match template `labels` (the selector asks for app: api)"},
	{"no selector", deployment, "  selector: {matchLabels: {app: api}}\n", "", "MG505 4:1 spec.selector: required value\x00"},
	{"the type of a strategy", deployment, "  selector:", "  strategy: {type: Rolling}\n  selector:",
		`MG506 5:20 spec.strategy.type: unsupported value: "Rolling": supported values: "Recreate", "RollingUpdate" (did you mean "RollingUpdate"?)`},
	{"memory in thousandths", deployment, "          env:", "          resources: {requests: {memory: 128Mi}, limits: {memory: 256m}}\n          env:",
		`MG506 13:42 spec.template.spec.containers[0].resources.requests: invalid value: "128Mi": must be less than or equal to memory limit of 256m (m is a thousandth of a byte; write Mi)`},
	{"a claim without a size", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce]}\n", "", "",
		"MG505 4:1 spec.resources[storage]: required value (write spec.resources.requests.storage)"},
	{"name", service, "name: api}", "name: api_svc}", `MG506 3:18 metadata.name: invalid value: "api_svc": a DNS-1035 label`},
	{"quantity", deployment, "          env:", "          resources: {limits: {memory: 256MB}}\n          env:", `MG506 13:40 spec.template.spec.containers[0].resources.limits.memory: "256MB" is not a quantity (write 256Mi)`},
	{"label key with a dot", service, "metadata: {name: api}", "metadata: {name: api, labels: {a.b/c: 'x y'}}", `MG506 3:39 metadata.labels: invalid value: "x y"`},
	{"several at once", deployment, "replicas", "", ""},
	{"removed version", "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n", "", "", "MG501 1:1 apiVersion: extensions/v1beta1 Ingress is not served since Kubernetes 1.22 (write apiVersion: networking.k8s.io/v1)"},
	{"misspelt kind", deployment, "kind: Deployment", "kind: Deploymnet", `MG501 1:1 apiVersion: there is no kind Deploymnet in version apps/v1 (did you mean "Deployment"?)`},
	{"wrong group", service, "apiVersion: v1", "apiVersion: apps/v1", "MG501 1:1 apiVersion: there is no kind Service in version apps/v1 (write apiVersion: v1)"},
	{"a version that is gone from the library", "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n", "", "", "MG501 1:1 apiVersion: autoscaling/v2beta2 HorizontalPodAutoscaler is not served (write apiVersion: autoscaling/v2)"},
	{"privileged", deployment, "          env:", "          securityContext: {privileged: true}\n          env:", ""},
	{"a node port that the server allocates", service, "  selector:", "  type: LoadBalancer\n  externalTrafficPolicy: Local\n  selector:", ""},
	{"a health check of no load balancer", service, "  selector:", "  type: NodePort\n  healthCheckNodePort: 30001\n  selector:", "MG506 6:24 spec.healthCheckNodePort: invalid value: 30001: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"},
	{"two families without a policy", service, "  selector:", "  ipFamilies: [IPv4, IPv6]\n  selector:", `MG506 4:1 spec.ipFamilyPolicy: invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified`},
	{"two families with a policy", service, "  selector:", "  ipFamilyPolicy: PreferDualStack\n  ipFamilies: [IPv4, IPv6]\n  selector:", ""},
	{"two families of a headless service", service, "  selector: {app: api}", "  clusterIP: None\n  ipFamilies: [IPv4, IPv6]", ""},
	{"a service account that admission sets", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: a}]\n  volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]\n", "", "", ""},
	{"not stable", "apiVersion: resource.k8s.io/v1beta1\nkind: DeviceClass\nmetadata: {name: a}\n", "", "", "MG501 1:1 apiVersion: resource.k8s.io/v1beta1 DeviceClass is not served by default: it is not stable"},
	{"key in other letters", deployment, "apiVersion:", "apiversion:", `MG505 1:1 apiVersion: every object has an apiVersion and a kind (did you mean "apiVersion"?)`},
	{"left from a cluster", service, "name: api}", "name: api, uid: abc}", "MG508 3:28 metadata.uid: only the API server sets it"},
	{"pod security", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    pod-security.kubernetes.io/enforce: restrictive\n", "", "", "MG506 6:41 metadata.labels[pod-security.kubernetes.io/enforce]: invalid value"},
	{"base64", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: 'no base64!'}\n", "", "", "MG506 4:11 data.a: this is not base64"},
	{"custom: enum", "apiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: a}\nspec: {serviceRef: {name: a, port: 80}, targetType: IP}\n", "", "", `MG506 4:53 spec.targetType: unsupported value: "IP": supported values: "instance", "ip" (did you mean "ip"?)`},
	{"custom: unknown field", "apiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: a}\nspec: {serviceRef: {name: a, port: 80}, targettype: ip}\n", "", "", `MG503 4:41 spec.targettype: there is no such field (did you mean "targetType"?)`},
	{"custom: a field of another release", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec: {fieldOfTomorrow: 1}\n", "", "",
		"MG503 4:8 spec.fieldOfTomorrow: there is no such field (valid values: data, dataFrom, refreshInterval, refreshPolicy, secretStoreRef, target; the definition is that of github.com/external-secrets/external-secrets v1.3.2: if your cluster's differs, put it into schemas/)"},
	{"custom: integer", "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: a}\nspec: {provider: {github: {appID: a, installationID: 1, organization: a, auth: {privateKey: {name: a, key: b}}}}}\n", "", "",
		"MG504 4:35 spec.provider.github.appID: it must be an integer, not a string"},
	{"custom: a null is no value", "apiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: a}\nspec: {serviceRef: {name: a, port: 80}, targetType: null}\n", "", "",
		`MG504 4:53 spec.targetType: it must be a string, not null (remove the line, or give it a value)`},
	{"custom: CEL", "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: a}\nspec:\n  amiSelectorTerms: [{alias: al2023@latest}]\n  subnetSelectorTerms: [{id: subnet-0123456789abcdef0}]\n  securityGroupSelectorTerms: [{tags: {a: b}}]\n", "", "", "MG506 4:1 spec: invalid value: must specify exactly one of ['role', 'instanceProfile']"},
	{"custom: version", "apiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\nmetadata: {name: a}\n", "", "", "MG501 1:1 apiVersion: the definition of ExternalSecret does not serve version v1beta1 (write apiVersion: external-secrets.io/v1)"},
	{"custom: misspelt kind", "apiVersion: external-secrets.io/v1\nkind: ExternalSecrets\nmetadata: {name: a}\n", "", "", "MG501 1:1 apiVersion: there is no kind ExternalSecrets"},
	{"custom: metadata", "apiVersion: example.com/v1\nkind: Thing\nmetadata: {nam: a}\n", "", "", `MG503 3:12 metadata.nam: there is no such field (did you mean "name"?)`},
	{"a version behind a slash", service, "apiVersion: v1", "apiVersion: /v1", `MG501 1:13 apiVersion: "/v1" has no group before the / (write apiVersion: v1)`},
	{"a blank behind a quantity, as Kubernetes reads it", deployment, "          env:", "          resources: {limits: {memory: '256Mi '}}\n          env:", ""},
	{"a blank in a quantity", deployment, "          env:", "          resources: {limits: {memory: 256 Mi}}\n          env:", "MG506 13:40 spec.template.spec.containers[0].resources.limits.memory"},
	{"a key of a list that has a default", deployment, "      containers:", "      imagePullSecrets: [{}]\n      containers:", ""},
	{"a node port that is none", service, "ports: [{port: 80, targetPort: http}]", "type: NodePort\n  ports: [{port: 80, nodePort: 70000}]", "MG506 7:32 spec.ports[0].nodePort: invalid value: 70000: must be between 1 and 65535"},
	{"no name", "apiVersion: v1\nkind: LimitRange\nmetadata: {}\nspec: {limits: [{type: Container}]}\n", "", "", "MG505 3:1 metadata.name: required value: name or generateName is required"},
	{"a list is no object", "- a\n", "", "", "MG501 1:1 a Kubernetes object is a map"},
}

// TestRefused makes one mistake in an object at a time. want is the beginning of what is said.
func TestRefused(t *testing.T) {
	v := validator(t, "1.34")
	for _, test := range changes {
		t.Run(test.name, func(t *testing.T) {
			text := test.in
			if test.old != "" && test.want != "" && !strings.Contains(text, test.old) {
				t.Fatalf("%q is not there", test.old)
			}
			text = strings.Replace(text, test.old, test.new, 1)
			got, _ := said(v.Object(objects(t, text)[0], "default"))
			// A NUL at the end of want: and nothing else.
			if test.want == "" && got != "" || !strings.HasPrefix(got+"\x00", test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestMistakesTogether holds that one mistake does not hide another.
func TestMistakesTogether(t *testing.T) {
	text := strings.NewReplacer("value: x", "value: 1", "image:", "imag:", "containerPort: 8080", "containerPort: high").Replace(deployment)
	got, _ := said(validator(t, "1.34").Object(objects(t, text)[0], "default"))
	if lines := strings.Split(got, "\n"); len(lines) != 3 {
		t.Errorf("want 3 problems, got %d:\n%s", len(lines), got)
	}
}

// TestMinors holds that each minor has its own fields, kinds and rules, also when they take turns.
func TestMinors(t *testing.T) {
	digit := strings.Replace(service, "name: api", "name: 1api", 1)
	restart := strings.Replace(deployment, "          env:", "          restartPolicyRules: []\n          env:", 1)
	tests := []struct {
		name, text string
		refused    map[string]string // minor → the beginning of what is said; others take it
	}{
		{"a service whose name begins with a digit", digit, map[string]string{"1.32": "MG506", "1.33": "MG506", "1.34": "MG506", "1.35": "MG506"}},
		{"a field that came with 1.34", restart, map[string]string{
			"1.32": "MG503 13:11 spec.template.spec.containers[0].restartPolicyRules: Kubernetes 1.32 does not have this field; it is there from 1.34", "1.33": "MG503"}},
		{"restartPolicy of a container", strings.Replace(deployment, "          env:", "          restartPolicy: Always\n          env:", 1), map[string]string{
			"1.32": "MG506 13:26 spec.template.spec.containers[0].restartPolicy: forbidden: may not be set for non-init containers", "1.33": "MG506 13:26",
		}},
		{"a sleep of no time", strings.Replace(deployment, "          env:", "          lifecycle: {preStop: {sleep: {seconds: 0}}}\n          env:", 1), map[string]string{
			"1.32": "MG506 13:50 spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds: invalid value: 0: must be greater than 0",
		}},
		{"a StatefulSet whose pods are refused", strings.NewReplacer("kind: Deployment", "kind: StatefulSet", "name: api\n          image", "name: A P I\n          image").Replace(deployment), map[string]string{
			"1.34": "MG506 10:17 spec.template.spec.containers[0].name", "1.35": "MG506", "1.36": "MG506", "1.37": "MG506",
		}},
		{"a kind that came with 1.33", "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: a}\nspec: {cidrs: [10.0.0.0/16]}\n",
			map[string]string{"1.32": "MG501 1:1 apiVersion: Kubernetes 1.32 does not serve networking.k8s.io/v1 ServiceCIDR"}},
	}
	for range 2 {
		for _, test := range tests {
			for _, minor := range validate.Minors() {
				got, _ := said(validator(t, minor).Object(objects(t, test.text)[0], "default"))
				if want := test.refused[minor]; want == "" && got != "" || !strings.HasPrefix(got, want) {
					t.Errorf("%s on %s: got %q, want %q", test.name, minor, got, want)
				}
			}
		}
	}
}

// TestAtOnce validates for several minors from several goroutines.
func TestAtOnce(t *testing.T) {
	digit := objects(t, strings.Replace(service, "name: api", "name: 1api", 1))[0]
	var workers sync.WaitGroup
	for _, minor := range []string{"1.34", "1.37", "1.34", "1.37"} {
		v := validator(t, minor)
		workers.Go(func() {
			for range 20 {
				if refused := len(v.Object(digit, "").Refused) > 0; refused != (minor == "1.34") {
					t.Errorf("%s: refused %v", minor, refused)
				}
			}
		})
	}
	workers.Wait()
}

// TestSameWords holds that a problem says the same each time, though an API server generates a part
// of the object: names and UIDs.
func TestSameWords(t *testing.T) {
	v := validator(t, "1.34")
	for _, test := range []struct {
		name, text, want string
		problems         int
	}{
		{"a generated name", "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: A_}\n", `MG506 3:26 metadata.generateName: invalid value: "A_"`, 1},
		{"a generated name that is too long", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {generateName: " + strings.Repeat("a", 50) + "}\n" +
			"spec: {schedule: '@daily', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}\n", "MG506 3:1 metadata.name: invalid value", 1},
		{"a UID", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: b}}, template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}\n",
			"MG506 4:8 spec.selector: invalid value", 2},
	} {
		object := objects(t, test.text)[0]
		first, _ := said(v.Object(object, ""))
		if again, _ := said(v.Object(object, "")); again != first || !strings.HasPrefix(first, test.want) || strings.Count(first, "\n")+1 != test.problems {
			t.Errorf("%s: got %q, then %q, want %d problems: %q", test.name, first, again, test.problems, test.want)
		}
	}
}

// TestWarnings holds what is warned of. A kind that is not known is.
func TestWarnings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"deprecated", "apiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\n", "MG502 1:1 apiVersion: v1 Endpoints is deprecated since Kubernetes 1.33 (use discovery.k8s.io/v1)"},
		{"unknown kind", "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {a: 1}\n", "MG509 2:1 example.com/v1 Thing is not known"},
		{"format", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec: {group: example.com, scope: Cluster, names: {kind: Thing, plural: things}, " +
			"versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: string, format: colour}}}}}]}\n", `MG510 1:1 unrecognized format "colour"`},
		{"node port", strings.Replace(service, "port: 80,", "port: 80, nodePort: 8080,", 1) + "  type: NodePort\n", "MG510 6:32 spec.ports[0].nodePort: an API server takes 30000 to 32767"},
		{"the API server's", strings.Replace(deployment, "    spec:\n", "    spec:\n      nodeSelector: {beta.kubernetes.io/os: linux}\n", 1), "MG510 9:45 spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated"},
	}
	for _, test := range tests {
		refused, got := said(validator(t, "1.34").Object(objects(t, test.text)[0], "default"))
		if refused != "" || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %q, want %q; refused: %s", test.name, got, test.want, refused)
		}
	}
}

// TestWarningsOfMinors holds that a warning is told from the minor on that gives it.
func TestWarningsOfMinors(t *testing.T) {
	const headless = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: None, selector: {a: b}, sessionAffinity: ClientIP, ports: [{port: 80}]}\n"
	for _, test := range []struct{ name, text, want, since string }{
		{"PreferClose", service + "  trafficDistribution: PreferClose\n", `MG510 7:24 spec.trafficDistribution: "PreferClose" is deprecated`, "1.35"},
		{"externalIPs", service + "  externalIPs: [192.0.2.1]\n", "MG510 1:1 spec.externalIPs is deprecated", "1.36"},
		{"headless", headless, "MG510 1:1 spec.SessionAffinity is ignored", "1.34"},
		{"revisions", strings.NewReplacer("kind: Deployment", "kind: StatefulSet", "spec:\n  sel", "spec:\n  revisionHistoryLimit: -1\n  sel").Replace(deployment), "MG510 5:25 spec.revisionHistoryLimit: a negative value", "1.33"},
	} {
		for _, minor := range validate.Minors() {
			refused, got := said(validator(t, minor).Object(objects(t, test.text)[0], "default"))
			if told := strings.HasPrefix(got, test.want); told == validate.Older(minor, test.since) || got != "" && !told {
				t.Errorf("%s on %s: got %q, want %q from %s on; refused: %s", test.name, minor, got, test.want, test.since, refused)
			}
		}
	}
}

// TestDefinitions holds that a definition of a person's own is used, also in the place of an
// embedded one.
func TestDefinitions(t *testing.T) {
	const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer, minimum: 1}
                name: {type: string}
              x-kubernetes-validations: [{rule: "has(self.name) || self.size < 10", message: a large one has a name}]
`
	definitions := &validate.Definitions{}
	newest := validator(t, "1.37")
	if problems := definitions.Add(objects(t, crd)[0], newest); problems != nil {
		t.Fatal(problems)
	}
	v, err := validate.New("1.34", definitions)
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"{size: 1}":           "",
		"{size: 0}":           "MG506 4:14 spec.size: invalid value: 0: should be greater than or equal to 1",
		"{size: 10}":          "MG506 4:1 spec: invalid value: a large one has a name",
		"{siz: 1}":            `MG503 4:8 spec.siz: there is no such field (did you mean "size"?)`,
		"{size: 10, name: a}": "",
	} {
		got, _ := said(v.Object(objects(t, "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: "+spec+"\n")[0], "default"))
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", spec, got, want)
		}
	}
	for _, wrong := range []string{service, strings.Replace(crd, "type: integer", "type: int", 1)} {
		if problems := definitions.Add(objects(t, wrong)[0], newest); len(problems) == 0 {
			t.Errorf("taken:\n%s", wrong)
		}
	}
}

// TestScalarsAsKubectl compares how plain scalars are read with the library that kubectl reads YAML
// with.
func TestScalarsAsKubectl(t *testing.T) {
	for _, text := range []string{"a", "yes", "No", "y", "on", "off", "true", "TRUE", "~", "null", "0644", "0o17", "0x1F", "1_000", "1.5", "1e3", "1.0", "1e400",
		".5", "5.", "1:30", "12:30:45", "2026-11-25", "+1", "-1", "9223372036854775807", "1.10", "0", "00", "08", "-0", "truely", "Nope", "0b11", "123456789012345678901"} {
		var want map[string]any
		if err := yaml.Unmarshal([]byte("data: {a: "+text+"}"), &want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, isText := want["data"].(map[string]any)["a"].(string)
		isNull := want["data"].(map[string]any)["a"] == nil
		got, _ := said(validator(t, "1.34").Object(objects(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: "+text+"}\n")[0], ""))
		if taken := got == ""; taken != (isText || isNull) {
			t.Errorf("%s: kubectl reads %#v; got %q", text, want["data"], got)
		}
	}
}

func TestUnknownMinor(t *testing.T) {
	if _, err := validate.New("1.12", nil); err == nil || problem.All(err)[0].Hint != "valid values: 1.32, 1.33, 1.34, 1.35, 1.36, 1.37" {
		t.Errorf("got %v", err)
	}
}

func BenchmarkDeployment(b *testing.B) {
	v, o := validator(b, "1.34"), objects(b, deployment)[0]
	b.ReportAllocs()
	for b.Loop() {
		if len(v.Object(o, "default").Refused) > 0 {
			b.Fatal("refused")
		}
	}
}
