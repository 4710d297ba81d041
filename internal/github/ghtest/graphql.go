package ghtest

import (
	"cmp"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed schema.graphql
var schemaText string

// schemas are GitHub's, and that of one without the mutations of refs.
var schemas = sync.OnceValues(func() (now, before *ast.Schema) {
	now = gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText})
	var lines []string
	for line := range strings.Lines(schemaText) {
		if !strings.HasPrefix(line, "  updateRefs(") && !strings.HasPrefix(line, "  createRef(") {
			lines = append(lines, line)
		}
	}
	return now, gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: strings.Join(lines, "")})
})

// document is a GraphQL request.
type document struct {
	schema    *ast.Schema
	query     *ast.QueryDocument
	operation *ast.OperationDefinition
	variables map[string]any
	errors    gqlerror.List // why it does not fit the schema
}

func parseDocument(body []byte, o Options) *document {
	d := &document{}
	now, before := schemas()
	if d.schema = now; o.OldRefs {
		d.schema = before
	}
	var in struct {
		Query         string
		OperationName string
		Variables     map[string]any
	}
	if err := json.Unmarshal(body, &in); err != nil {
		d.errors = gqlerror.List{gqlerror.Wrap(err)}
		return d
	}
	if d.query, d.errors = gqlparser.LoadQueryWithRules(d.schema, in.Query, rules.NewDefaultRules()); len(d.errors) > 0 {
		return d
	}
	d.operation = d.query.Operations.ForName(in.OperationName)
	if d.operation == nil {
		d.errors = gqlerror.List{gqlerror.Errorf("no operation")}
		return d
	}
	var err error
	if d.variables, err = validator.VariableValues(d.schema, d.operation, in.Variables); err != nil {
		d.errors = gqlerror.List{gqlerror.Wrap(err)}
	}
	return d
}

// kind is "graphql" and the first of its fields.
func (d *document) kind() string {
	if d.operation == nil || len(d.operation.SelectionSet) == 0 {
		return "graphql"
	}
	if field, ok := d.operation.SelectionSet[0].(*ast.Field); ok {
		return "graphql " + field.Name
	}
	return "graphql"
}

// graphqlError is an error of GitHub's: a type, beside what GraphQL itself has.
type graphqlError struct {
	Type       string         `json:"type,omitempty"`
	Path       []string       `json:"path,omitempty"`
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions,omitempty"`
}

func (e *graphqlError) Error() string { return e.Message }

// graphqlObject is an object of some type, whose fields are worked out on demand.
type graphqlObject struct {
	name  string
	field func(name string, args map[string]any) (any, error)
}

func (x *exchange) answerGraphQL() {
	d := x.document
	if x.login == "" {
		x.fail(http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
		return
	}
	if len(d.errors) > 0 {
		old := x.server.options.OldRefs && (strings.Contains(d.errors.Error(), "updateRefs") || strings.Contains(d.errors.Error(), "createRef"))
		if !old {
			x.server.t.Errorf("ghtest: a document that does not fit GitHub's schema: %v\n%s", d.errors, x.body)
		}
		var errs []*graphqlError
		for _, e := range d.errors {
			errs = append(errs, &graphqlError{Message: e.Message, Extensions: map[string]any{"code": "undefinedField"}})
		}
		x.json(http.StatusOK, object{"errors": errs})
		return
	}
	root := &graphqlObject{"Query", x.queryField}
	if d.operation.Operation == ast.Mutation {
		root = &graphqlObject{"Mutation", x.mutationField}
	}
	var errs []*graphqlError
	data := x.selection(root, d.operation.SelectionSet, nil, &errs)
	answer := object{"data": data}
	if len(errs) > 0 {
		answer["errors"] = errs
	}
	x.json(http.StatusOK, answer)
}

// selection works out the fields of an object, in order.
func (x *exchange) selection(o *graphqlObject, set ast.SelectionSet, at []string, errs *[]*graphqlError) object {
	out := object{}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.InlineFragment:
			if x.isA(o, s.TypeCondition) {
				merge(out, x.selection(o, s.SelectionSet, at, errs))
			}
		case *ast.FragmentSpread:
			if x.isA(o, s.Definition.TypeCondition) {
				merge(out, x.selection(o, s.Definition.SelectionSet, at, errs))
			}
		case *ast.Field:
			here := append(slices.Clone(at), s.Alias)
			if s.Name == "__typename" {
				out[s.Alias] = o.name
				continue
			}
			value, err := o.field(s.Name, s.ArgumentMap(x.document.variables))
			if err != nil {
				e, ok := err.(*graphqlError)
				if !ok {
					x.server.t.Errorf("ghtest: %s.%s: %v", o.name, s.Name, err)
					e = &graphqlError{Message: err.Error()}
				}
				e.Path = here
				*errs = append(*errs, e)
			}
			out[s.Alias] = x.value(s, value, here, errs)
		}
	}
	return out
}

func (x *exchange) value(s *ast.Field, value any, at []string, errs *[]*graphqlError) any {
	switch v := value.(type) {
	case *graphqlObject:
		if v == nil {
			return nil
		}
		return x.selection(v, s.SelectionSet, at, errs)
	case []*graphqlObject:
		list := []any{}
		for _, o := range v {
			list = append(list, x.selection(o, s.SelectionSet, at, errs))
		}
		return list
	case nil:
		if s.Definition.Type.NonNull {
			x.server.t.Errorf("ghtest: %s must not be null", strings.Join(at, "."))
		}
	}
	return value
}

// merge adds fields to an object; those of the same name are the same field.
func merge(to, from object) {
	for name, value := range from {
		a, ok := to[name].(object)
		if b, both := value.(object); ok && both {
			merge(a, b)
			continue
		}
		to[name] = value
	}
}

func (x *exchange) isA(o *graphqlObject, condition string) bool {
	schema := x.document.schema
	return condition == "" || slices.ContainsFunc(schema.GetPossibleTypes(schema.Types[condition]), func(d *ast.Definition) bool { return d.Name == o.name })
}

// unknownField is a field that is in the schema and not done here.
func unknownField(name string) (any, error) { return nil, fmt.Errorf("%s is not done here", name) }

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
			return r.refObject(r.defaultBranch()), nil
		case "ref":
			qualified, _ := args["qualifiedName"].(string)
			return r.refObject(strings.TrimPrefix(qualified, "refs/heads/")), nil
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

func (r *Repo) refObject(branch string) *graphqlObject {
	oid := r.branches()[branch] // read anew: a push may fall in the midst of a query
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

// gitObject is what an expression of Git's names, nil if nothing.
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

// history is the commits back from one, as a connection. Cursors are numbers.
func (r *Repo) history(oid string, args map[string]any) *graphqlObject {
	query := []string{oid}
	if p, _ := args["path"].(string); p != "" {
		query = append(query, "--", p)
	}
	all := r.log(query...)
	after, _ := args["after"].(string)
	from, _ := strconv.Atoi(after)
	first, _ := strconv.Atoi(fmt.Sprint(args["first"]))
	to := min(len(all), from+first)
	return &graphqlObject{"CommitHistoryConnection", func(name string, _ map[string]any) (any, error) {
		switch name {
		case "totalCount":
			return len(all), nil
		case "nodes":
			nodes := []*graphqlObject{}
			for _, one := range all[from:to] {
				nodes = append(nodes, r.gitObject(one.oid))
			}
			return nodes, nil
		case "pageInfo":
			return &graphqlObject{"PageInfo", func(name string, _ map[string]any) (any, error) {
				switch name {
				case "endCursor":
					return strconv.Itoa(to), nil
				case "hasNextPage":
					return to < len(all), nil
				}
				return unknownField(name)
			}}, nil
		}
		return unknownField(name)
	}}
}

// blob is a blob as GitHub shows it: as a text in UTF-8, or as none.
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

// entries are those of a tree, as Git stores it: mode, blank, name, NUL, hash.
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

func (x *exchange) mutationField(name string, args map[string]any) (any, error) {
	raw, err := json.Marshal(args["input"])
	if err != nil {
		return nil, err
	}
	if x.server.options.ReadOnly {
		return nil, &graphqlError{Type: "FORBIDDEN", Message: "Resource not accessible by integration"}
	}
	switch name {
	case "createCommitOnBranch":
		return x.createCommitOnBranch(raw)
	case "createRef":
		return x.mutateRef(raw)
	case "updateRefs":
		return x.mutateRefs(raw)
	case "enablePullRequestAutoMerge":
		return x.enableAutoMerge(raw)
	}
	return unknownField(name)
}

func unprocessable(format string, args ...any) error {
	return &graphqlError{Type: "UNPROCESSABLE", Message: fmt.Sprintf(format, args...)}
}

func (x *exchange) createCommitOnBranch(raw []byte) (any, error) {
	var in struct {
		Branch          struct{ BranchName, RepositoryNameWithOwner string }
		ExpectedHeadOid string
		Message         struct{ Headline, Body string }
		FileChanges     struct {
			Additions []struct{ Path, Contents string }
			Deletions []struct{ Path string }
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	r, err := x.findRepo(in.Branch.RepositoryNameWithOwner)
	if err != nil {
		return nil, err
	}
	branch := strings.TrimPrefix(in.Branch.BranchName, "refs/heads/")
	stale := &graphqlError{Type: "STALE_DATA", Message: fmt.Sprintf("Expected branch to point to \"%s\" but it did not.  Pull and try again.", in.ExpectedHeadOid)}
	switch tip := r.refs[branch]; {
	case tip == "":
		return nil, &graphqlError{Type: "NOT_FOUND", Message: fmt.Sprintf("Branch \"%s\" not found", branch)}
	case slices.Contains(r.Protected, branch):
		return nil, &graphqlError{Type: "BRANCH_PROTECTION_RULE_VIOLATION", Message: "Changes must be made through a pull request."}
	case tip != in.ExpectedHeadOid:
		return nil, stale
	case in.Message.Headline == "":
		return nil, unprocessable("A commit message headline is required.")
	}
	// As fast-import takes it, on a branch that nobody sees.
	var stream strings.Builder
	fmt.Fprintf(&stream, "commit refs/ghtest/new\ncommitter GitHub <noreply@github.com> 1767323045 +0000\ndata 0\n\nfrom %s\n", in.ExpectedHeadOid)
	for _, d := range in.FileChanges.Deletions {
		if _, _, _, ok := r.object(in.ExpectedHeadOid + ":" + d.Path); !ok {
			return nil, unprocessable("A path was requested for deletion which does not exist: %s", d.Path)
		}
		fmt.Fprintf(&stream, "D %s\n", d.Path)
	}
	for _, a := range in.FileChanges.Additions {
		data, err := base64.StdEncoding.DecodeString(a.Contents)
		if err != nil || a.Path != path.Clean(a.Path) || strings.HasPrefix(a.Path, "/") || strings.HasPrefix(a.Path, "..") {
			return nil, unprocessable("A path or its contents cannot be read: %s", a.Path)
		}
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", a.Path, len(data), data)
	}
	stream.WriteString("done\n")
	_, err = r.git(stream.String(), "fast-import", "--quiet", "--force", "--done")
	tree, _, _, _ := r.object("refs/ghtest/new^{tree}")
	if err == nil {
		_, err = r.git("", "update-ref", "-d", "refs/ghtest/new")
	}
	if err != nil {
		return nil, err
	}
	message := strings.TrimSpace(in.Message.Headline+"\n\n"+in.Message.Body) + "\n"
	oid, err := r.commit(tree, message, x.login, in.ExpectedHeadOid)
	if err != nil {
		return nil, err
	}
	if r.updateRefs(x.login, refUpdate{branch, in.ExpectedHeadOid, oid}) != nil {
		return nil, stale // a push was faster
	}
	return payload(func(name string) (any, bool) {
		switch name {
		case "commit":
			return r.gitObject(oid), true
		case "ref":
			return r.refObject(branch), true
		}
		return nil, false
	}, "CreateCommitOnBranchPayload"), nil
}

func payload(field func(name string) (any, bool), kind string) *graphqlObject {
	return &graphqlObject{kind, func(name string, _ map[string]any) (any, error) {
		if name == "clientMutationId" {
			return nil, nil
		}
		if value, ok := field(name); ok {
			return value, nil
		}
		return unknownField(name)
	}}
}

func (x *exchange) repoOf(id string) (*Repo, error) {
	for _, r := range x.server.repos {
		if r.nodeID() == id {
			r.sync()
			return r, nil
		}
	}
	return nil, &graphqlError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a node with the global id of '%s'", id)}
}

func (x *exchange) mutateRef(raw []byte) (any, error) {
	var in struct{ RepositoryID, Name, Oid string }
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	r, err := x.repoOf(in.RepositoryID)
	if err != nil {
		return nil, err
	}
	branch, ok := strings.CutPrefix(in.Name, "refs/heads/")
	switch {
	case !ok:
		return nil, unprocessable("%s is not a branch", in.Name)
	case r.refs[branch] != "":
		return nil, unprocessable("A ref named \"%s\" already exists in the repository.", in.Name)
	case r.resolve(in.Oid) != in.Oid:
		return nil, unprocessable("The object does not exist.")
	}
	if err := r.updateRefs(x.login, refUpdate{branch, "", in.Oid}); err != nil {
		return nil, unprocessable("Reference update failed")
	}
	return payload(func(name string) (any, bool) { return r.refObject(branch), name == "ref" }, "CreateRefPayload"), nil
}

func (x *exchange) mutateRefs(raw []byte) (any, error) {
	var in struct {
		RepositoryID string
		RefUpdates   []struct {
			Name, BeforeOid, AfterOid string
			Force                     bool
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	r, err := x.repoOf(in.RepositoryID)
	if err != nil {
		return nil, err
	}
	var updates []refUpdate
	for _, u := range in.RefUpdates {
		branch, ok := strings.CutPrefix(u.Name, "refs/heads/")
		now := r.refs[branch]
		before := cmp.Or(u.BeforeOid, now)
		after := strings.ReplaceAll(u.AfterOid, noOid, "")
		before = strings.ReplaceAll(before, noOid, "")
		switch {
		case !ok:
			return nil, unprocessable("%s is not a branch", u.Name)
		case before != now:
			return nil, unprocessable("Reference update failed: %s is not at the expected object", u.Name)
		case after != "" && now != "" && !u.Force && !r.isAncestor(now, after):
			return nil, unprocessable("Reference update failed: %s is not a fast forward", u.Name)
		case after != "" && r.resolve(after) != after:
			return nil, unprocessable("Reference update failed: the object does not exist")
		}
		updates = append(updates, refUpdate{branch, before, after})
	}
	if err := r.updateRefs(x.login, updates...); err != nil {
		return nil, unprocessable("Reference update failed")
	}
	return payload(func(string) (any, bool) { return nil, false }, "UpdateRefsPayload"), nil
}

func (x *exchange) enableAutoMerge(raw []byte) (any, error) {
	var in struct{ PullRequestID, ExpectedHeadOid, MergeMethod string }
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	for _, r := range x.server.repos {
		r.sync()
		for _, p := range r.pulls {
			if fmt.Sprintf("PR_%d", p.id) != in.PullRequestID {
				continue
			}
			switch {
			case !r.AllowAutoMerge:
				return nil, unprocessable("Pull request Auto merge is not allowed for this repository")
			case in.ExpectedHeadOid != "" && in.ExpectedHeadOid != p.Head:
				return nil, unprocessable("Head branch was modified. Review and try the merge again.")
			case !r.RequiredChecks:
				return nil, unprocessable("Pull request Pull request is in clean status")
			}
			p.AutoMerge = cmp.Or(in.MergeMethod, "MERGE")
			return payload(func(name string) (any, bool) {
				return &graphqlObject{"PullRequest", func(name string, _ map[string]any) (any, error) {
					if name == "number" {
						return p.Number, nil
					}
					return unknownField(name)
				}}, name == "pullRequest"
			}, "EnablePullRequestAutoMergePayload"), nil
		}
	}
	return nil, &graphqlError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a node with the global id of '%s'", in.PullRequestID)}
}
