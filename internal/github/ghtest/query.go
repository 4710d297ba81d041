package ghtest

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (x *exchange) findRepo(fullName string) (*Repo, error) {
	r := x.server.repos[strings.ToLower(fullName)]
	if r == nil {
		return nil, &graphqlError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", fullName)}
	}
	r.sync()
	return r, nil
}

func (x *exchange) queryField(name string, args map[string]any) (any, error) {
	switch name {
	case "repository":
		r, err := x.findRepo(fmt.Sprintf("%v/%v", args["owner"], args["name"]))
		if err != nil {
			return nil, err
		}
		return x.repository(r), nil
	case "viewer":
		return &graphqlObject{"User", func(name string, _ map[string]any) (any, error) {
			switch name {
			case "login":
				return x.login, nil
			case "id":
				return "U_" + x.login, nil
			}
			return unknownField(name)
		}}, nil
	}
	return unknownField(name)
}

func (x *exchange) repository(r *Repo) *graphqlObject {
	return &graphqlObject{"Repository", func(name string, args map[string]any) (any, error) {
		switch name {
		case "id":
			return r.nodeID(), nil
		case "name":
			return r.name, nil
		case "nameWithOwner":
			return r.fullName(), nil
		case "url":
			return r.URL(), nil
		case "defaultBranchRef":
			return r.refObject(r.DefaultBranch()), nil
		case "ref":
			qualified, _ := args["qualifiedName"].(string)
			return r.refObject(strings.TrimPrefix(qualified, "refs/heads/")), nil
		case "pullRequest":
			number, _ := strconv.Atoi(fmt.Sprint(args["number"]))
			if p := r.pull(number); p != nil {
				return r.pullRequest(p), nil
			}
			return nil, &graphqlError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a PullRequest with the number of %d.", number)}
		case "object":
			what, _ := args["expression"].(string)
			if oid, ok := args["oid"].(string); ok {
				what = oid
			}
			return r.gitObject(what), nil
		}
		return unknownField(name)
	}}
}

func (r *Repo) pullRequest(p *pull) *graphqlObject {
	return &graphqlObject{"PullRequest", func(name string, args map[string]any) (any, error) {
		switch name {
		case "id":
			return fmt.Sprintf("PR_%d", p.id), nil
		case "number":
			return p.Number, nil
		case "timelineItems":
			return r.timeline(p, args), nil
		}
		return unknownField(name)
	}}
}

// timeline returns the events of a pull request, as a connection. Cursors are numbers.
func (r *Repo) timeline(p *pull, args map[string]any) *graphqlObject {
	types, _ := args["itemTypes"].([]any)
	var all []*graphqlObject
	for _, e := range p.events {
		enum := strings.ToUpper(strings.TrimSuffix(e.kind, "Event"))
		if e.kind == "ReviewRequestedEvent" {
			enum = "REVIEW_REQUESTED"
		}
		if len(types) == 0 || slices.Contains(types, any(enum+"_EVENT")) {
			all = append(all, r.item(e))
		}
	}
	return r.connection("PullRequestTimelineItemsConnection", len(all), args, func(from, to int) []*graphqlObject { return all[from:to] })
}

// item returns one event. A team is hidden from a token that may not see it.
func (r *Repo) item(e event) *graphqlObject {
	kind, key := "User", "login"
	switch {
	case e.kind == "LabeledEvent":
		kind, key = "Label", "name"
	case slices.Contains(r.Teams, e.name):
		kind, key = "Team", "slug"
	}
	subject := &graphqlObject{kind, func(name string, _ map[string]any) (any, error) {
		if name == key {
			return e.name, nil
		}
		return unknownField(name)
	}}
	if kind == "Team" && r.HiddenTeams {
		subject = nil
	}
	return &graphqlObject{e.kind, func(name string, _ map[string]any) (any, error) {
		if name == map[string]string{"LabeledEvent": "label", "AssignedEvent": "assignee", "ReviewRequestedEvent": "requestedReviewer"}[e.kind] {
			return subject, nil
		}
		return unknownField(name)
	}}
}

// connection returns a page of a list.
func (r *Repo) connection(kind string, total int, args map[string]any, nodes func(from, to int) []*graphqlObject) *graphqlObject {
	after, _ := args["after"].(string)
	from, _ := strconv.Atoi(after)
	first, _ := strconv.Atoi(fmt.Sprint(args["first"]))
	to := min(total, from+first, from+cmp.Or(r.server.options.PageSize, 100))
	return &graphqlObject{kind, func(name string, _ map[string]any) (any, error) {
		switch name {
		case "totalCount":
			return total, nil
		case "nodes":
			return append([]*graphqlObject{}, nodes(from, to)...), nil
		case "pageInfo":
			return &graphqlObject{"PageInfo", func(name string, _ map[string]any) (any, error) {
				switch name {
				case "endCursor":
					return strconv.Itoa(to), nil
				case "hasNextPage":
					return to < total, nil
				}
				return unknownField(name)
			}}, nil
		}
		return unknownField(name)
	}}
}

func (r *Repo) refObject(branch string) *graphqlObject {
	oid := r.Tip(branch) // read anew: a push may fall in the midst of a query
	if oid == "" {
		return nil
	}
	return &graphqlObject{"Ref", func(name string, _ map[string]any) (any, error) {
		switch name {
		case "id":
			return "REF_" + branch, nil
		case "name":
			return branch, nil
		case "prefix":
			return "refs/heads/", nil
		case "target":
			return r.gitObject(oid), nil
		}
		return unknownField(name)
	}}
}

// gitObject returns what an expression of Git's names, nil if nothing.
func (r *Repo) gitObject(expression string) *graphqlObject {
	oid, kind, content, ok := r.object(expression)
	if !ok {
		return nil
	}
	kind = map[string]string{"blob": "Blob", "tree": "Tree", "commit": "Commit"}[kind]
	if kind == "Blob" {
		return r.blob(oid, content)
	}
	_, dir, _ := strings.Cut(expression, ":")
	return &graphqlObject{kind, func(name string, args map[string]any) (any, error) {
		switch {
		case kind == "Commit" && name == "history":
			return r.history(oid, args), nil
		case name == "oid":
			return oid, nil
		case name == "abbreviatedOid":
			return oid[:7], nil
		case name == "id":
			return kind[:1] + "_" + oid, nil
		case kind == "Tree" && name == "entries":
			return r.entries(content, dir), nil
		case kind == "Commit" && name == "url":
			return r.URL() + "/commit/" + oid, nil
		case kind == "Commit" && name == "tree":
			return r.gitObject(oid + "^{tree}"), nil
		case kind == "Commit" && name == "message":
			return r.revision(oid).message, nil
		case kind == "Commit" && name == "committedDate":
			return r.revision(oid).committer.date, nil
		case kind == "Commit" && name == "parents":
			return r.parents(r.revision(oid).parents), nil
		}
		return unknownField(name)
	}}
}

// parents are commits, as a connection.
func (r *Repo) parents(oids []string) *graphqlObject {
	return &graphqlObject{"CommitConnection", func(name string, _ map[string]any) (any, error) {
		switch name {
		case "totalCount":
			return len(oids), nil
		case "nodes":
			nodes := []*graphqlObject{}
			for _, oid := range oids {
				nodes = append(nodes, r.gitObject(oid))
			}
			return nodes, nil
		}
		return unknownField(name)
	}}
}

// history returns the commits back from one, as a connection. Cursors are numbers.
func (r *Repo) history(oid string, args map[string]any) *graphqlObject {
	p, _ := args["path"].(string)
	all := r.log(oid, p)
	return r.connection("CommitHistoryConnection", len(all), args, func(from, to int) []*graphqlObject {
		var nodes []*graphqlObject
		for _, one := range all[from:to] {
			nodes = append(nodes, r.gitObject(one.oid))
		}
		return nodes
	})
}

// blob returns a blob as GitHub shows it: as a text in UTF-8, or as none.
func (r *Repo) blob(oid, content string) *graphqlObject {
	const longest = 512_000 // of texts
	binary := strings.Contains(content[:min(len(content), 8000)], "\x00")
	return &graphqlObject{"Blob", func(name string, _ map[string]any) (any, error) {
		switch name {
		case "oid":
			return oid, nil
		case "id":
			return "B_" + oid, nil
		case "byteSize":
			return len(content), nil
		case "isBinary":
			return binary, nil
		case "isTruncated":
			return len(content) > longest, nil
		case "text":
			if binary {
				return nil, nil
			}
			text := strings.TrimPrefix(content[:min(len(content), longest)], "\ufeff")
			if !utf8.ValidString(text) {
				latin := make([]rune, 0, len(text))
				for _, b := range []byte(text) {
					latin = append(latin, rune(b))
				}
				text = string(latin)
			}
			return text, nil
		}
		return unknownField(name)
	}}
}

// entries returns those of a tree, as Git stores it: mode, blank, name, NUL, hash.
func (r *Repo) entries(raw, dir string) []*graphqlObject {
	var entries []*graphqlObject
	for raw != "" {
		header, rest, _ := strings.Cut(raw, "\x00")
		octal, entry, _ := strings.Cut(header, " ")
		mode, err := strconv.ParseInt(octal, 8, 32)
		if err != nil || len(rest) < len(noOid)/2 {
			r.server.t.Errorf("ghtest: a tree that cannot be read: %v", err)
			break
		}
		oid := hex.EncodeToString([]byte(rest[:len(noOid)/2]))
		raw = rest[len(noOid)/2:]
		entries = append(entries, &graphqlObject{"TreeEntry", func(name string, _ map[string]any) (any, error) {
			switch name {
			case "name":
				return entry, nil
			case "path":
				return path.Join(dir, entry), nil
			case "mode":
				return mode, nil
			case "type":
				kind := map[int64]string{0o040000: "tree", 0o160000: "commit"}[mode]
				return cmp.Or(kind, "blob"), nil
			case "oid":
				return oid, nil
			case "object":
				return r.gitObject(oid), nil // nil for a submodule
			}
			return unknownField(name)
		}})
	}
	return entries
}
