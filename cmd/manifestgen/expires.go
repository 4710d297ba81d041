package main

import (
	"strings"
	"time"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
	"k8srepo/internal/trace"
)

// warnDays is how many days before a user's expires: a run with --today starts to warn.
const warnDays = 14

// expire edits users.yaml so that those whose expires: has come by --today are absent. It
// returns who they are, as refusals for check, and warnings of users whose day comes soon. On a
// dry run their places are in users.yaml as it is, else in the file as it will be written.
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
	shown := inv
	if edit.Changes() && !o.dryRun {
		if shown, err = o.inventory(); err != nil {
			return nil, nil, err
		}
	}
	for _, u := range inv.ExpiringWithin(today, warnDays) {
		at, _ := shown.User(u.Name).Source.Get("expires")
		p := problem.At(o.placeInSource(at.Place), "write a later day if the user stays", "%s is to be absent from %s on", u.Name, u.Expires.Format(time.DateOnly)).WithCode(problem.Expires)
		if o.dryRun { // the console shows the file as it is edited
			start, end := trace.LineBytes(edit.Old, at.Place.Line)
			p.Source = strings.TrimRight(string(edit.Old[start:end]), "\r\n")
		}
		if u.Expires.After(today) {
			p.Message += ": in " + count(int(u.Expires.Sub(today)/(24*time.Hour)), "day")
			soon.Add(p)
			continue
		}
		p.Hint, p.Refused = o.renderHint(), true
		due.Add(p)
	}
	return due, soon, nil
}
