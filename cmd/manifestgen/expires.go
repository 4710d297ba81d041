package main

import (
	"time"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
)

// warnDays is how many days before a user's expires: a run with --today warns of it.
const warnDays = 14

// expire edits users.yaml so that those whose expires: has come by --today are absent.
// It returns who they are, as refusals for check, and warnings of whose day comes soon.
func (o *renderOptions) expire() (due, soon problem.List, err error) {
	if o.today == "" {
		return nil, nil, nil
	}
	today, err := time.Parse(time.DateOnly, o.today)
	if err != nil {
		return nil, nil, problem.New("write it as year-month-day, such as 2027-04-01", "--today %q is no day", o.today)
	}
	source, err := o.openSource()
	if err != nil {
		return nil, nil, err
	}
	defer source.Close()
	inv, err := inventory.Load(source, schema.Compile)
	if err != nil {
		return nil, nil, o.inSource(err)
	}
	edit, err := (&inventory.Editor{FS: source, Inventory: inv}).Expire(today)
	if err != nil {
		return nil, nil, o.inSource(err)
	}
	if err := o.edit(edit); err != nil {
		return nil, nil, err
	}
	for _, u := range inv.ExpiringWithin(today, warnDays) {
		at, _ := u.Source.Get("expires")
		place, day := o.placeInSource(at.Place), u.Expires.Format(time.DateOnly)
		if !u.Expires.After(today) {
			p := problem.At(place, "run manifestgen render --today "+o.today+", and commit what it changes", "%s is to be absent from %s on", u.Name, day)
			p.Refused = true
			due.Add(p.WithCode(problem.Expires))
			continue
		}
		soon.Add(problem.At(place, "write a later day if the user stays", "%s is to be absent from %s on: %s", u.Name, day, inDays(u.Expires.Sub(today))).WithCode(problem.Expires))
	}
	return due, soon, nil
}

func inDays(d time.Duration) string { return "in " + count(int(d/(24*time.Hour)), "day") }
