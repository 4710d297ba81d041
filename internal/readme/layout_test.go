package readme

import (
	"slices"
	"strings"
	"testing"
)

// layout says which of the project's packages each package may import, and which outside modules
// it may. Data travels one way, so imports do too: see docs/architecture.md.
var layout = map[string]struct{ inside, outside string }{
	"internal/lazyregexp":               {}, // for every package, as regexp is
	"internal/problem":                  {},
	"internal/image":                    {"", "github.com/distribution/reference"},
	"internal/manifest":                 {"image limit problem", "sigs.k8s.io/kustomize/kyaml"},
	"internal/inventory":                {"image manifest problem", ""},
	"internal/inventory/schema":         {"inventory manifest", "github.com/santhosh-tekuri/jsonschema/v6"},
	"internal/render":                   {"inventory manifest problem trace", ""},
	"internal/validate":                 {"manifest problem", "github.com/google/cel-go k8s.io"},
	"internal/validate/gen":             {"validate/gen/definitions", "k8s.io sigs.k8s.io/yaml"},
	"internal/validate/gen/definitions": {"", "sigs.k8s.io/yaml"},
	"internal/validate/mistakes":        {"", "sigs.k8s.io/yaml"},
	"internal/tree":                     {"image limit manifest problem", "github.com/rogpeppe/go-internal/diff golang.org/x/sys/unix"},
	"internal/trace":                    {"inventory manifest problem", ""},
	"internal/limit":                    {},
	"internal/httpclient":               {"problem", ""},
	"internal/repo":                     {},
	"internal/hold":                     {"manifest problem", ""},
	"internal/gitrepo":                  {"httpclient limit problem repo", "github.com/go-git/go-git/v5 github.com/skeema/knownhosts golang.org/x/crypto/ssh"},
	"internal/gitrepo/gittest":          {"httpclient testmain", "golang.org/x/crypto/ssh"},
	"internal/github":                   {"httpclient limit problem repo", "github.com/google/go-github/v57"},
	"internal/github/ghtest":            {"gitrepo/gittest", "github.com/getkin/kin-openapi github.com/vektah/gqlparser/v2"},
	"internal/registry":                 {"httpclient problem", "github.com/google/go-containerregistry"},
	"internal/bump":                     {"image inventory manifest problem", ""},
	"internal/deploy":                   {"bump github gitrepo hold httpclient image inventory manifest problem repo", ""},
	"internal/status":                   {"bump hold image inventory limit manifest problem repo", ""},
	"internal/console":                  {"problem", "github.com/urfave/cli/v2 golang.org/x/term"},
	"":                                  {},
	"internal/scaffold":                 {"inventory manifest problem", ""},
	"internal/adopt":                    {"inventory inventory/schema manifest problem render tree", "golang.org/x/net/publicsuffix"},
	"internal/rules":                    {"image manifest problem", ""},
	"internal/readme":                   {},
	"internal/readme/reference":         {"", "github.com/rogpeppe/go-internal/diff github.com/urfave/cli/v2"},
	"internal/scripttest":               {"testmain", "github.com/rogpeppe/go-internal/testscript github.com/rogpeppe/go-internal/diff"},
	"internal/testmain":                 {},
	"internal/cmdtest":                  {},
	"internal/workflows":                {},
	"cmd/manifestgen":                   {"adopt console inventory inventory/schema limit manifest problem render rules scaffold trace tree validate", "github.com/urfave/cli/v2"},
	"cmd/tagbump":                       {"bump console deploy github gitrepo httpclient inventory problem registry status tree", "github.com/urfave/cli/v2"},
	"bench":                             {"gitrepo/gittest", ""},
	"bench/validate":                    {"validate/mistakes", "sigs.k8s.io/yaml"},
	"bench/survey":                      {"bump manifest problem", "go.yaml.in/yaml/v2"},
}

// TestLayout holds the imports of the packages, without their tests', to layout.
func TestLayout(t *testing.T) {
	for path, p := range packagesOn(t, "linux") {
		name, ours := strings.CutPrefix(path+"/", "k8srepo/")
		if !ours {
			continue
		}
		name = strings.TrimSuffix(name, "/")
		may, known := layout[name]
		if !known {
			t.Errorf("%s has no place in the layout", name)
			continue
		}
		for _, path := range p.imports {
			if path == "k8srepo/internal/lazyregexp" {
				continue
			}
			inside, ours := strings.CutPrefix(path, "k8srepo/internal/")
			switch first, _, _ := strings.Cut(path, "/"); {
			case ours && !slices.Contains(strings.Fields(may.inside), inside):
				t.Errorf("%s must not import internal/%s", name, inside)
			case !ours && strings.Contains(first, ".") && !slices.ContainsFunc(strings.Fields(may.outside), func(home string) bool {
				return path == home || strings.HasPrefix(path, home+"/")
			}):
				t.Errorf("%s is not the home of %s", name, path)
			}
		}
	}
}

// TestTagbumpIsSmall: tagbump, which each job of CI starts, links no validators: they cost memory
// and time before main begins.
func TestTagbumpIsSmall(t *testing.T) {
	all := packagesOn(t, "linux")
	for path := range linked(all, "k8srepo/cmd/tagbump") {
		if strings.HasPrefix(path, "k8s.io/kube-openapi/") { // of the YAML parser
			continue
		}
		for _, heavy := range []string{"github.com/santhosh-tekuri/jsonschema", "github.com/google/cel-go", "k8s.io/", "k8srepo/internal/validate", "k8srepo/internal/inventory/schema"} {
			if strings.HasPrefix(path, heavy) {
				t.Errorf("cmd/tagbump links %s", path)
			}
		}
	}
}
