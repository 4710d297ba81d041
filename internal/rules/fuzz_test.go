package rules

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
)

// FuzzConditions: what readConditions takes has values for each condition, and is JSON.
func FuzzConditions(f *testing.F) {
	for _, seed := range []string{`[{"field":"host-header","hostHeaderConfig":{"values":["a"]}}]`, `[{"field":"query-string","queryStringConfig":{"values":[{"key":"a","value":"b"}]}}]`,
		`[{"field":"source-ip","sourceIPConfig":{}}]`, `null`, `[null]`, `[]`, `{}`, `[{"field":"path-pattern","pathPatternConfig":{"regexValues":[""]}}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readConditions(text)
		if err == nil && !json.Valid([]byte(text)) {
			t.Fatalf("%q is no JSON, and is taken", text)
		}
		if err != nil {
			return
		}
		for i := range list {
			if v := list[i].values(conditionFields[list[i].Field]); v == nil || (len(v.Values) == 0) == (len(v.Regexes) == 0) {
				t.Fatalf("%q: %+v is taken", text, list[i])
			}
		}
	})
}

// FuzzActions: what readAction takes is JSON of a known type; a forward has groups that are named.
func FuzzActions(f *testing.F) {
	for _, seed := range []string{`{"type":"redirect","redirectConfig":{"statusCode":"HTTP_301"}}`, `{"type":"forward","targetGroupARN":"a"}`, `null`, `{}`,
		`{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"a","servicePort":"80"},{"serviceName":"b","servicePort":80,"weight":1}]}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := readAction(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) || a.Type != "redirect" && a.Type != "forward" && a.Type != "fixed-response" {
			t.Fatalf("%q is taken", text)
		}
		if a.Forward != nil && a.Type == "forward" {
			for _, g := range a.Forward.Groups {
				if g.Service == nil && g.ARN == nil && g.Name == nil || g.Service != nil && g.Port == nil {
					t.Fatalf("%q: %+v is taken", text, g)
				}
			}
		}
	})
}

// FuzzKeyValues: pairs that are written without commas and backslashes are read as they are.
func FuzzKeyValues(f *testing.F) {
	f.Add("a", "b", "c", "d")
	f.Add("idle_timeout.timeout_seconds", "60", "x", "")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		keyValues(a + b + c + d) // whatever it is
		for _, part := range []string{a, b, c, d} {
			if strings.ContainsAny(part, ",=\\") || strings.TrimSpace(part) != part {
				return
			}
		}
		if a == "" || c == "" {
			return
		}
		got, ok := keyValues(a + "=" + b + "," + c + "=" + d)
		if want := (labels{{a, b}, {c, d}}); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// FuzzRead: no object, however odd, makes Read, Check or Immutable panic.
func FuzzRead(f *testing.F) {
	for _, rule := range Rules() {
		if len(rule.Wrong) < 4000 {
			f.Add(rule.Wrong)
		}
	}
	f.Add("kind: Service\nmetadata: []\nspec: 1\n")
	f.Add("kind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata: {annotations: {alb.ingress.kubernetes.io/listen-ports: '[{\"HTTP\": 80}]'}}\nspec: {rules: [{http: {paths: [1]}}, 2]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := manifest.Parse("a.yaml", []byte(text))
		if err != nil {
			return
		}
		values, err := file.Values()
		if err != nil {
			return
		}
		c := &Cluster{Whole: true}
		for _, v := range values {
			if o := Read(v); o != nil {
				o.CopyTo(&Object{}, "api", "a-longer-name")
				c.Objects = append(c.Objects, o)
			}
		}
		Check([]*Cluster{c})
		Check([]*Cluster{{Objects: c.Objects, Open: true}})
		Immutable(values, values)
	})
}
