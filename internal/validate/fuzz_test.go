package validate_test

import (
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/validate"
)

// FuzzObject holds that no object makes the API server's code, or the walk to it, panic, and that
// each problem has a place in the file.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		deployment, service,
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {1: 2}}\ndata: {a: b}\nstringData: {c: ~}\n",
		"apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod}, 1, null]\n",
		"apiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: a}\nspec: {serviceRef: {name: a, port: 80}}\n",
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {generateName: a-}\nspec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: []}}}}}\n",
		"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: [a], annotations: {a: 1e400}}\n",
		"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: [{host: '*.a', http: {paths: [{path: /, pathType: Exact, backend: {service: {name: a, port: {number: 80}}}}]}}]}\n",
	} {
		f.Add(seed)
	}
	v := validator(f, "1.34")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := manifest.Parse("x.yaml", []byte(text))
		if err != nil {
			return
		}
		values, err := file.Values()
		if err != nil {
			return
		}
		for _, object := range validate.Objects(values) {
			verdict := v.Object(object, "default")
			for _, p := range append(verdict.Refused, verdict.Warnings...) {
				if p.Place.Line < 1 || p.Message == "" {
					t.Fatalf("no place or no message: %+v", p)
				}
			}
		}
	})
}
