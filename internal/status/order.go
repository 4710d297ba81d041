package status

import (
	"cmp"
	"slices"
	"strings"
)

// usual is the order of environments where no policy says one, by their names.
var usual = map[string]int{
	"dev": 1, "development": 1, "test": 2, "testing": 2, "qa": 3, "uat": 4, "stg": 5, "stage": 5, "staging": 5,
	"preprod": 6, "prd": 7, "prod": 7, "production": 7,
}

const unusual = 8

func rank(env string) int { return cmp.Or(usual[env], unusual) }

// environments returns the columns. An environment comes after the one that its
// policy names (after:); else dev comes before qa, staging and prod; else the names are
// sorted. It adds a notice for each environment that is deployed from another branch.
func (f *found) environments(branch string, notices *[]string) []Environment {
	personal := map[string]bool{}
	for _, i := range f.images {
		if _, known := personal[i.env]; !known || !i.user {
			personal[i.env] = i.user
		}
	}
	names := slices.Clone(f.names)
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	var list []Environment
	for _, name := range chained(names, f.after) {
		e := Environment{Name: name, Personal: personal[name], Strategy: f.policies[name].Strategy}
		if on := f.policies[name].Branch; branch != "" && on != "" && on != branch {
			*notices = append(*notices, name+" is deployed from the branch "+on+", and this is "+branch)
		}
		if e.Before = f.after(name); e.Before == "" && usual[name] > 0 && !e.Personal {
			for _, other := range slices.Backward(list) {
				if usual[other.Name] > 0 && usual[other.Name] < usual[name] && !other.Personal {
					e.Before = other.Name
					break
				}
			}
		}
		list = append(list, e)
	}
	return list
}

// after returns the environment that a policy puts before another, if it is there.
func (f *found) after(env string) string {
	if after := f.policies[env].After; after != env && slices.Contains(f.names, after) {
		return after
	}
	return ""
}

// chained returns names in their order, but for those that have to come after another.
func chained(names []string, after func(string) string) []string {
	var done []string
	rest := slices.Clone(names)
	for len(rest) > 0 {
		i := slices.IndexFunc(rest, func(name string) bool {
			return after(name) == "" || slices.Contains(done, after(name))
		})
		i = max(i, 0) // a ring has no first
		done = append(done, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return done
}
