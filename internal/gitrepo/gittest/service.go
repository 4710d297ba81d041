package gittest

import "testing"

// NewService makes the bare repository of a service in a folder that is not there yet. It has five
// commits: b3c026c, 08c7409, 60e2e85, 1333d13 and a17c589, the last one on main.
func NewService(t testing.TB, dir string) *Repo {
	t.Helper()
	return built(t, dir, "a service", func(r *Repo) {
		r.init()
		const who = "a <a@example.com> 1767323045 +0000"
		tree, parent, tip := r.WriteObject("tree", ""), "", ""
		for _, message := range []string{"one", "two", "three", "four", "five"} {
			tip = r.WriteObject("commit", "tree "+tree+"\n"+parent+"author "+who+"\ncommitter "+who+"\n\n"+message+"\n")
			parent = "parent " + tip + "\n"
		}
		r.MoveBranch("main", tip)
	})
}
