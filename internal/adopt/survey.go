package adopt

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
)

// survey is what files say of their environments and services, and the inventory before
// them.
type survey struct {
	inventory *inventory.Inventory // as it is; empty where there is none
	envs      []string
	services  []string
	namespace map[string]string            // by environment
	domain    map[string]string            // by environment; empty where they do not differ in it
	images    map[string]map[string]string // by service and environment: the repository
}

func newSurvey(inv *inventory.Inventory, files []*file) *survey {
	s := &survey{inventory: inv, namespace: map[string]string{}, domain: map[string]string{}, images: map[string]map[string]string{}}
	byService := map[string][]*file{}
	byEnv := map[string][]*file{}
	for _, f := range files {
		byEnv[f.env] = append(byEnv[f.env], f)
		if f.service != "" {
			byService[f.service] = append(byService[f.service], f)
		}
	}
	s.envs, s.services = slices.Sorted(maps.Keys(byEnv)), slices.Sorted(maps.Keys(byService))
	for _, env := range s.envs {
		s.namespace[env] = namespaceOf(byEnv[env])
		if e := inv.Environment(env); e != nil {
			s.namespace[env], s.domain[env] = e.Namespace, e.Domain
		}
	}
	s.findDomains(byEnv)
	for _, service := range s.services {
		s.images[service] = s.imagesOf(service, byService[service])
	}
	return s
}

// namespaceOf returns the namespace of most objects; "" where there is none, or it has a name
// that no environment's file may hold.
func namespaceOf(files []*file) string {
	counts, all := map[string]int{}, 0
	for _, f := range files {
		for _, o := range f.text.Objects {
			if o.Namespace != "" {
				counts[o.Namespace]++
				all++
			}
		}
	}
	if name := commonest(counts); 2*counts[name] > all && inventory.IsName(name) {
		return name
	}
	return ""
}

func commonest(counts map[string]int) string {
	best, most := "", 0
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > most {
			best, most = name, counts[name]
		}
	}
	return best
}

// facts returns what templates know without variables.
func (s *survey) facts() []fact {
	env := func(c cell) *inventory.Environment { return s.inventory.Environment(c.env) }
	return []fact{
		{envDomain, func(c cell) string { return s.domain[c.env] }},
		{envCluster, func(c cell) string {
			if e := env(c); e != nil {
				return e.Cluster
			}
			return ""
		}},
		{envNamespace, func(c cell) string { return cmp.Or(s.namespace[c.env], c.env) }},
		{serviceName, func(c cell) string { return c.service }},
		{envName, func(c cell) string { return c.env }},
		{serviceSnake, func(c cell) string { return strings.ReplaceAll(c.service, "-", "_") }},
		{serviceUpper, func(c cell) string { return strings.ToUpper(strings.ReplaceAll(c.service, "-", "_")) }},
		{envUpper, func(c cell) string { return strings.ToUpper(c.env) }},
	}
}

var hostLine = lazyregexp.New(`^\s*(?:- )?["']?(?:[\w./-]*host(?:name)?s?["']?: *|- *)["']?((?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+){2,})["']?\s*(?:#.*)?$`)

// findDomains finds what the hosts of each environment end in, where environments
// differ in it.
func (s *survey) findDomains(byEnv map[string][]*file) {
	found := map[string]string{}
	for _, env := range s.envs {
		if s.domain[env] != "" {
			return // the inventory says it
		}
		found[env] = domainOf(byEnv[env])
		if found[env] == "" {
			return
		}
	}
	if len(found) > 1 && !allEqual(slices.Collect(maps.Values(found))) {
		s.domain = found
	}
}

// domainOf returns the longest domain that most hosts in some files end in, and at least two. What
// a registry sells names below, such as co.jp, is nobody's domain.
func domainOf(files []*file) string {
	hosts, counts := map[string]bool{}, map[string]int{}
	for _, f := range files {
		for line := range strings.Lines(string(f.data)) {
			m := hostLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
			if m == nil || strings.HasSuffix(m[1], ".svc.cluster.local") {
				continue
			}
			host := strings.TrimPrefix(m[1], "*.")
			if rest, named := strings.CutPrefix(host, f.service+"."); named && f.service != "" && !hosts[host] {
				counts[rest]++ // of the service's own host
			}
			hosts[host] = true
		}
	}
	for host := range hosts {
		suffix, _ := publicsuffix.PublicSuffix(host)
		for rest := host; strings.Count(rest, ".") >= 1 && rest != suffix; {
			counts[rest]++
			_, rest, _ = strings.Cut(rest, ".")
		}
	}
	best := ""
	for _, domain := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[domain]; n >= 2 && 2*n > len(hosts) && inventory.IsDomain(domain) && (n > counts[best] || n == counts[best] && len(domain) > len(best)) {
			best = domain
		}
	}
	return best
}

// imagesOf finds the repository that a service runs from in each environment: of the
// images in its files, the one that is called like it, else the most common.
func (s *survey) imagesOf(service string, files []*file) map[string]string {
	known := ""
	if existing := s.inventory.Service(service); existing != nil {
		known = existing.Image
	}
	counts, names := map[string]int{}, map[string]map[string]map[string]int{} // by stem, environment and name
	for _, f := range files {
		for _, r := range f.text.Images {
			if !ownImage(r) {
				continue
			}
			stem := imageStem(r.Ref.Name, f.cell)
			counts[stem]++
			if names[stem] == nil {
				names[stem] = map[string]map[string]int{}
			}
			if names[stem][f.env] == nil {
				names[stem][f.env] = map[string]int{}
			}
			names[stem][f.env][r.Ref.Name]++
			if r.Ref.Name == known || known == "" && wholeIndex(stem, factSign, 0) >= 0 {
				counts[stem] += 1000
			}
		}
	}
	images := map[string]string{}
	for env, byName := range names[commonest(counts)] {
		images[env] = commonest(byName)
	}
	return images
}

// ownImage reports whether an image may be a service's own: a whole reference with a tag.
func ownImage(r manifest.Running) bool {
	return r.Tagged && !r.TagOnly && !r.Marked && r.Ref.Suffix() != ""
}

// smallNumber is a tag that may be anything else where it stands alone.
var smallNumber = lazyregexp.New(`^[0-9]{1,3}$`)

// imageStem returns the last part of a repository, without the names of its cell: what is the
// same in all environments.
func imageStem(repository string, c cell) string {
	base := repository[strings.LastIndexByte(repository, '/')+1:]
	if c.service != "" {
		base = replaceWhole(base, c.service, factSign)
	}
	return strings.Trim(replaceWhole(base, c.env, ""), "-_.")
}

// copied makes a copy of a file for alignment: where the service's image stands, its
// lines have a sign. Tags are the tags of all images.
func (s *survey) copied(f *file, facts []fact, tags map[string]bool) *copied {
	c := &copied{cell: f.cell, file: f, names: namerOf(facts, f.cell)}
	var b strings.Builder
	done := 0
	for _, r := range f.text.Images {
		if tag := r.Ref.Tag; tag != "" && r.Ref.Suffix() != "" && !smallNumber.MatchString(tag) {
			tags[tag] = true
		}
		start := r.Suffix.Start - len(r.Ref.Name)
		if !ownImage(r) || r.Ref.Name != s.images[f.service][f.env] || start < done || string(f.data[start:r.Suffix.Start]) != r.Ref.Name {
			continue
		}
		b.Write(f.data[done:start])
		b.WriteString(imageSign)
		b.Write(f.data[r.Suffix.End:r.Comment.Start])
		done = r.Comment.End
	}
	b.Write(f.data[done:])
	c.lines = strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	c.docs = outline(c.lines, c.names.name)
	return c
}
