package inventory

import (
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
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

// LoadNamed returns those services of LoadServices that have one of the names, without
// parsing all the others: a users.yaml of thousands takes a while. Where it does
// not find each of them exactly once, in lines that are written as most are, or
// anything is wrong with them, it reads all and reports all problems, as LoadServices does.
func LoadNamed(fsys fs.FS, names []string) ([]*Service, error) {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, regexp.QuoteMeta(name))
	}
	named := regexp.MustCompile(`\bname["']? *: *["']?(` + strings.Join(quoted, "|") + `)["']?\s*([,}#]|$)`)
	services, ok := loadSome(fsys, func(line []byte) bool {
		return slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(line, []byte(name)) }) && named.Match(line)
	})
	if !ok {
		return LoadServices(fsys)
	}
	var found []string
	services = slices.DeleteFunc(services, func(s *Service) bool { return !slices.Contains(names, s.Name) })
	for _, s := range services {
		found = append(found, s.Name)
	}
	if wanted := slices.Compact(slices.Sorted(slices.Values(names))); !slices.Equal(found, wanted) {
		return LoadServices(fsys)
	}
	return services, nil
}

// LoadMentioning returns those services of LoadServices that have one of some words in
// their lines, and perhaps others, without parsing all of a long users.yaml. Where that
// cannot be done, or anything is wrong with them, it is LoadServices.
func LoadMentioning(fsys fs.FS, words []string) ([]*Service, error) {
	services, ok := loadSome(fsys, func(line []byte) bool {
		if bytes.ContainsAny(line, `\*`) { // an escape or an alias may stand for a word
			return true
		}
		return slices.ContainsFunc(words, func(word string) bool { return bytes.Contains(line, []byte(word)) })
	})
	if !ok {
		return LoadServices(fsys)
	}
	return services, nil
}

// loadSome returns the services that have a line which is wanted, sorted by name; ok is
// false where users.yaml is not written as most are, or anything is wrong with them.
func loadSome(fsys fs.FS, wanted func(line []byte) bool) (services []*Service, ok bool) {
	data, err := manifest.ReadFile(fsys, UsersFile)
	if err != nil {
		return nil, false
	}
	some := onlyServices(data, wanted)
	if some == nil {
		return nil, false
	}
	f, err := manifest.Parse(UsersFile, some)
	if err != nil {
		return nil, false
	}
	docs, err := f.Values()
	if err != nil || len(docs) != 1 {
		return nil, false
	}
	l := &loader{fsys: fsys}
	list, _ := docs[0].Get("services")
	l.items(list, "services", l.readService)
	sortByName(l.inventory.Services)
	return l.inventory.Services, len(l.problems) == 0
}

// item is the line that begins an item of a list.
var item = lazyregexp.New(`^ *- `)

// onlyServices returns a users.yaml in which all lines are empty but those of the
// services that have a line which is wanted: each is where it was. It is nil if the
// list of services cannot be separated from the rest.
func onlyServices(data []byte, wanted func(line []byte) bool) []byte {
	var kept bytes.Buffer
	found := false                                // the list
	inside, indent, mentioned := false, -1, false // in the list; of its items; in the item
	begin, at := 0, 0                             // of the item, of the line
	end := func() {                               // of an item, before the line
		if mentioned {
			kept.Write(data[begin:at])
		} else {
			for range bytes.Count(data[begin:at], []byte("\n")) {
				kept.WriteByte('\n')
			}
		}
		begin, mentioned = at, false
	}
	for line := range bytes.Lines(data) {
		first := bytes.IndexByte(line, '-')
		begins := first >= 0 && item.Match(line)
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
				mentioned, found = true, true // the line itself
			}
		case inside && begins && (indent < 0 || first == indent):
			end()
			indent = first
		}
		mentioned = mentioned || inside && wanted(line)
		at += len(line)
	}
	end()
	if !found {
		return nil
	}
	return kept.Bytes()
}
