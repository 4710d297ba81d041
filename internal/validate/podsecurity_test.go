package validate_test

import (
	"strings"
	"testing"

	"k8srepo/internal/validate"
)

// guarded are Namespaces, and an object that is none, with labels of PodSecurity.
const guarded = `apiVersion: v1
kind: Namespace
metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Namespace
metadata: {name: old, labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.22}}
---
apiVersion: v1
kind: Namespace
metadata: {name: warned, labels: {pod-security.kubernetes.io/warn: baseline}}
---
apiVersion: v1
kind: Namespace
metadata: {name: wrong, labels: {pod-security.kubernetes.io/enforce: strictest}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: default, labels: {pod-security.kubernetes.io/enforce: restricted}}
`

// TestPodSecurity holds what the labels of a Namespace say of the pods in it: a Pod is refused, and
// what makes such pods is warned of, at the container.
func TestPodSecurity(t *testing.T) {
	const good = "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]"
	const host = "hostNetwork: true, containers: [{name: a, image: a}]"
	const privileged = "containers: [{name: a, image: a}, {name: b, image: b, securityContext: {privileged: true}}]"
	pod := func(namespace, spec string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: " + namespace + "}\nspec:\n  {" + spec + "}\n"
	}
	workload := func(kind, namespace, spec string) string {
		return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: a, namespace: " + namespace + "}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec:\n  {" + spec + "}}}\n"
	}
	tests := []struct {
		name, text      string
		refused, warned string // parts of what is said; "" for nothing
	}{
		{"a good pod", pod("strict", good), "", ""},
		{"a good workload", workload("Deployment", "strict", good), "", ""},
		{"a pod", pod("strict", privileged), `MG512 5:38 spec.containers[1]: the namespace "strict" enforces PodSecurity "restricted:latest": privileged (container "b" must not set securityContext.privileged=true)`, ""},
		{"a deployment", workload("Deployment", "strict", privileged), "",
			`MG512 5:38 spec.template.spec.containers[1]: no pod would start: the namespace "strict" enforces PodSecurity "restricted:latest": privileged (container "b" must not`},
		{"what the pod lacks", workload("DaemonSet", "strict", host), "", `MG512 4:80 spec.template.spec: no pod would start: the namespace "strict" enforces PodSecurity "restricted:latest": host namespaces (hostNetwork=true)`},
		{"a lower level", workload("StatefulSet", "old", "containers: [{name: a, image: a}]"), "", ""},
		{"a version of its own", workload("StatefulSet", "old", privileged), "", `enforces PodSecurity "baseline:v1.22": privileged`},
		{"a warning alone", workload("Deployment", "warned", privileged), "", `MG512 5:38 spec.template.spec.containers[1]: would violate PodSecurity "baseline:latest": privileged`},
		{"a pod that is warned of", pod("warned", privileged), "", `would violate PodSecurity "baseline:latest"`},
		{"wrong labels", workload("Deployment", "wrong", privileged), "", ""},
		{"no Namespace", workload("Deployment", "elsewhere", privileged), "", ""},
		{"a cron job", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a, namespace: warned}\nspec:\n  schedule: '@daily'\n  jobTemplate: {spec: {template: {spec:\n    {restartPolicy: Never, " + host + "}}}}\n", "",
			`spec.jobTemplate.spec.template.spec: would violate PodSecurity "baseline:latest": host namespaces`},
		{"a rollout", strings.Replace(workload("Rollout", "strict", privileged), "apps/v1", "argoproj.io/v1alpha1", 1), "", "spec.template.spec.containers[1]: no pod would start"},
		{"the default namespace", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {" + privileged + "}\n", "", ""},
	}
	known := &validate.Namespaces{}
	for _, object := range objects(t, guarded) {
		known.Add(object)
	}
	v := validator(t, "1.34").In(known)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused, warned := said(v.Object(objects(t, test.text)[0], ""))
			for _, s := range []struct{ got, want string }{{refused, test.refused}, {warned, test.warned}} {
				if s.want == "" && s.got != "" || !strings.Contains(s.got, s.want) {
					t.Errorf("got  %s\nwant %s", s.got, s.want)
				}
			}
		})
	}
	t.Run("an object without a namespace", func(t *testing.T) {
		text := strings.Replace(pod("x", privileged), ", namespace: x", "", 1)
		if refused, _ := said(v.Object(objects(t, text)[0], "strict")); !strings.Contains(refused, "privileged") {
			t.Errorf("got %s", refused)
		}
	})
}

// TestPodSecurityLatest holds that "latest" is the minor's: 1.34 and later refuse a probe of
// another host.
func TestPodSecurityLatest(t *testing.T) {
	known := &validate.Namespaces{}
	known.Add(objects(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {pod-security.kubernetes.io/enforce: baseline}}\n")[0])
	pod := objects(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: a}\nspec: {containers: [{name: a, image: a, livenessProbe: {httpGet: {host: example.com, port: 80}}}]}\n")[0]
	for minor, want := range map[string]bool{"1.32": false, "1.33": false, "1.34": true, "1.37": true} {
		if refused, _ := said(validator(t, minor).In(known).Object(pod, "")); (refused != "") != want {
			t.Errorf("%s: got %q", minor, refused)
		}
	}
}
