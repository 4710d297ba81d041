package ghtest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/gitrepo/gittest"
)

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
	files, gone := gittest.Files{}, []string{}
	for _, d := range in.FileChanges.Deletions {
		if _, _, _, ok := r.object(in.ExpectedHeadOid + ":" + d.Path); !ok {
			return nil, unprocessable("A path was requested for deletion which does not exist: %s", d.Path)
		}
		gone = append(gone, d.Path)
	}
	for _, a := range in.FileChanges.Additions {
		data, err := base64.StdEncoding.DecodeString(a.Contents)
		if err != nil || a.Path != path.Clean(a.Path) || strings.HasPrefix(a.Path, "/") || strings.HasPrefix(a.Path, "..") {
			return nil, unprocessable("A path or its contents cannot be read: %s", a.Path)
		}
		files["100644 "+a.Path] = string(data)
	}
	tree := r.EditTree(r.Tree(in.ExpectedHeadOid), files, gone...)
	message := strings.TrimSpace(in.Message.Headline+"\n\n"+in.Message.Body) + "\n"
	oid := r.commit(tree, message, x.login, in.ExpectedHeadOid)
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
	if err := r.updateRefs(x.login, updates...); err == errKept {
		return nil, unprocessable(kept)
	} else if err != nil {
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
