package inventory

import "io/fs"

// LoadServices reads the services of users.yaml, sorted by name, for those who
// need to know no more: a mistake in a user's line, or in a variable, is none of
// their business. The error is fs.ErrNotExist where there is no users.yaml.
func LoadServices(fsys fs.FS) ([]*Service, error) {
	if _, err := fs.Stat(fsys, UsersFile); err != nil {
		return nil, err
	}
	l := &loader{fsys: fsys}
	services, _ := l.document(UsersFile, true, "it holds a list of services").Get("services")
	l.items(services, "services", l.readService)
	sortByName(l.inventory.Services)
	return l.inventory.Services, l.problems.Err()
}
