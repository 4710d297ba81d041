package deploy

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"k8srepo/internal/problem"
)

// Message is what a commit message's template is filled with.
type Message struct {
	Env      string
	Services string // names, with commas between them
	Old      string // the tags that were running, with commas between them
	New      string
	Files    []string
	RunURL   string // may be empty
}

const defaultMessage = `{{ .Services }}: {{ .Env }} {{ .Old }} → {{ .New }}

{{ range .Files }}{{ . }}
{{ end }}{{ with .RunURL }}
{{ . }}
{{ end }}`

// mostNamed is how many old tags a message names.
const mostNamed = 3

// message is the commit message of a plan.
func (d *Deployment) message(plan *Outcome) (string, error) {
	text := d.Message
	if text == "" {
		text = defaultMessage
	}
	t, err := template.New("--message").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", problem.New("it is a Go text/template over .Services .Env .Old .New .Files .RunURL", "%v", err)
	}
	m := Message{Env: d.Env, Services: strings.Join(d.names(), ", "), New: plan.NewTag, RunURL: d.RunURL}
	var old []string
	for _, i := range plan.Images {
		if tag := version(i.Old); i.Changed() && !slices.Contains(old, tag) {
			old = append(old, tag)
		}
	}
	if more := len(old) - mostNamed; more > 0 {
		old = append(old[:mostNamed], fmt.Sprintf("%d more", more))
	}
	m.Old = strings.Join(old, ", ")
	for _, f := range plan.Files {
		m.Files = append(m.Files, f.Path)
	}
	var b strings.Builder
	if err := t.Execute(&b, m); err != nil {
		return "", problem.New("it is a Go text/template over .Services .Env .Old .New .Files .RunURL", "%v", err)
	}
	return strings.TrimSpace(b.String()) + "\n", nil
}

// names are what is deployed, as people call it.
func (d *Deployment) names() []string {
	names := slices.Clone(d.Services)
	for _, image := range d.Images {
		names = append(names, image[strings.LastIndexByte(image, '/')+1:])
	}
	return names
}
