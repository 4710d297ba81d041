package adopt

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/testmain"
)

// FuzzAdopt adopts copies that are any texts: each is adopted, and rendered as it was, or
// left.
func FuzzAdopt(f *testing.F) {
	files := generate(5)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(name, "dev/") {
			in := func(env string) string {
				return files[strings.ReplaceAll(strings.Replace(name, "dev/", env+"/", 1), "-dev-", "-"+env+"-")]
			}
			f.Add(files[name], in("staging"), in("prod"))
		}
	}
	f.Add("apiVersion: v1\nkind: List\nitems: []\n", "a: b", "")
	f.Add("- a\n", "\n\n# x\n", "apiVersion: v1\nkind: X\nmetadata: {name: {{ a }}}")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		checkCopies(t, map[string]string{"dev": a, "staging": b, "prod": c})
	})
}

// checkCopies adopts the copies that environments have of one file.
func checkCopies(t *testing.T, copies map[string]string) *Result {
	t.Helper()
	files := map[string]string{}
	for env, text := range copies {
		files[env+"/manifests/api/api.yaml"] = text
	}
	layout, err := ParseLayout(servicePath)
	if err != nil {
		t.Fatal(err)
	}
	fsys := repo(files)
	result, err := Run(fsys, Options{Layout: layout, Envs: slices.Collect(maps.Keys(copies))})
	if err != nil {
		t.Fatalf("%v\n%q", err, files)
	}
	if len(result.Adopted)+len(result.Left) != len(files) {
		t.Errorf("adopted %v, left %v of %q", result.Adopted, result.Left, files)
	}
	if len(result.Adopted) > 0 {
		checkRendered(t, fsys, result)
	}
	return result
}

// TestDrift adopts copies of manifests whose lines were changed, deleted, repeated, moved
// and commented at random. Most of them can be adopted.
func TestDrift(t *testing.T) {
	adopted, all := 0, 0
	var repositories []map[string]string
	for seed := range uint64(5) {
		repositories = append(repositories, generate(seed))
	}
	for seed := range uint64(75) {
		if !testmain.Tried(int(seed)) {
			continue
		}
		r := rand.New(rand.NewPCG(seed, 2))
		files := repositories[seed%5]
		names := slices.Sorted(maps.Keys(files))
		base := files[names[r.IntN(len(names))]]
		copies := map[string]string{"dev": base}
		for _, env := range []string{"staging", "prod"} {
			copies[env] = drifted(r, base, env)
		}
		result := checkCopies(t, copies)
		adopted, all = adopted+len(result.Adopted), all+len(copies)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if 3*adopted < all && !testmain.Race {
		t.Errorf("%d of %d files are adopted", adopted, all)
	}
}

// drifted is a text after some changes.
func drifted(r *rand.Rand, text, env string) string {
	lines := strings.Split(text, "\n")
	for range 1 + r.IntN(2) {
		i := r.IntN(len(lines))
		line := lines[i]
		indent := line[:indentOf(line)]
		switch r.IntN(9) {
		case 0:
			lines = slices.Delete(lines, i, i+1)
		case 1:
			lines = slices.Insert(lines, i, indent+"# "+env+" "+fmt.Sprint(r.IntN(9)))
		case 2:
			lines = slices.Insert(lines, i, "")
		case 3:
			lines[i] = strings.ReplaceAll(line, "dev", env)
		case 4:
			if key, _, ok := splitEntry(strings.TrimLeft(line, " -")); ok && strings.Contains(line, ": ") {
				lines[i] = line[:strings.Index(line, key)] + key + ": " + []string{"1", "true", `"x"`, "a b", "{{ x }}", "010", "x # c", "''"}[r.IntN(8)]
			}
		case 5:
			lines[i] = line + " # " + env
		case 6:
			lines[i] = line + " "
		case 7:
			lines = slices.Insert(lines, i, line)
		case 8:
			lines = append(lines, lines[i:]...)
		}
		if len(lines) == 0 {
			return "\n"
		}
	}
	return strings.Join(lines, "\n")
}
