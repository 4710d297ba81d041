package inventory

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// TestDocsExample loads the example of docs/inventory.md, and holds that the page
// names every key that can be written.
func TestDocsExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/inventory.md")
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{"environments/dev.yaml": {Data: []byte("extends: shared\n")}}
	for _, m := range regexp.MustCompile("(?ms)^```yaml (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		fsys[m[1]] = &fstest.MapFile{Data: []byte(m[2])}
	}
	if len(fsys) != 6 {
		t.Errorf("found %d files in the page", len(fsys))
	}
	fsys["users.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(string(fsys["users.yaml"].Data), "users:", "  - {name: worker, image: ecr.example/worker}\nusers:", 1))}
	inv, err := loadAll(fsys)
	if err != nil {
		t.Fatal(err)
	}
	prod := inv.Environment("prod")
	if got := flow(inv.Vars(prod, inv.Service("api"), inv.User("alice"))); got != "{env: {LOG_LEVEL: debug, TZ: Asia/Tokyo}, replicas: 6, resources: {requests: {cpu: 100m}}}" {
		t.Errorf("got %s", got)
	}
	// What a wrong key's hint lists is what can be written.
	for what, over := range map[string]string{"users.yaml": "users.yaml", "teams[]": "teams", "services[]": "services", "users[]": "users", "environment": "environments/dev.yaml"} {
		wrong := map[string]string{"users.yaml": over + ": [{qqqqqqqqqqqqqqqq: 1}]\n"}
		if over == "users.yaml" || what == "environment" {
			wrong = map[string]string{over: "qqqqqqqqqqqqqqqq: 1\n"}
		}
		_, err := loadAll(files(wrong))
		_, known, found := strings.Cut(problemText(err), "hint: valid values: ")
		if !found {
			t.Errorf("%s: got %s", what, problemText(err))
			continue
		}
		known, _, _ = strings.Cut(known, "\n")
		for _, key := range strings.Split(known, ", ") {
			if strings.HasPrefix(key, "…") || what == "users.yaml" && key != "manifestgen" {
				continue
			}
			name := "`" + strings.TrimPrefix(what+".", "environment.") + key + "`"
			if what == "users.yaml" {
				name = "`" + key + "`"
			}
			if what == "environment" && key == "services" {
				name = "`services.NAME.vars`"
			}
			if !strings.Contains(string(page), name) {
				t.Errorf("the page does not have %s", name)
			}
		}
	}
}
