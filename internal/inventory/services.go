package inventory

import (
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
)

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

// LoadNamed is those services of LoadServices that have one of the names, without
// parsing all the others: a users.yaml of thousands takes a while. Where it does
// not find each of them exactly once, in lines that are written as most are, or
// anything is wrong with them, it reads and tells all, as LoadServices does.
func LoadNamed(fsys fs.FS, names []string) ([]*Service, error) {
	data, err := manifest.ReadFile(fsys, UsersFile)
	if err != nil {
		return LoadServices(fsys)
	}
	f, err := manifest.Parse(UsersFile, onlyServices(data, names))
	if err != nil {
		return LoadServices(fsys)
	}
	docs, err := f.Values()
	if err != nil || len(docs) != 1 {
		return LoadServices(fsys)
	}
	l := &loader{fsys: fsys}
	services, _ := docs[0].Get("services")
	l.items(services, "services", l.readService)
	sortByName(l.inventory.Services)
	var found []string
	named := slices.DeleteFunc(l.inventory.Services, func(s *Service) bool { return !slices.Contains(names, s.Name) })
	for _, s := range named {
		found = append(found, s.Name)
	}
	if wanted := slices.Compact(slices.Sorted(slices.Values(names))); len(l.problems) > 0 || !slices.Equal(found, wanted) {
		return LoadServices(fsys)
	}
	return named, nil
}

// item is the line that begins an item of a list.
var item = regexp.MustCompile(`^ *- `)

// onlyServices is a users.yaml in which all lines are empty but those of the
// services that may have one of the names: each is where it was. It is nil if the
// list of services cannot be told from the rest.
func onlyServices(data []byte, names []string) []byte {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, regexp.QuoteMeta(name))
	}
	named := regexp.MustCompile(`\bname: *["']?(` + strings.Join(quoted, "|") + `)["']?\s*([,}#]|$)`)
	var kept bytes.Buffer
	var service []byte // the item that the line is in, so far
	inside, indent, mentioned := false, -1, false
	end := func() {
		if !mentioned {
			service = bytes.Repeat([]byte("\n"), bytes.Count(service, []byte("\n")))
		}
		kept.Write(service)
		service, mentioned = nil, false
	}
	for line := range bytes.Lines(data) {
		first := bytes.IndexByte(line, '-')
		begins := item.Match(line)
		switch top := len(bytes.TrimSpace(line)) > 0 && line[0] != ' ' && line[0] != '#' && !begins; {
		case bytes.HasPrefix(line, []byte("---")), bytes.HasPrefix(line, []byte("...")), bytes.IndexByte(line, '\t') >= 0:
			return nil
		case top:
			end()
			inside, indent = strings.TrimSpace(string(line)) == "services:", -1
			if bytes.HasPrefix(line, []byte("services")) {
				if !inside {
					return nil
				}
				kept.Write(line)
				continue
			}
		case inside && begins && (indent < 0 || first == indent):
			end()
			indent = first
		}
		if inside {
			service = append(service, line...)
			mentioned = mentioned || named.Match(line)
		} else {
			kept.WriteString("\n")
		}
	}
	end()
	return kept.Bytes()
}
