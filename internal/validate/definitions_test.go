package validate_test

import (
	"os"
	"path/filepath"
	"testing"

	"k8srepo/internal/validate/gen/definitions"
)

// TestWriteDefinitions: the folder has the definitions, and none of an earlier run.
func TestWriteDefinitions(t *testing.T) {
	folder := t.TempDir()
	for _, crds := range []map[string][]byte{{"Old.example.com": []byte("{}")}, {"New.example.com": []byte("{}")}} {
		if err := definitions.Write(folder, crds); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != "New.example.com.json.gz" {
		t.Errorf("got %v, %v", names, err)
	}
}

// TestOwnDefinitions: the definitions of the folder own are read, each by its kind and group.
func TestOwnDefinitions(t *testing.T) {
	data, err := os.ReadFile("gen/definitions/own/targetgroupbinding.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crds := map[string][]byte{}
	if err := definitions.Add(crds, data, nil, ""); err != nil || len(crds["TargetGroupBinding.elbv2.k8s.aws"]) == 0 || len(crds) != 1 {
		t.Errorf("got %d definitions, %v", len(crds), err)
	}
	if err := definitions.Add(crds, data, []string{"Mapping"}, ""); err == nil {
		t.Error("a kind that the file does not have is found")
	}
}
