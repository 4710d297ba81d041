package bump

import (
	"path"
	"slices"
	"strings"

	"k8srepo/internal/problem"
)

// Narrowing leaves files and places of an environment out.
type Narrowing struct {
	Only      []string // globs of which a file must match one, if there are any; see MatchGlob
	Skip      []string // globs of which a file must match none
	User      string   // the user in whose folder a file must be; "" is any file
	Container string   // the name of an image's container; "" is any image, of a container or not
}

// Validate checks the globs and names.
func (n *Narrowing) Validate() error {
	var problems problem.List
	for flag, globs := range map[string][]string{"--only": n.Only, "--skip": n.Skip} {
		for _, glob := range globs {
			if !validGlob(glob) {
				problems.Add(problem.New(`write it as in 'api/*.yaml', '*-deployment.yaml' or '**/templates/**'`, "%s %q is not a valid pattern", flag, glob))
			}
		}
	}
	if n.User != path.Base(n.User) && n.User != "" || n.User == "." || n.User == ".." {
		problems.Add(problem.New("it is the name of a folder in users/, such as alice", "--user %q is not a valid name", n.User))
	}
	return problems.Err()
}

// validGlob reports whether each element of a glob is a pattern of path.Match.
func validGlob(glob string) bool {
	for element := range strings.SplitSeq(glob, "/") {
		if _, err := path.Match(element, ""); err != nil {
			return false
		}
	}
	return glob != ""
}

// Matches reports whether a file is not left out, by its path below the environment's folder.
func (n *Narrowing) Matches(file string) bool {
	matches := func(glob string) bool { return MatchGlob(glob, file) }
	switch {
	case n.User != "" && !strings.HasPrefix(file, "users/"+n.User+"/"):
		return false
	case len(n.Only) > 0 && !slices.ContainsFunc(n.Only, matches):
		return false
	}
	return !slices.ContainsFunc(n.Skip, matches)
}

// String returns the narrowing as its flags, "" where there is none.
func (n *Narrowing) String() string {
	var flags []string
	for _, glob := range n.Only {
		flags = append(flags, "--only "+quoted(glob))
	}
	for _, glob := range n.Skip {
		flags = append(flags, "--skip "+quoted(glob))
	}
	if n.User != "" {
		flags = append(flags, "--user "+quoted(n.User))
	}
	if n.Container != "" {
		flags = append(flags, "--container "+quoted(n.Container))
	}
	return strings.Join(flags, " ")
}

// MatchGlob reports whether a path matches a glob: one without a slash matches the
// file's name in any folder; ** is any number of folders, none included; the rest
// is as path.Match has it, folder by folder.
func MatchGlob(glob, file string) bool {
	glob = strings.TrimPrefix(glob, "./")
	if !strings.Contains(glob, "/") && glob != "**" {
		ok, _ := path.Match(glob, path.Base(file))
		return ok
	}
	if strings.HasSuffix(glob, "/") {
		glob += "**"
	}
	return matchFolders(strings.Split(glob, "/"), strings.Split(file, "/"))
}

func matchFolders(globs, folders []string) bool {
	for len(globs) > 0 {
		if globs[0] == "**" {
			for len(globs) > 1 && globs[1] == "**" {
				globs = globs[1:] // as one
			}
			for skip := 0; skip <= len(folders); skip++ {
				if matchFolders(globs[1:], folders[skip:]) {
					return true
				}
			}
			return false
		}
		if len(folders) == 0 {
			return false
		}
		if ok, _ := path.Match(globs[0], folders[0]); !ok {
			return false
		}
		globs, folders = globs[1:], folders[1:]
	}
	return len(folders) == 0
}
