package deploy

import "context"

// verify asks whether the images are there that a plan is to run, each once.
func (r *run) verify(ctx context.Context, plan *Outcome) error {
	if r.Verify == nil || !plan.Changed() {
		return nil
	}
	for _, i := range plan.Images {
		next := i.New.String()
		if !i.Changed() || r.verified[next] {
			continue
		}
		if err := r.Verify(ctx, next); err != nil {
			return err
		}
		if r.verified == nil {
			r.verified = map[string]bool{}
		}
		r.verified[next] = true
	}
	return nil
}
