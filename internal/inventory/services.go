package inventory

import (
	"io/fs"
)

// LoadServices reads the services of users.yaml, sorted by name, for those who
// need to know no more: variables are not looked at, nor any other file. The
// error is fs.ErrNotExist where there is no users.yaml.
func LoadServices(fsys fs.FS) ([]*Service, error) {
	if _, err := fs.Stat(fsys, UsersFile); err != nil {
		return nil, err
	}
	l := &loader{fsys: fsys}
	l.readUsers()
	return l.inventory.Services, l.problems.Err()
}
