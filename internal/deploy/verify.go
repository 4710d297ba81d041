package deploy

import "context"

// verify asks whether the images are there that a plan is to run, each once a run.
func verify(ctx context.Context, o *Options, a *attempts, plan *Outcome) error {
	if o.Verify == nil || len(plan.Files) == 0 {
		return nil
	}
	for _, i := range plan.Images {
		next := i.New.String()
		if !i.Changed() || a.verified[next] {
			continue
		}
		if err := o.Verify(ctx, next); err != nil {
			return err
		}
		a.verified[next] = true
	}
	return nil
}
