package inventory

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
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
	if there := e.Inventory.User(u.Name); there != nil {
		if there.Absent {
			return Edit{}, refuseAt(there.Place, fmt.Sprintf("bring the user back: manifestgen user set %s --present", u.Name), "the user %s is there, and absent", u.Name)
		}
		return Edit{}, refuseAt(there.Place, fmt.Sprintf("change the user: manifestgen user set %s", u.Name), "the user %s is there", u.Name)
	}
	var v manifest.Value
	v.Add("name", manifest.NewString(u.Name))
	v.Add("mission_type", manifest.NewString(u.Team))
	v.Add("services", manifest.NewList(u.Services...))
	if e.writesState() {
		v.Add("state", manifest.NewString("present"))
	}
	if err := e.check(func(l *loader) { l.readUser(v) }); err != nil {
		return Edit{}, err
	}
	return e.patch(manifest.InsertAt(pathOf("users"), v))
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
	u, err := e.user(name)
	if err != nil {
		return Edit{}, err
	}
	var as manifest.Value
	as.Add("name", manifest.NewString(name))
	as.Add("mission_type", manifest.NewString(cmp.Or(c.Team, u.Team.Name)))
	as.Add("services", manifest.NewList(c.Services...))
	if err := e.check(func(l *loader) { l.readUser(as) }); err != nil {
		return Edit{}, err
	}
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

// servicePatches make a user's list of services another one: those that stay keep their
// lines and comments.
func servicePatches(u *User, services []string) []manifest.Patch {
	written, ok := u.Source.Get("services")
	if !ok {
		return []manifest.Patch{manifest.SetAt(userPath(u.Name, ".services"), manifest.NewList(services...))}
	}
	var patches []manifest.Patch
	for i, item := range slices.Backward(written.Items) {
		if !slices.Contains(services, item.Text) {
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

// NewService is a service to be added.
type NewService struct {
	Name  string
	Image string
	Tag   string
	Port  int64 // 0 where it serves nothing
}

// AddService adds a service.
func (e *Editor) AddService(s NewService) (Edit, error) {
	if there := e.Inventory.Service(s.Name); there != nil {
		return Edit{}, refuseAt(there.Place, "change it in "+UsersFile, "the service %s is there", s.Name)
	}
	var v manifest.Value
	v.Add("name", manifest.NewString(s.Name))
	v.Add("image", manifest.NewString(s.Image))
	v.Add("tag", manifest.NewString(s.Tag))
	if s.Port != 0 {
		v.Add("port", manifest.Value{Kind: manifest.Int, Text: strconv.FormatInt(s.Port, 10)})
	}
	if err := e.check(func(l *loader) { l.readService(v) }); err != nil {
		return Edit{}, err
	}
	return e.patch(manifest.InsertAt(pathOf("services"), v))
}

// Setting is a value of an environment's file.
type Setting struct {
	Path  manifest.Path
	Value manifest.Value
}

// NewEnvironment is an environment to be added.
type NewEnvironment struct {
	Name     string
	From     string // the environment that it is like
	Copy     bool   // of its file; else it extends it
	Settings []Setting
}

// AddEnvironment adds an environment: a file that extends another, or is a copy of it. It
// has a namespace of its own, unless its settings keep the two apart.
func (e *Editor) AddEnvironment(n NewEnvironment) (Edit, error) {
	if there := e.Inventory.Environment(n.Name); there != nil {
		return Edit{}, refuseAt(there.Place, "take another name", "the environment %s is there", n.Name)
	}
	if err := e.check(func(l *loader) {
		var name string
		l.nameTo(&name, "the environment", "environments", "templates")(manifest.NewString(n.Name))
	}); err != nil {
		return Edit{}, err
	}
	from := e.Inventory.Environment(n.From)
	if from == nil {
		return Edit{}, problem.New(problem.DidYouMean(n.From, Names(e.Inventory.Environments)), "unknown environment %q", n.From).WithCode(problem.UnknownName)
	}
	file := path.Join(EnvironmentsDir, n.Name+".yaml")
	edit := Edit{File: file, New: []byte("extends: " + n.From + "\n")}
	var patches []manifest.Patch
	if n.Copy {
		if from.Abstract {
			return Edit{}, problem.At(from.Place, "leave out --copy: it extends "+n.From+" then", "the environment %s is abstract: a copy would render nothing", n.From).WithCode(problem.NotChanged)
		}
		data, err := manifest.ReadFile(e.FS, from.Place.File)
		if err != nil {
			return Edit{}, err
		}
		edit.New = data
		if _, own := from.ownPath(); own {
			patches = append(patches, manifest.DeleteAt(pathOf("path")))
		}
	}
	if from.collides(n) {
		patches = append(patches, manifest.SetAt(pathOf("namespace"), manifest.NewString(n.Name)))
	}
	for _, s := range n.Settings {
		patches = append(patches, manifest.SetAt(s.Path, s.Value))
	}
	f, err := manifest.Parse(file, edit.New)
	if err != nil {
		return Edit{}, err
	}
	if edit.New, err = f.Patch(patches...); err != nil {
		return Edit{}, problem.WithCode(err, problem.NotChanged)
	}
	return edit, nil
}

// collides reports whether an environment that is like this one would be in its
// namespace of its cluster.
func (e *Environment) collides(n NewEnvironment) bool {
	if _, named := e.Source.Get("namespace"); !named || e.Abstract {
		return false
	}
	return !slices.ContainsFunc(n.Settings, func(s Setting) bool { return s.Path.String() == "namespace" || s.Path.String() == "cluster" })
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
	data, err := manifest.ReadFile(e.FS, UsersFile)
	if err != nil {
		return Edit{}, err
	}
	f, err := manifest.Parse(UsersFile, data)
	if err != nil {
		return Edit{}, err
	}
	changed, err := f.Patch(patches...)
	if err != nil {
		return Edit{}, problem.WithCode(err, problem.NotChanged)
	}
	return Edit{File: UsersFile, Old: data, New: changed}, nil
}

// pathOf is a path that is written in this package.
func pathOf(s string) manifest.Path {
	p, err := manifest.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// userPath is a path from a user's entry. The name is that of one who was loaded.
func userPath(name, below string) manifest.Path { return pathOf("users[name=" + name + "]" + below) }

func refuseAt(place problem.Place, hint, format string, args ...any) error {
	p := problem.At(place, hint, format, args...).WithCode(problem.NotChanged)
	p.Refused = true
	return p
}
