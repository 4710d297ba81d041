package gitrepo

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"k8srepo/internal/problem"
)

// Marks are references outside of branches and tags. A server lists them with
// the branches, so that looking whether there is one costs nothing.
const markPrefix = "refs/tagbump/"

// Marked is the commit that a mark was at when the tip was read; nil where there
// is no such mark. It is a request if there is one, and nothing else.
func (t *Tip) Marked(ctx context.Context, name string) (*Tip, error) {
	h, ok := t.refs[markPrefix+name]
	if !ok {
		return nil, nil
	}
	m := &Tip{Hash: h, remote: t.remote, offer: t.offer}
	if !m.has(h) {
		if err := m.request(ctx, []Hash{h}, nil, 1, filters[t.remote.mode]); err != nil {
			return nil, t.remote.fault(ctx, err)
		}
	}
	return m, t.remote.fault(ctx, m.read())
}

// Mark sets a mark to a commit that the server has, wherever it was before.
func (r *Remote) Mark(ctx context.Context, name string, commit Hash) error {
	ref := plumbing.ReferenceName(markPrefix + name)
	if err := ref.Validate(); err != nil {
		return problem.New("see man git-check-ref-format", "%q cannot be the name of a mark", name)
	}
	for attempt := 0; ; attempt++ {
		refs, err := r.advertised(ctx, receivePack)
		if err != nil {
			return err
		}
		r.early = make(chan *packp.AdvRefs, 1)
		r.early <- refs // not asked for again
		err = r.update(ctx, ref, refs.References[ref.String()], commit, nil)
		if again := (*PushError)(nil); !errors.As(err, &again) || again.Kind == Declined || attempt == 2 {
			return err
		}
	}
}
