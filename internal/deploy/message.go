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

// defaultMessage is what follows the first line of the default messages.
const defaultMessage = `

{{ range .Files }}{{ . }}
{{ end }}{{ with .RunURL }}
{{ . }}
{{ end }}`

// maxNamed is how many old tags a message names.
const maxNamed = 3

// checkMessage returns what is wrong with a commit message's template, before anything is
// done; nil for "", the default one.
func checkMessage(text string) error {
	if text == "" {
		return nil
	}
	sample := Message{"dev", "api", "1f0c9ae", "9f2c1ab", "9f2c1ab", []string{"dev/manifests/api/api-dev-deployment.yaml"}, "https://example.com"}
	_, err := sample.fill(text)
	return err
}

// fill returns the message that a template makes.
func (m Message) fill(text string) (string, error) {
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

// messageOf returns the commit message of a plan.
func messageOf(o *Options, t *task, plan *Outcome) (string, error) {
	m := Message{Env: t.env(), Services: strings.Join(t.names, ", "), New: shortenedAll(plan.NewTag), Tag: plan.NewTag, RunURL: o.RunURL}
	if len(t.kept) > 0 { // each service of the set has its own
		var tags []string
		for _, i := range plan.Images {
			if tag := shortened(i.New.TagOrDigest()); i.Changed() && !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		m.New = strings.Join(tags, ", ")
	}
	var old []string
	for _, tag := range plan.OldTags() {
		old = append(old, shortened(tag))
	}
	if more := len(old) - maxNamed; more > 0 {
		old = append(slices.Clone(old[:maxNamed]), fmt.Sprintf("%d more", more))
	}
	m.Old = strings.Join(old, ", ")
	for _, f := range plan.Files {
		m.Files = append(m.Files, f.Path)
	}
	text := o.Message
	if text == "" {
		text = subjects[t.kind] + defaultMessage
	}
	message, err := m.fill(text)
	if err == nil && t.reason != "" {
		message += "\n" + t.reason + "\n"
	}
	if err == nil && len(plan.past) > 0 {
		message += "\nPushed past the policy with --push --force: " + strings.Join(plan.past, ", ") + "\n"
	}
	return message, err
}

// subjects are the first lines of the default messages.
var subjects = map[kind]string{
	deploying:   "{{ .Services }}: {{ .Env }} {{ .Old }} → {{ .New }}",
	rollingBack: "{{ .Services }}: {{ .Env }} {{ .Old }} → {{ .New }} (rollback)",
	holding:     "{{ .Services }}: {{ .Env }} is held at {{ .New }}",
	releasing:   "{{ .Services }}: {{ .Env }} is released{{ if ne .Old .New }}, {{ .Old }} → {{ .New }}{{ end }}",
}

// shortened returns a tag or digest in a subject line: hashes are cut as git log
// --oneline cuts them.
func shortened(tag string) string {
	const short = 7
	algorithm, digest, isDigest := strings.Cut(tag, ":")
	if isDigest && len(digest) > 12 {
		return algorithm + ":" + digest[:12]
	}
	for _, at := range slices.Backward(hashPlaces(tag)) {
		if at[1]-at[0] == maxHash {
			tag = tag[:at[0]+short] + tag[at[1]:]
		}
	}
	return tag
}

// shortenedAll shortens each of several tags, which ", " separates.
func shortenedAll(tags string) string {
	list := strings.Split(tags, ", ")
	for i, tag := range list {
		list[i] = shortened(tag)
	}
	return strings.Join(list, ", ")
}
