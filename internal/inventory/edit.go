package inventory

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Edit is a change of one file of an inventory.
type Edit struct {
	File     string
	Old, New []byte // Old is nil where the file is new
}

// Changes reports whether there is a difference.
func (e Edit) Changes() bool { return !bytes.Equal(e.Old, e.New) }

// Editor changes the files of an inventory. It writes nothing: each method returns what
// a file is to be. What people wrote around a change stays, byte for byte.
type Editor struct {
	FS        fs.FS // where the inventory was loaded from
	Inventory *Inventory
}

// NewUser is a user to be added.
type NewUser struct {
	Name     string
	Team     string
	Services []string
}

// AddUser adds a user.
func (e *Editor) AddUser(u NewUser) (Edit, error) {
	if err := e.CheckUser(u); err != nil {
		return Edit{}, err
	}
	v := u.value()
	if e.writesState() {
		v.Add("state", manifest.NewString("present"))
	}
	if err := e.check(func(l *loader) { l.readUser(v) }); err != nil {
		return Edit{}, err
	}
	return e.patch(manifest.InsertAt(manifest.MustPath("users"), v))
}

// CheckUser reports everything that is wrong with a new user, as far as it is given: what
// is missing is not reported.
func (e *Editor) CheckUser(u NewUser) error {
	if there := e.Inventory.User(u.Name); there != nil {
		if there.Absent {
			return refuseAt(there.Place, fmt.Sprintf("bring the user back: manifestgen user set %s --present", u.Name), "the user %s is there, and absent", u.Name)
		}
		return refuseAt(there.Place, fmt.Sprintf("change the user: manifestgen user set %s", u.Name), "the user %s is there", u.Name)
	}
	return e.checkAssignments(u)
}

// checkAssignments checks the name, the team and the services of a user, as far as they
// are given.
func (e *Editor) checkAssignments(u NewUser) error {
	var problems problem.List
	if u.Team != "" && e.Inventory.Team(u.Team) == nil {
		problems.Add(unknown("team", u.Team, Names(e.Inventory.Teams), "manifestgen team add "+u.Team))
		u.Team = ""
	}
	known := func(s string) bool { return e.Inventory.Service(s) != nil }
	for _, s := range u.Services {
		if !known(s) {
			problems.Add(unknown("service", s, Names(e.Inventory.Services), "manifestgen service add "+s+" --image REPOSITORY --tag TAG"))
		}
	}
	u.Services = slices.DeleteFunc(slices.Clone(u.Services), func(s string) bool { return !known(s) })
	problems.Add(e.check(func(l *loader) { l.partial = true; l.readUser(u.value()) }))
	return problems.Err()
}

// unknown returns a name that nothing has, and the command that adds it.
func unknown(what, name string, names []string, command string) *problem.Problem {
	hint := problem.DidYouMean(name, names)
	switch near := problem.Nearest(name, names); {
	case !dnsLabel.MatchString(name):
	case hint == "":
		hint = "add it: " + command
	case near != "":
		hint += " Else add it: " + command
	default:
		hint += "; or add it: " + command
	}
	return problem.New(hint, "unknown %s %q", what, name).WithCode(problem.UnknownName)
}

// value returns the entry of a user, as far as it is given.
func (u NewUser) value() manifest.Value {
	v := manifest.Value{Kind: manifest.Map}
	if u.Name != "" {
		v.Add("name", manifest.NewString(u.Name))
	}
	if u.Team != "" {
		v.Add("mission_type", manifest.NewString(u.Team))
	}
	v.Add("services", manifest.NewList(u.Services...))
	return v
}

// writesState reports whether most users have a line state:, so that a new one gets one.
func (e *Editor) writesState() bool {
	n := 0
	for _, u := range e.Inventory.Users {
		if _, written := u.Source.Get("state"); written {
			n++
		}
	}
	return 2*n > len(e.Inventory.Users)
}

// UserChange is what is to change of a user. What is zero stays.
type UserChange struct {
	Team        string
	Services    []string // all that the user is to have
	SetServices bool     // so that Services may be empty
	Present     bool     // no longer absent
}

// SetUser changes a user.
func (e *Editor) SetUser(name string, c UserChange) (Edit, error) {
	if err := e.CheckChange(name, c); err != nil {
		return Edit{}, err
	}
	u := e.Inventory.User(name)
	var patches []manifest.Patch
	if c.Team != "" && c.Team != u.Team.Name {
		patches = append(patches, manifest.SetAt(userPath(name, ".mission_type"), manifest.NewString(c.Team)))
	}
	if c.SetServices {
		patches = append(patches, servicePatches(u, c.Services)...)
	}
	if c.Present && u.Absent {
		patches = append(patches, e.presentPatch(u))
	}
	return e.patch(patches...)
}

// CheckChange reports everything that is wrong with a change of a user; a name that is ""
// is not reported.
func (e *Editor) CheckChange(name string, c UserChange) error {
	var problems problem.List
	if name != "" {
		_, err := e.user(name)
		problems.Add(err)
	}
	problems.Add(e.checkAssignments(NewUser{Team: c.Team, Services: c.Services}))
	return problems.Err()
}

// servicePatches make a user's list of services another one: those that stay keep their
// lines and comments.
func servicePatches(u *User, services []string) []manifest.Patch {
	written, ok := u.Source.Get("services")
	if !ok {
		return []manifest.Patch{manifest.SetAt(userPath(u.Name, ".services"), manifest.NewList(services...))}
	}
	var patches []manifest.Patch
	for i, item := range slices.Backward(written.Items) {
		twice := slices.ContainsFunc(written.Items[:i], func(other manifest.Value) bool { return other.Text == item.Text })
		if twice || !slices.Contains(services, item.Text) {
			patches = append(patches, manifest.DeleteAt(userPath(u.Name, ".services["+strconv.Itoa(i)+"]")))
		}
	}
	for _, s := range services {
		if !slices.ContainsFunc(written.Items, func(item manifest.Value) bool { return item.Text == s }) {
			patches = append(patches, manifest.InsertAt(userPath(u.Name, ".services"), manifest.NewString(s)))
		}
	}
	return patches
}

// presentPatch makes an absent user present: without a line state: where no other user
// has one that says so.
func (e *Editor) presentPatch(u *User) manifest.Patch {
	says := slices.ContainsFunc(e.Inventory.Users, func(other *User) bool {
		state, _ := other.Source.Get("state")
		return state.Text == "present"
	})
	if says {
		return manifest.SetAt(userPath(u.Name, ".state"), manifest.NewString("present"))
	}
	return manifest.DeleteAt(userPath(u.Name, ".state"))
}

// RemoveUser makes a user absent.
func (e *Editor) RemoveUser(name string) (Edit, error) {
	u, err := e.user(name)
	if err != nil {
		return Edit{}, err
	}
	if u.Absent {
		return e.patch()
	}
	return e.patch(absentPatch(u))
}

func absentPatch(u *User) manifest.Patch {
	return manifest.SetAt(userPath(u.Name, ".state"), manifest.NewString("absent"))
}

// PurgeUser deletes a user's lines.
func (e *Editor) PurgeUser(name string) (Edit, error) {
	if _, err := e.user(name); err != nil {
		return Edit{}, err
	}
	return e.patch(manifest.DeleteAt(userPath(name, "")))
}

// Expire makes those users absent whose day has come.
func (e *Editor) Expire(today time.Time) (Edit, error) {
	var patches []manifest.Patch
	for _, u := range e.Inventory.Due(today) {
		patches = append(patches, absentPatch(u))
	}
	return e.patch(patches...)
}

// Due returns the present users whose expires: is today or earlier.
func (inv *Inventory) Due(today time.Time) []*User { return inv.ExpiringWithin(today, 0) }

// ExpiringWithin returns the present users whose expires: is at most some days after
// today, or earlier.
func (inv *Inventory) ExpiringWithin(today time.Time, days int) []*User {
	last := today.AddDate(0, 0, days)
	return slices.DeleteFunc(inv.Present(), func(u *User) bool { return u.Expires.IsZero() || u.Expires.After(last) })
}

func (e *Editor) user(name string) (*User, error) {
	u := e.Inventory.User(name)
	if u == nil {
		return nil, problem.New(problem.DidYouMean(name, Names(e.Inventory.Users)), "unknown user %q", name).WithCode(problem.UnknownName)
	}
	return u, nil
}

// check runs the loader's checks on what is not in a file yet.
func (e *Editor) check(read func(*loader)) error {
	l := &loader{named: true, inventory: Inventory{Teams: e.Inventory.Teams, Services: slices.Clone(e.Inventory.Services)}}
	read(l)
	return l.problems.Err()
}

// patch changes users.yaml.
func (e *Editor) patch(patches ...manifest.Patch) (Edit, error) {
	return e.patchFile(UsersFile, patches...)
}

// patchFile changes a file of the inventory.
func (e *Editor) patchFile(file string, patches ...manifest.Patch) (Edit, error) {
	data, err := manifest.ReadFile(e.FS, file)
	if err != nil {
		return Edit{}, err
	}
	f, err := manifest.Parse(file, data)
	if err != nil {
		return Edit{}, err
	}
	changed, err := f.Patch(patches...)
	if err != nil {
		return Edit{}, problem.WithCode(err, problem.NotChanged)
	}
	return Edit{File: file, Old: data, New: changed}, nil
}

// userPath returns a path from a user's entry. The name is that of one who was loaded.
func userPath(name, below string) manifest.Path {
	return manifest.MustPath("users[name=" + name + "]" + below)
}

func refuseAt(place problem.Place, hint, format string, args ...any) error {
	p := problem.At(place, hint, format, args...).WithCode(problem.NotChanged)
	p.Refused = true
	return p
}
