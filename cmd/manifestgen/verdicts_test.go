package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
	"k8srepo/internal/testmain"
	"k8srepo/internal/tree"
	"k8srepo/internal/validate"
)

// documents are manifests with the user's name, USER, in places of all kinds: some are taken, some
// are refused for it, and some depend on its length.
var documents = []string{
	"apiVersion: v1\nkind: Service\nmetadata: {name: USER-api, labels: {user: USER, USER: x}}\nspec: {selector: {app: USER}, ports: [{name: USER, port: 80}]}\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: USER-api}\nspec: {ports: [{name: USER, port: 80}, {name: http, port: 81}]}\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: USER.api}\nspec: {ports: [{port: 80}]}\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: USER-that-has-a-suffix-which-makes-its-name-rather-long-a}\nspec: {ports: [{port: 80}]}\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: USER}\ndata: {USER: USER, home: USER}\n",
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: USER, labels: {pod-security.kubernetes.io/enforce: USER}}\n",
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: USER}\nspec:\n  selector: {matchLabels: {app: USER}}\n  template:\n    metadata: {labels: {app: USER}}\n    spec:\n      containers:\n" +
		"        - {name: USER, image: USER/api:1, ports: [{name: web, containerPort: 80}], volumeMounts: [{name: USER, mountPath: /home/USER, subPath: USER}]}\n      volumes: [{name: USER, emptyDir: {}}]\n",
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {app: USER}}\n  template:\n    metadata: {labels: {app: bob}}\n    spec: {containers: [{name: a, image: a}]}\n",
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec: {containers: [{name: USER, image: a}, {name: carol, image: a}]}\n",
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: USER}\nspec: {rules: [{host: USER.example.com, http: {paths: [{path: /USER, pathType: Prefix, backend: {service: {name: USER, port: {name: USER}}}}]}}]}\n",
	"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: USER-a-suffix-that-leaves-no-room-for-more-at}\nspec: {schedule: '@daily', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}\n",
	"apiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: USER}\nspec: {vpcID: vpc-USER, serviceRef: {name: USER, port: USER}}\n",
	"apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: USER}\nspec: {secretStoreRef: {name: a, kind: USER}, data: [{secretKey: USER, remoteRef: {key: USER}}]}\n",
}

// TestReusedVerdicts compares the verdict of each document for each user with the one that would be
// reused for it.
func TestReusedVerdicts(t *testing.T) {
	v, err := validate.New("1.34", nil)
	if err != nil {
		t.Fatal(err)
	}
	users := []string{"alice", "carol", "bob", "http", "web", "api", "home", "app", "kube-system", "default", "a1", "a-b", "yes", "null", "u0001", "u0002", "abc-def-1",
		"privileged", "restricted", "abcdefghij", "false", "cafe", "beef", "abcd", "dave", "a-user-of-20-letters", "b-user-of-20-letters", "a-user-with-a-very-long-name-indeed", "b-user-with-a-very-long-name-indeed"}
	reused := 0
	for i, document := range slices.Concat(documents, starterDocuments(t)) {
		if !testmain.Tried(i) {
			continue
		}
		known := &verdicts{}
		for _, user := range users {
			text := strings.ReplaceAll(document, "USER", user)
			same := newUserText([]byte(text), "default", user)
			k := known.of(same.key)
			if k == nil {
				known.remember(same.key, &knownText{taken: isTaken(v, []byte(text), "default"), user: user})
			} else if k.isTakenFor(same, user, func(text []byte) bool { return isTaken(v, text, "default") }) {
				reused++
				if !isTaken(v, []byte(text), "default") {
					t.Errorf("document %d is refused for %s, and would be taken:\n%s", i, user, text)
				}
			}
		}
	}
	if reused < 150 && !testmain.Race {
		t.Errorf("only %d verdicts are reused", reused)
	}
}

// TestVerdictsOfOtherRuns validates the same texts where something else is different.
func TestVerdictsOfOtherRuns(t *testing.T) {
	inv, _, err := (&renderOptions{source: "../../testdata/small"}).load()
	if err != nil {
		t.Fatal(err)
	}
	const (
		cidr       = "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: a}\nspec: {cidrs: [10.0.0.0/16]}\n"
		pods       = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec: {containers: [{name: a, image: a:1}]}\n"
		restricted = "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev, labels: {pod-security.kubernetes.io/enforce: restricted}}\n"
	)
	known := &verdicts{}
	for i, run := range []struct {
		minor string
		texts []string
		rules bool // objects are read
		want  []problem.Code
	}{
		{"1.34", []string{cidr, pods}, false, nil},
		{"1.34", []string{cidr, pods}, true, nil},
		{"1.32", []string{cidr}, true, []problem.Code{problem.NoSuchKind}},
		{"1.34", []string{restricted, pods}, true, []problem.Code{problem.PodSecurity}},
		{"1.34", []string{cidr, pods}, true, nil},
	} {
		v, err := validate.New(run.minor, nil)
		if err != nil {
			t.Fatal(err)
		}
		var manifests []render.Manifest
		var which []int
		for i, text := range run.texts {
			manifests = append(manifests, render.Manifest{Env: "dev", Template: "templates/service/a.yaml.tmpl", Text: &manifest.Text{Data: []byte(text)}})
			which = append(which, i)
		}
		var objects ruleObjects
		if run.rules {
			objects = make(ruleObjects, len(manifests))
		}
		refused, warned := known.validateAll(v, inv, manifests, which, objects)
		var codes []problem.Code
		for _, f := range append(refused, warned...) {
			codes = append(codes, f.Code)
		}
		if !slices.Equal(slices.Compact(codes), run.want) {
			t.Errorf("run %d: got %q, want %q", i, codes, run.want)
		}
		for j := range objects {
			if len(objects[j].objects) != 1 {
				t.Errorf("run %d: text %d has %d objects for the rules", i, j, len(objects[j].objects))
			}
		}
	}
}

// TestVerdictsOfOwnDefinitions: where a folder has definitions, its verdicts are nobody else's.
func TestVerdictsOfOwnDefinitions(t *testing.T) {
	definitions, err := loadDefinitions(fstest.MapFS{"schemas/a.yaml": {Data: []byte(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: targetgroupbindings.elbv2.k8s.aws}
spec:
  group: elbv2.k8s.aws
  scope: Namespaced
  names: {kind: TargetGroupBinding, plural: targetgroupbindings, singular: targetgroupbinding, listKind: TargetGroupBindingList}
  versions: [{name: v1beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`)}}, "schemas")
	if err != nil {
		t.Fatal(err)
	}
	if verdictsWith(&validate.Definitions{}) != &remembered {
		t.Error("runs without definitions do not share their verdicts")
	}
	if v := verdictsWith(definitions); v == &remembered || v == verdictsWith(definitions) {
		t.Error("verdicts are shared with other definitions")
	}
}

// starterDocuments are the manifests of this repository's own users, with USER for their names; and
// each once more with a mistake, which no name must hide.
func starterDocuments(t *testing.T) []string {
	t.Helper()
	_, files := starter(t)
	var list []string
	seen := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		_, below, ok := strings.Cut(path, "/manifests/users/")
		if !ok {
			continue
		}
		user, _, _ := strings.Cut(below, "/")
		text := strings.ReplaceAll(string(tree.WithoutHeader([]byte(files[path]))), user, "USER")
		if !seen[text] {
			seen[text] = true
			list = append(list, text, strings.Replace(text, "metadata:", "metadta:", 1))
		}
	}
	if len(list) < 4 {
		t.Fatalf("the starter has only %d manifests of users", len(list)/2)
	}
	return list
}
