package validate_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEmbeddedDefinitions holds that each embedded definition is found by the kind that its file is
// named after, and can be used.
func TestEmbeddedDefinitions(t *testing.T) {
	files, err := os.ReadDir("crds")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		kind, group, _ := strings.Cut(strings.TrimSuffix(f.Name(), ".json.gz"), ".")
		refused, warned := said(validator(t, "1.34").Object(objects(t, "apiVersion: "+group+"/v1zzz\nkind: "+kind+"\nmetadata: {name: a}\n")[0], ""))
		version := regexp.MustCompile("write apiVersion: " + group + "/([a-z0-9]+)").FindStringSubmatch(refused)
		if version == nil || warned != "" {
			t.Errorf("%s: %s, %s", f.Name(), refused, warned)
			continue
		}
		_, warned = said(validator(t, "1.34").Object(objects(t, "apiVersion: "+group+"/"+version[1]+"\nkind: "+kind+"\nmetadata: {name: a}\n")[0], ""))
		if strings.Contains(warned, "cannot be used") {
			t.Errorf("%s: %s", f.Name(), warned)
		}
	}
}
