package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/repo"
)

// maxHistories is how many paths' histories are asked for at once.
const maxHistories = 50

// maxHistory is how many commits of a path a query returns.
const maxHistory = 100

// Log returns the commits that changed files or folders: depth is how many are read
// for each path.
func (s *Store) Log(ctx context.Context, c *repo.Commit, depth int, paths ...string) (*repo.Window, error) {
	w := &repo.Window{Oldest: c.Committer.When, Whole: true}
	found := map[string]*repo.LogEntry{}
	order := map[string]int{} // the place in the longest list, so that equal times keep their order
	var known time.Time       // where the first list ends that goes on: what is older may lack commits
	for some := range slices.Chunk(paths, maxHistories) {
		lists, err := s.Client.histories(ctx, s.Repo, c.Hash, min(depth, maxHistory), some, "")
		if err != nil {
			return nil, err
		}
		for i, list := range lists {
			for list.more && len(list.commits) < depth {
				next, err := s.Client.histories(ctx, s.Repo, c.Hash, maxHistory, some[i:i+1], list.cursor)
				if err != nil {
					return nil, err
				}
				list = history{append(list.commits, next[0].commits...), next[0].more, next[0].cursor}
			}
			if n := len(list.commits); list.more && n > 0 {
				w.Whole = false
				if end := list.commits[n-1].Time; end.After(known) {
					known = end
				}
			}
			for n, one := range list.commits {
				if found[one.SHA] == nil {
					found[one.SHA] = s.logEntry(&one)
				}
				found[one.SHA].Paths = append(found[one.SHA].Paths, some[i])
				order[one.SHA] = max(order[one.SHA], n)
			}
		}
	}
	for _, e := range found {
		slices.Sort(e.Paths)
	}
	w.Entries = slices.SortedFunc(maps.Values(found), func(a, b *repo.LogEntry) int {
		return cmp.Or(b.Committer.When.Compare(a.Committer.When), cmp.Compare(order[a.Hash], order[b.Hash]))
	})
	switch n := len(w.Entries); {
	case !w.Whole:
		w.Oldest = known
	case n > 0:
		w.Oldest = w.Entries[n-1].Committer.When
	}
	return w, nil
}

func (s *Store) logEntry(c *Commit) *repo.LogEntry {
	e := &repo.LogEntry{Commit: s.commit(c)}
	if len(c.Parents) > 0 {
		e.Before = s.commit(&Commit{SHA: c.Parents[0]})
	}
	return e
}

// history is the newest commits of a path.
type history struct {
	commits []Commit
	more    bool
	cursor  string // behind the last of them
}

// logFields are what is read of a history.
const logFields = "nodes { oid message committedDate parents(first: 2) { nodes { oid } } } pageInfo { hasNextPage endCursor }"

// histories returns the commits, back from oid, that changed each of some paths. After is
// where to go on in the history of a single path; "" begins at oid.
func (c *Client) histories(ctx context.Context, at Repo, oid string, first int, paths []string, after string) ([]history, error) {
	var params, fields strings.Builder
	variables := map[string]any{"owner": at.Owner, "name": at.Name, "oid": oid, "first": first}
	cursor := ""
	if after != "" {
		variables["after"], cursor = after, ", after: $after"
		params.WriteString(", $after: String")
	}
	for i, p := range paths {
		variables[fmt.Sprintf("p%d", i)] = p
		fmt.Fprintf(&params, ", $p%d: String!", i)
		fmt.Fprintf(&fields, "        h%d: history(first: $first, path: $p%d%s) { %s }\n", i, i, cursor, logFields)
	}
	document := fmt.Sprintf(`query($owner: String!, $name: String!, $oid: GitObjectID!, $first: Int!%s) {
  repository(owner: $owner, name: $name) {
    object(oid: $oid) {
      ... on Commit {
%s      }
    }
  }
}
`, &params, &fields)
	var answer struct {
		Repository struct{ Object map[string]json.RawMessage }
	}
	what := call{at, "reading the history", "contents=read"}
	if err := c.query(repeatable(ctx), document, variables, &answer); err != nil {
		return nil, c.fault(ctx, what, err)
	}
	lists := make([]history, len(paths))
	for i := range paths {
		var got struct {
			Nodes    []graphqlCommit
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
		}
		raw, ok := answer.Repository.Object[fmt.Sprintf("h%d", i)]
		if !ok {
			return nil, c.fault(ctx, what, errEmpty)
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			return nil, c.fault(ctx, what, err)
		}
		if got.Nodes == nil { // an empty list is another thing
			return nil, c.fault(ctx, what, errEmpty)
		}
		lists[i].more, lists[i].cursor = got.PageInfo.HasNextPage, got.PageInfo.EndCursor
		for _, n := range got.Nodes {
			lists[i].commits = append(lists[i].commits, n.commit())
		}
	}
	return lists, nil
}

// graphqlCommit is a commit of an answer.
type graphqlCommit struct {
	Oid, Message  string
	CommittedDate time.Time
	Parents       struct{ Nodes []struct{ Oid string } }
}

func (g *graphqlCommit) commit() Commit {
	c := Commit{SHA: g.Oid, Message: g.Message, Time: g.CommittedDate}
	for _, parent := range g.Parents.Nodes {
		c.Parents = append(c.Parents, parent.Oid)
	}
	return c
}
