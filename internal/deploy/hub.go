package deploy

import (
	"context"

	"k8srepo/internal/github"
)

// HubHistory is a History that GitHub is asked about.
type HubHistory struct {
	Client *github.Client
	Repo   github.Repo
}

// Relation tells how the commit next stands to the running one.
func (h HubHistory) Relation(ctx context.Context, running, next string) (Relation, error) {
	c, err := h.Client.Compare(ctx, h.Repo, running, next, 0)
	if err != nil {
		return NotKnown, &historyError{err}
	}
	return map[github.Relation]Relation{
		github.Ahead:       Ahead,
		github.Identical:   Ahead,
		github.Behind:      Behind,
		github.Diverged:    Diverged,
		github.BaseUnknown: OldUnknown,
		github.HeadUnknown: NewUnknown,
	}[c.Relation], nil
}
