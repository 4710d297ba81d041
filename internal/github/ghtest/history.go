package ghtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// revision is a commit of the repository.
type revision struct {
	oid, tree, message string
	parents            []string
	author, committer  signature
}

type signature struct{ name, email, date string }

// revision reads a commit.
func (r *Repo) revision(oid string) revision {
	if known, ok := revisions.Load(oid); ok {
		return known.(revision)
	}
	c := parseRevision(oid, r.ReadObject("commit", oid))
	revisions.Store(oid, c)
	return c
}

// revisions are the commits that were read, of whatever repository.
var revisions sync.Map

func parseRevision(oid, raw string) revision {
	head, message, _ := strings.Cut(raw, "\n\n")
	c := revision{oid: oid, message: strings.TrimRight(message, "\n")}
	for line := range strings.Lines(head) {
		switch key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); key {
		case "tree":
			c.tree = value
		case "parent":
			c.parents = append(c.parents, value)
		case "author":
			c.author = parseSignature(value)
		case "committer":
			c.committer = parseSignature(value)
		}
	}
	return c
}

// parseSignature reads "Name <email> seconds zone".
func parseSignature(text string) signature {
	name, rest, _ := strings.Cut(text, " <")
	email, when, _ := strings.Cut(rest, "> ")
	var seconds int64
	var zone string
	fmt.Sscan(when, &seconds, &zone)
	at := time.Unix(seconds, 0).UTC()
	if offset, err := time.Parse("-0700", zone); err == nil {
		at = at.In(offset.Location())
	}
	return signature{name, email, at.Format(time.RFC3339)}
}

// isAncestor reports whether commit b has commit a in its history.
func (r *Repo) isAncestor(a, b string) bool { return b != "" && r.ancestors(b)[a] }

// ancestors returns a commit and all that are in its history.
func (r *Repo) ancestors(oid string) map[string]bool {
	seen := map[string]bool{oid: true}
	for queue := []string{oid}; len(queue) > 0; queue = queue[1:] {
		for _, parent := range r.revision(queue[0]).parents {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	return seen
}

// mergeBase returns the best common ancestor of two commits, "" if there is none.
func (r *Repo) mergeBase(a, b string) string {
	common := r.ancestors(a)
	for oid := range common {
		if !r.isAncestor(oid, b) {
			delete(common, oid)
		}
	}
	if len(common) == 0 {
		return ""
	}
	for oid := range common { // the others are in the history of the best one
		if own := r.ancestors(oid); !slices.ContainsFunc(keys(common), func(other string) bool { return !own[other] }) {
			return oid
		}
	}
	out, err := r.git("merge-base", a, b) // a criss-cross merge
	if err != nil {
		r.server.t.Errorf("ghtest: %v", err)
	}
	return strings.TrimSpace(out)
}

func keys(set map[string]bool) (all []string) {
	for key := range set {
		all = append(all, key)
	}
	return all
}

// between returns the commits of to's history that are not in from's, the newest first, as git
// log has them.
func (r *Repo) between(from, to string) []revision {
	old := r.ancestors(from)
	list, linear := r.line(to, func(c revision) bool { return old[c.oid] })
	if !linear { // merges have an order of their own
		return r.revList(to, "^"+from)
	}
	return list
}

// log returns the commits of a history that change a path, or all if that is "", as git log has
// them.
func (r *Repo) log(oid, path string) []revision {
	list, linear := r.line(oid, func(revision) bool { return false })
	switch {
	case !linear && path == "":
		return r.revList(oid)
	case !linear:
		return r.revList(oid, "--", path)
	case path == "":
		return list
	}
	var all []revision
	before := "" // what the parent has there
	for _, c := range slices.Backward(list) {
		now, _, _, _ := r.object(c.oid + ":" + strings.TrimSuffix(path, "/"))
		if now != before {
			all = append(all, c)
		}
		before = now
	}
	slices.Reverse(all)
	return all
}

// line returns a commit and those before it, the newest first, up to one that is known. It reports
// false if there is a merge among them.
func (r *Repo) line(oid string, known func(revision) bool) (list []revision, linear bool) {
	for {
		c := r.revision(oid)
		if known(c) {
			return list, true
		}
		list = append(list, c)
		switch len(c.parents) {
		case 0:
			return list, true
		case 1:
			oid = c.parents[0]
		default:
			return nil, false
		}
	}
}

// lists are the answers of git rev-list so far, by its arguments. Those name commits by
// their hashes, so that an answer is always the same.
var lists sync.Map

// revList returns the commits that git rev-list lists for the arguments, in its order.
func (r *Repo) revList(args ...string) []revision {
	key := strings.Join(args, "\x00")
	known, ok := lists.Load(key)
	if !ok {
		out, err := r.git(append([]string{"rev-list"}, args...)...)
		if err != nil {
			r.server.t.Errorf("ghtest: %v", err)
		}
		known, _ = lists.LoadOrStore(key, strings.Fields(out))
	}
	var all []revision
	for _, oid := range known.([]string) {
		all = append(all, r.revision(oid))
	}
	return all
}
