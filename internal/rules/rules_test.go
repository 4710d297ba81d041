package rules

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
)

// documents parses manifests.
func documents(t testing.TB, text string) []manifest.Value {
	t.Helper()
	file, err := manifest.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	values, err := file.Values()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return values
}

// objects reads the objects in manifests.
func objects(t testing.TB, text string) []*Object {
	t.Helper()
	var list []*Object
	for _, v := range documents(t, text) {
		if o := Read(v); o != nil {
			list = append(list, o)
		}
	}
	return list
}

// check checks manifests as all that a cluster has.
func check(t testing.TB, text string) []Finding {
	t.Helper()
	return Check([]*Cluster{{Objects: objects(t, text), Whole: true}})
}

// checkPersonal checks manifests as those of users' own copies.
func checkPersonal(t testing.TB, text string) []Finding {
	t.Helper()
	list := objects(t, text)
	for _, o := range list {
		o.Env = &Environment{Name: "sandbox", Namespace: "default"}
	}
	return Check([]*Cluster{{Objects: list, Whole: true}})
}

// codes are those of findings, each once.
func codes(found []Finding) []problem.Code {
	var list []problem.Code
	for _, f := range found {
		if !slices.Contains(list, f.Rule.Code) {
			list = append(list, f.Rule.Code)
		}
	}
	slices.Sort(list)
	return list
}

// messages are the findings as people read them.
func messages(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(string(f.Rule.Code) + " " + f.Place.String() + ": " + f.Message + " (" + f.Hint + ")\n")
		for _, also := range f.Also {
			b.WriteString("    " + also.Text + "\n")
		}
	}
	return b.String()
}

// TestExamples holds each rule to its own examples: it finds what is wrong, and the mended
// manifests have nothing that any rule finds.
func TestExamples(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(string(rule.Code), func(t *testing.T) {
			if rule.Wrong == rule.Right() {
				t.Fatal("the example is not mended")
			}
			if rule == immutable {
				if found := Immutable(documents(t, rule.Wrong), documents(t, rule.Right())); len(found) > 0 {
					t.Errorf("the mended example: %s", messages(found))
				}
				was := strings.ReplaceAll(rule.Wrong, "app: api-v2", "app: api")
				if found := Immutable(documents(t, was), documents(t, rule.Wrong)); len(found) != 1 {
					t.Errorf("the wrong example: %s", messages(found))
				}
				return
			}
			check := check
			if rule == exposed { // of personal environments
				check = checkPersonal
			}
			found := check(t, rule.Wrong)
			if !slices.Contains(codes(found), rule.Code) {
				t.Errorf("nothing is found in\n%s\nbut %s", rule.Wrong, messages(found))
			}
			for _, f := range found {
				if f.Rule == rule && !rule.Varies && f.Error != rule.Error {
					t.Errorf("the page says something else than %s", messages([]Finding{f}))
				}
			}
			if found := check(t, rule.Right()); len(found) > 0 {
				t.Errorf("the mended example:\n%s\n%s", rule.Right(), messages(found))
			}
		})
	}
}

// TestRootUserHint: what to write instead of user 0.
func TestRootUserHint(t *testing.T) {
	found := check(t, Find("MG645").Wrong)
	if len(found) != 1 || !strings.Contains(found[0].Hint, "runAsUser: 1000") {
		t.Errorf("got %s, want a hint with another user", messages(found))
	}
}

// TestImmutableData: the data of a ConfigMap or Secret, and that it is immutable, cannot change
// once it is.
func TestImmutableData(t *testing.T) {
	for _, c := range []struct{ was, now, want string }{
		{"immutable: true", "immutable: true", ""},
		{"immutable: True", "immutable: true", ""},
		{"immutable: false", "immutable: true", ""},
		{"immutable: false", "data: {A: b}", ""},
		{"data: {A: a}", "data: {A: b}", ""},
		{"data: {A: a}", "immutable: true\ndata: {A: b}", ""},
		{"immutable: true\ndata: {A: a}", "immutable: true\ndata: {A: b}", "data"},
		{"immutable: True\ndata: {A: a}", "immutable: true\ndata: {A: b}", "data"},
		{"immutable: yes\ndata: {A: a}", "immutable: true\ndata: {A: b}", "data"}, // YAML 1.1, as kubectl reads it
		{"immutable: on", "immutable: true", ""},
		{"immutable: yes", "immutable: no", "immutable"},
		{"immutable: true", "immutable: false", "immutable"},
		{"immutable: true\ndata: {A: a}", "data: {A: a}", "immutable"},
		{"immutable: true\ndata: {A: a}", "data: {A: b}", "immutable data"},
	} {
		for _, kind := range []string{"ConfigMap", "Secret"} {
			object := "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: a}\n"
			var want []string
			for _, field := range strings.Fields(c.want) {
				want = append(want, field+" of "+kind+" \"default/a\" cannot change: the API server refuses the update")
			}
			var got []string
			for _, f := range Immutable(documents(t, object+c.was), documents(t, object+c.now)) {
				got = append(got, f.Message)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q to %q: got %q, want %q", kind, c.was, c.now, got, want)
			}
		}
	}
}

// TestPages holds the pages of the rules to their form.
func TestPages(t *testing.T) {
	last := problem.Code("")
	for _, rule := range Rules() {
		if rule.Code <= last || rule.Title == "" || len(rule.Reason) < 80 || rule.Source == "" {
			t.Errorf("%s is out of order, or says too little", rule.Code)
		}
		last = rule.Code
		if (rule.object == nil) == (rule.cluster == nil) && rule != ignoreRule && rule != immutable {
			t.Errorf("%s must look at one object alone, or at a cluster", rule.Code)
		}
		if page := rule.Explanation(); !strings.Contains(page.Text, "Wrong:") || strings.Count(page.Text, "\n") > 120 {
			t.Errorf("%s: a page of %d lines", rule.Code, strings.Count(page.Text, "\n"))
		}
	}
}

// TestRenamed compares what is found in objects that were renamed with what is found in those that
// are read of the text with the other name: of the examples of all rules, with a user's name in
// every word that is one.
func TestRenamed(t *testing.T) {
	words := strings.NewReplacer("name: api", "name: USER-api", "app: api", "app: USER", "api.example.com", "USER.example.com", "name: http", "name: USER", "key: ", "key: USER-", "{spot", "{USER",
		"group.name: dev", "group.name: USER", "values: [", "values: [USER, ", "h1.", "USER.", "path: /v1", "path: /USER", "LOG_LEVEL: ", "USER: ", "containers:", "#USER\n      containers:")
	compared := 0
	for _, rule := range Rules() {
		for _, example := range []string{rule.Wrong, rule.Right()} {
			text := words.Replace(example)
			alice, carol := objects(t, strings.ReplaceAll(text, "USER", "alice")), objects(t, strings.ReplaceAll(text, "USER", "carol"))
			renamed := make([]*Object, len(alice))
			for i, o := range alice {
				renamed[i] = &Object{}
				o.CopyTo(renamed[i], "alice", "carol")
			}
			before := messages(Check([]*Cluster{{Objects: alice, Whole: true}}))
			got, want := Check([]*Cluster{{Objects: renamed, Whole: true}}), Check([]*Cluster{{Objects: carol, Whole: true}})
			if messages(got) != messages(want) {
				t.Errorf("%s:\ngot  %swant %s", rule.Code, messages(got), messages(want))
			}
			if after := messages(Check([]*Cluster{{Objects: alice, Whole: true}})); after != before || strings.Contains(messages(got), "alice") {
				t.Errorf("%s: the original was changed:\n%s%s", rule.Code, before, after)
			}
			compared += len(got)
		}
	}
	if compared < 30 {
		t.Errorf("only %d findings were compared", compared)
	}
}

func TestIgnore(t *testing.T) {
	ignoring := func(codes string) string {
		return strings.Replace(serviceSelects.Wrong, "metadata: {name: api}\nspec:\n  selector", "metadata: {name: api, annotations: {manifestgen-ignore: \""+codes+"\"}}\nspec:\n  selector", 1)
	}
	for given, want := range map[string][]problem.Code{
		"MG601":         nil,
		"MG606, MG601":  {"MG600"}, // the first ignores nothing
		"MG602":         {"MG600", "MG601"},
		"MG6O1":         {"MG600", "MG601"},
		"MG501 , MG601": {"MG600"},
		"":              {"MG600", "MG601"},
	} {
		if found := check(t, ignoring(given)); !slices.Equal(codes(found), want) {
			t.Errorf("%q: got %v, want %v:\n%s", given, codes(found), want, messages(found))
		}
	}
}

// TestIgnoreByTemplate: what ignores something for one user ignores nothing for another whose
// object the same template makes, and that is no reason to speak.
func TestIgnoreByTemplate(t *testing.T) {
	text := strings.ReplaceAll(`apiVersion: v1
kind: Service
metadata: {name: USER, annotations: {manifestgen-ignore: MG601}}
spec: {selector: {app: USER}, ports: [{port: 80}]}
---
`, "USER", "alice") + strings.ReplaceAll(deployment, "app: api", "app: carol")
	list := append(objects(t, text), objects(t, strings.ReplaceAll(strings.Split(text, "---")[0], "alice", "carol"))...)
	for _, o := range list {
		o.Source = "templates/service.yaml.tmpl"
	}
	if found := Check([]*Cluster{{Objects: list, Whole: true}}); len(found) > 0 {
		t.Error(messages(found))
	}
}

// TestTargetWithoutName: an autoscaler that names nothing is the API server's to refuse.
func TestTargetWithoutName(t *testing.T) {
	for _, target := range []string{"{kind: Deployment}", "{kind: Deployment, name: ''}", "{}", "a", "[]"} {
		text := "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {maxReplicas: 2, scaleTargetRef: " + target + "}\n"
		if found := check(t, text); len(found) > 0 {
			t.Errorf("%s: %s", target, messages(found))
		}
	}
}

// TestDamaged checks each rule's examples with one part of an object missing, empty or a word,
// whichever part it is: rules see objects that the schema refuses, and none may end in a panic.
func TestDamaged(t *testing.T) {
	checked := 0
	for _, rule := range Rules() {
		for _, example := range []string{rule.Wrong, rule.Right()} {
			if len(example) > 4000 {
				continue // the quotas' examples are one thing many times
			}
			values := documents(t, example)
			read := make([]*Object, len(values))
			for i, v := range values {
				read[i] = Read(v)
			}
			for i, original := range values {
				for damaged := range damages(original) {
					if checked++; !testmain.Tried(checked) {
						continue
					}
					list := slices.Clone(read)
					list[i] = Read(damaged)
					list = slices.DeleteFunc(list, func(o *Object) bool { return o == nil })
					Check([]*Cluster{{Objects: list, Whole: true}})
					Check([]*Cluster{{Objects: list, Open: true}})
				}
			}
		}
	}
	if checked < 2000 {
		t.Errorf("only %d damaged examples were checked", checked)
	}
}

// damages yields a map or list with each of its parts in turn taken out, and damaged.
func damages(v manifest.Value) iter.Seq[manifest.Value] {
	return func(yield func(manifest.Value) bool) {
		damaged := v
		for i, f := range v.Fields {
			damaged.Fields = slices.Delete(slices.Clone(v.Fields), i, i+1)
			if !yield(damaged) {
				return
			}
			for part := range others(f.Value) {
				damaged.Fields = slices.Clone(v.Fields)
				damaged.Fields[i].Value = part
				if !yield(damaged) {
					return
				}
			}
		}
		for i, item := range v.Items {
			damaged.Items = slices.Delete(slices.Clone(v.Items), i, i+1)
			if !yield(damaged) {
				return
			}
			for part := range others(item) {
				damaged.Items = slices.Clone(v.Items)
				damaged.Items[i] = part
				if !yield(damaged) {
					return
				}
			}
		}
	}
}

// others yields what may stand in the place of a value: nothing, a word, or the value damaged.
func others(v manifest.Value) iter.Seq[manifest.Value] {
	return func(yield func(manifest.Value) bool) {
		if !yield(manifest.Value{Kind: manifest.Null, Place: v.Place}) || !yield(manifest.Value{Kind: manifest.String, Text: "word", Place: v.Place}) {
			return
		}
		damages(v)(yield)
	}
}

// TestCheckAgain: checking the same clusters again finds the same.
func TestCheckAgain(t *testing.T) {
	clusters := []*Cluster{{Objects: objects(t, serviceSelects.Wrong), Whole: true}}
	first := messages(Check(clusters))
	if again := messages(Check(clusters)); again != first {
		t.Errorf("got  %swant %s", again, first)
	}
}

// TestRenamedBesideOthers: an object that was renamed is compared with one that was read as it is,
// or that was renamed from another text.
func TestRenamedBesideOthers(t *testing.T) {
	for name, c := range map[string]struct{ shared, own string }{
		"a pool's taint": {
			small("karpenter.sh/v1", "NodePool", "name: carol", `spec: {template: {metadata: {labels: {owner: carol}}, spec: {taints: [{key: owner, value: carol, effect: NoSchedule}]}}}`),
			workload("Deployment", `nodeSelector: {owner: USER}, tolerations: [{key: owner, value: USER, effect: NoSchedule}], `),
		},
		"an image that kustomize tags": {
			strings.ReplaceAll(workload("Deployment", ""), "example/api:1.4", "example/carol"),
			"---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages: [{name: example/USER, newTag: '1.5'}]\n",
		},
	} {
		renamed := &Object{}
		objects(t, strings.ReplaceAll(c.own, "USER", "alice"))[0].CopyTo(renamed, "alice", "carol")
		if found := Check([]*Cluster{{Objects: append(objects(t, c.shared), renamed), Whole: true}}); len(found) > 0 {
			t.Errorf("%s: %s", name, messages(found))
		}
	}
}
