package adopt

import (
	"strings"
	"testing"

	"k8srepo/internal/inventory"
)

// TestNameInText: a value in a text is called after the key, flag or word before it.
func TestNameInText(t *testing.T) {
	for before, want := range map[string]string{
		`LOG_LEVEL=`:                    "log_level",
		`level: "`:                      "level",
		`"axisLabel": "Increase in `:    "axis_label", // the word is the key's
		`"title": "Visits - `:           "title",
		`exec server --max-workers `:    "max_workers",
		`url: server --port `:           "port",
		`up{db="cloud-platform-`:        "db",
		`} offset `:                     "offset",
		`jobs are kept as `:             "", // prose
		`# queues are named as `:        "script_comment",
		`curl https://`:                 "",
		`"namespace": "shop", "env": "`: "env",
	} {
		if got := nameInText(before, "script"); got != want {
			t.Errorf("%s: got %q, want %q", before, got, want)
		}
	}
}

// TestKeysThatHoldNames: a key that holds an environment's name or domain by chance is the same
// key in the other environments.
func TestKeysThatHoldNames(t *testing.T) {
	manifest := func(env string) string {
		return strings.ReplaceAll(`kind: ConfigMap
metadata:
  name: api
  annotations:
    example.com/is-prod: "true"
    example.com/owner: "shop"
data:
  A: "1"
  HOST: api.ENV.example.com
`, "ENV", env)
	}
	var copies []*copied
	s := newSurvey(&inventory.Inventory{}, nil)
	for _, env := range []string{"prod", "dev"} {
		lines := strings.Split(strings.TrimSuffix(manifest(env), "\n"), "\n")
		c := &copied{cell: cell{env: env, service: "api"}, lines: lines, names: namerOf(s.facts(), cell{env: env, service: "api"})}
		c.docs = outline(lines, c.names.name)
		copies = append(copies, c)
	}
	a := align(copies)
	var visit func(slots []*slot)
	visit = func(slots []*slot) {
		for _, s := range slots {
			if count(s.has) != len(copies) {
				t.Errorf("%s is not in each copy", s.where())
			}
			if s.kind == entry && strings.Contains(s.called(), "\x01") || s.called() == "is" {
				t.Errorf("%s is called %q", s.where(), s.called())
			}
			visit(s.kids)
		}
	}
	visit(a.slots)
}

// TestDomainOf: what names are sold below is no environment's domain.
func TestDomainOf(t *testing.T) {
	for hosts, want := range map[string]string{
		"api.shop.co.jp web.shop.co.jp":       "shop.co.jp",
		"api.shop.co.jp web.other.co.jp":      "",
		"a.dev.example.com b.dev.example.com": "dev.example.com",
		"www.shop.gov.uk api.trade.gov.uk":    "",
	} {
		var text strings.Builder
		for host := range strings.FieldsSeq(hosts) {
			text.WriteString("  - host: " + host + "\n")
		}
		if got := domainOf([]*file{{data: []byte(text.String())}}); got != want {
			t.Errorf("%s: got %q, want %q", hosts, got, want)
		}
	}
}

// TestCommonPhrase: what differs in a line of text is a variable where it stands for itself.
func TestCommonPhrase(t *testing.T) {
	for _, c := range []struct{ one, other, want string }{
		{`up{namespace="a"} > 0`, `up{namespace="b"} > 0`, "a"},
		{`up{namespace="a"} > 0`, `up{namespace="b", code="500"} > 0`, `up{namespace="a"} > 0`}, // ends quotes
		{`up{job="x"} > 0`, `up{job="x", namespace="b"} > 0`, `up{job="x"} > 0`},                // nothing, in one of them
		{"--level info --port 80", "--level debug --port 80", "info"},
	} {
		before, after := commonPhrase([]string{c.one, c.other})
		if got := c.one[before : len(c.one)-after]; got != c.want {
			t.Errorf("%s and %s: got %q, want %q", c.one, c.other, got, c.want)
		}
	}
}
