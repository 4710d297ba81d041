package render

import (
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// habit is something that people write who know Helm, Ansible or Jinja, and what to
// write here. Messages and the table in docs/templates.md come from it.
type habit struct {
	words  []string // of functions; with a dot before them, of fields
	theirs string
	here   string
}

var habits = []habit{
	{[]string{".Values"}, `{{ .Values.replicas }}`, `{{ .Vars.replicas }}, declared in templates/variables.yaml`},
	{[]string{"nindent", "indent"}, `{{ toYaml .Values.x | nindent 4 }}`, `{{ .Vars.x }}: it is written as YAML, indented as its place needs it`},
	{[]string{"quote", "squote", "html", "js", "urlquery"}, `{{ .Values.x | quote }}`, `{{ .Vars.x }}: quotes are added where YAML needs them; "{{ .Vars.x }}" makes a number text`},
	{[]string{"toYAML", "to_yaml", "to_nice_yaml"}, `{{ x | to_yaml }}`, `{{ .Vars.x }}; in a block of text, on a line of its own, {{ toYaml .Vars.x }}`},
	{[]string{"to_json", "mustToJson", "toRawJson"}, `{{ x | to_json }}`, `{{ toJson .Vars.x }}`},
	{[]string{"fromYaml", "fromJson", "fromYamlArray", "fromJsonArray", "from_yaml", "from_json"}, `{{ fromYaml .Values.text }}`, `{{ .Vars.x }}, with a map or a list in the variable: values keep their types`},
	{[]string{".Release"}, `{{ .Release.Namespace }}, {{ .Release.Name }}`, `{{ .Env.Namespace }}, {{ .Service.Name }}`},
	{[]string{".Chart"}, `{{ .Chart.Name }}, {{ .Chart.AppVersion }}`, `{{ .Service.Name }}, {{ .Tag }}`},
	{[]string{".Capabilities"}, `{{ .Capabilities.KubeVersion }}`, `{{ .Env.Kubernetes }}`},
	{[]string{".Files"}, `{{ .Files.Get "x.conf" }}`, `{{ file "x.conf" }}, of templates/files/x.conf`},
	{[]string{".Template"}, `{{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}`, `{{ include "templates/service/configmap.yaml.tmpl" . | sha256sum }}`},
	{[]string{"mustMerge", "mergeOverwrite", "set", "unset", "deepCopy", "combine"}, `{{ set $d "k" "v" }}, {{ mergeOverwrite $a $b }}`, `{{ merge $b $a }}, or $d = merge (dict "k" "v") $d: nothing is changed in place`},
	{[]string{"now", "date", "ago", "htmlDate", "unixEpoch"}, `{{ now }}`, noInput},
	{[]string{"randAlphaNum", "randAlpha", "randNumeric", "randAscii", "uuidv4", "genCA", "genPrivateKey", "genSelfSignedCert", "genSignedCert", "htpasswd", "bcrypt", "derivePassword", "password_hash", "random"}, `{{ randAlphaNum 16 }}`, noInput + `; passwords belong into Secrets Manager, see "secrets:" in users.yaml`},
	{[]string{"env", "expandenv", "getHostByName", "lookup"}, `{{ lookup "v1" "Secret" "ns" "name" }}, {{ env "HOME" }}`, noInput},
	{[]string{"toStrings", "string", "toDecimal"}, `{{ toStrings .Values.list }}`, `{{ toString .Vars.x }}`},
	{[]string{"b64encode", "base64"}, `{{ x | b64encode }}`, `{{ b64enc .Vars.x }}`},
	{[]string{"d", "mandatory"}, `{{ x | d("y") }}, {{ x | mandatory }}`, `{{ .Vars.x | default "y" }}, {{ required "set x" .Vars.x }}`},
	{[]string{"item"}, `{{ item }}`, `{{ . }}, inside of {{ range .Vars.items }}`},
	{[]string{"ansible_facts", "hostvars", "groups", "inventory_hostname", "vars"}, `{{ vars.x }}`, `{{ .Vars.x }}`},
	{[]string{"call", "tuple", "typeOf", "kindIs", "kindOf", "semver", "semverCompare", "title", "snakecase", "camelcase", "kebabcase", "seq", "untilStep", "round", "floor", "ceil"}, `{{ semverCompare ">=1.25" .Capabilities.KubeVersion }}`, `no equivalent: docs/templates.md lists the functions`},
}

const noInput = "no equivalent: the same input makes the same manifests, so there is no clock, randomness, environment or network"

// habitOf returns what to write instead of a function or, with a dot before it, a field.
func habitOf(word string) string {
	for _, h := range habits {
		if slices.Contains(h.words, word) {
			if strings.HasPrefix(h.here, "{{") {
				return "write " + h.here
			}
			return h.here
		}
	}
	return ""
}

// bareWord is a name without a dot before it, as Jinja has them: service.name, replicas.
var bareWord = lazyregexp.New(`^[a-z_]\w*((\.\w+)*)`)

// functionHint says what to write instead of a function that is not there. What is
// written after its name distinguishes fields of Ansible's from functions. No other function
// is named by its spelling.
func (t *Templates) functionHint(name, line string) string {
	if hint := habitOf(name); hint != "" {
		return hint
	}
	for _, action := range strings.Split(line, "{{")[1:] {
		action = strings.TrimLeft(action, "- ")
		word := bareWord.FindString(action)
		first, rest, dotted := strings.Cut(word, ".")
		if first != name {
			continue
		}
		for _, scope := range []string{"Service", "Env", "User", "Team"} {
			if strings.EqualFold(first, scope) || scope == "Env" && strings.EqualFold(first, "environment") {
				if !dotted {
					return fmt.Sprintf("write {{ .%s.Name }}", scope)
				}
				return fmt.Sprintf("write {{ .%s.%s }}", scope, fieldOf(scope, rest))
			}
		}
		if slices.Contains(t.variables, name) {
			return fmt.Sprintf("write {{ .Vars.%s }}", word)
		}
	}
	return "docs/templates.md lists the functions; a variable is written {{ .Vars.name }}, a text in quotes"
}

// fieldOf returns a field as it is written in templates.
func fieldOf(scope, name string) string {
	var fields []string
	for _, f := range scopeFields(scope) {
		if strings.EqualFold(f, strings.ReplaceAll(name, "_", "")) {
			return f
		}
		fields = append(fields, f)
	}
	if near := problem.Nearest(name, fields); near != "" {
		return near
	}
	return name
}
