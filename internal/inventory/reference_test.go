package inventory

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/readme/reference"
)

var update = flag.Bool("update", false, "write docs/reference/files.md anew")

// TestReference holds docs/reference/files.md to the keys that the loader knows.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Keys of the inventory's files

A key that is not here is an error, with the closest one as a hint. [../inventory.md](../inventory.md) explains them with examples. The keys of
` + "`templates/variables.yaml`" + ` are the team's own, and ` + "`templates/variables.schema.yaml`" + ` is a JSON Schema (2020-12). ` + "`manifestgen schema`" + `
prints these tables as JSON Schemas for editors.
`)
	for _, file := range []struct {
		title string
		shape *shape
	}{{"users.yaml", &usersShape}, {"environments/NAME.yaml", &environmentShape}} {
		fmt.Fprintf(&b, "\n## %s\n\n", file.title)
		keyRows(reference.NewTable(&b, "key", "value", "meaning"), "", file.shape)
	}
	b.WriteString(`
## holds/ENVIRONMENT/SERVICE.yaml

Written by ` + "`tagbump rollback` and `tagbump hold`" + `; that the file is there is what holds the service. What it says is for people.

`)
	table := reference.NewTable(&b, "key", "value", "meaning")
	for _, row := range [][3]string{
		{"tag", "string", "the tag or digest that the service is kept on"}, {"from", "string", "what ran before a rollback"},
		{"reason", "string", "why"}, {"by", "string", "who asked for it"}, {"date", "string", "when"},
	} {
		table.Row(reference.Code(row[0]), row[1], row[2])
	}
	reference.Check(t, "../../docs/reference/files.md", b.String(), "./internal/inventory -run TestReference", *update)
}

// keyRows adds a row for each key of a shape, and those below it.
func keyRows(table reference.Table, prefix string, s *shape) {
	for _, k := range s.keys {
		kind := kindName(k.takes)
		if k.required {
			kind += ", required"
		}
		table.Row(reference.Code(prefix+k.name), kind, k.text)
		if k.takes.of == nil {
			continue
		}
		switch {
		case k.takes.keyed:
			keyRows(table, prefix+k.name+".NAME.", k.takes.of)
		case k.takes.kind == manifest.List:
			keyRows(table, prefix+k.name+"[].", k.takes.of)
		default:
			keyRows(table, prefix+k.name+".", k.takes.of)
		}
	}
}

// kindName is what a value may be, for people.
func kindName(t takes) string {
	names := map[nameList]string{teamNames: "the name of a team", serviceNames: "the name of a service", environmentNames: "the name of an environment"}
	switch {
	case t.vars:
		return "map of variables"
	case len(t.words) > 0 && t.kind == manifest.String && len(t.words) <= 6:
		return "`" + strings.Join(t.words, "`, `") + "`"
	case t.named != noNames && t.kind == manifest.String:
		return names[t.named]
	case t.kind == manifest.List && t.items != nil:
		return "list: " + kindName(*t.items)
	case t.kind == manifest.List:
		return "list of maps"
	case t.kind == manifest.Map && t.keyed && t.of == nil:
		return "map of strings"
	case t.kind == manifest.Map && t.keyed:
		return "map by name"
	}
	return map[manifest.Kind]string{manifest.String: "string", manifest.Bool: "true or false", manifest.Int: "number", manifest.Map: "map"}[t.kind]
}
