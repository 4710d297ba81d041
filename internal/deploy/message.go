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
	Old      string // the tags that were running, with commas between them; full hashes are cut to 7 digits
	New      string // the new one, cut in the same way
	Tag      string // the new one, in full
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

// CheckMessage tells what is wrong with a template, before anything is done.
func CheckMessage(text string) error {
	sample := Message{"dev", "api", "1f0c9ae", "9f2c1ab", "9f2c1ab", []string{"dev/manifests/api/api-dev-deployment.yaml"}, "https://example.com"}
	_, err := sample.fill(text)
	return err
}

// fill is the message that a template makes; "" is the default one.
func (m Message) fill(text string) (string, error) {
	if text == "" {
		text = defaultMessage
	}
	const hint = "it is a Go text/template over .Services .Env .Old .New .Tag .Files .RunURL"
	t, err := template.New("--message").Parse(text)
	var b strings.Builder
	if err == nil {
		err = t.Execute(&b, m)
	}
	if err != nil {
		return "", problem.New(hint, "%s", strings.TrimPrefix(err.Error(), "template: "))
	}
	message := strings.TrimSpace(b.String())
	if message == "" {
		return "", problem.New(hint, "--message makes an empty commit message")
	}
	return message + "\n", nil
}

// message is the commit message of a plan.
func (d *Deployment) message(plan *Outcome) (string, error) {
	m := Message{Env: d.Env, Services: strings.Join(d.names(), ", "), New: shortened(plan.NewTag), Tag: plan.NewTag, RunURL: d.RunURL}
	var old []string
	for _, tag := range plan.OldTags() {
		old = append(old, shortened(tag))
	}
	if more := len(old) - mostNamed; more > 0 {
		old = append(slices.Clone(old[:mostNamed]), fmt.Sprintf("%d more", more))
	}
	m.Old = strings.Join(old, ", ")
	for _, f := range plan.Files {
		m.Files = append(m.Files, f.Path)
	}
	return m.fill(d.Message)
}

// shortened is a tag or digest in a subject line: hashes are cut as git log
// --oneline cuts them.
func shortened(tag string) string {
	const full, short = 40, 7
	algorithm, digest, isDigest := strings.Cut(tag, ":")
	switch {
	case isDigest && len(digest) > 12:
		return algorithm + ":" + digest[:12]
	case len(hashOf(tag)) >= full:
		return strings.TrimSuffix(tag, hashOf(tag)) + hashOf(tag)[:short]
	}
	return tag
}

// names are what is deployed, as people call it.
func (d *Deployment) names() []string {
	names := slices.Clone(d.Services)
	for _, image := range d.Images {
		names = append(names, image[strings.LastIndexByte(image, '/')+1:])
	}
	return names
}
