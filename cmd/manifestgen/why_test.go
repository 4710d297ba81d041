package main

import (
	"bytes"
	"testing"

	"k8srepo/internal/console"
)

// TestWhyOfAnEmptyLine: a line of a block of text may be empty, and has a line of the template.
func TestWhyOfAnEmptyLine(t *testing.T) {
	var out bytes.Buffer
	con := console.New("manifestgen", &out, &out, func(string) string { return "" })
	(&whyResult{File: "dev/a.yaml", Line: 9, Subject: "dev", Template: whyPlace{File: "templates/environment/a.yaml.tmpl", Line: 7}}).print(con)
	if got, want := out.String(), "dev/a.yaml:9, for dev\n     9 | \ntemplates/environment/a.yaml.tmpl:7\n     7 | \n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
