package trace

import (
	"testing"
	"testing/fstest"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
)

// TestOriginsOfItems follows trails into lists. A template may ask for an item that is not there.
func TestOriginsOfItems(t *testing.T) {
	inv, err := inventory.Load(fstest.MapFS{
		"templates/variables.yaml": {Data: []byte("list: [1, 2]\n")},
		"users.yaml":               {Data: []byte("services:\n  - {name: api, image: ecr.example/api}\n")},
		"environments/dev.yaml":    {Data: []byte("templates: [environment]\n")},
	}, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	subject := Subject{Inventory: inv, Env: inv.Environment("dev")}
	for _, c := range []struct {
		trail Trail
		want  string // "" where it leads to nothing
	}{
		{Trail{"Vars", "list", 1}, ".Vars.list[1] is 2"},
		{Trail{"Vars", "list", 2}, ".Vars.list is [1, 2]"},
		{Trail{"Vars", "list", -1}, ".Vars.list is [1, 2]"},
		{Trail{"Services", 0, "Name"}, `.Services[0].Name is "api"`},
		{Trail{"Services", 1, "Name"}, ""},
		{Trail{"Services", -1, "Name"}, ""},
	} {
		got := ""
		for _, o := range subject.Origins(Trails{c.trail}) {
			got += o.String()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.trail, got, c.want)
		}
	}
}
