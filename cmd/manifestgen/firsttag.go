package main

import (
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/tree"
)

// firstTagNotices say of each service whose tag: was changed, and which runs already,
// that this moves nothing. What it was before is what the last commit has; outside of a
// clone, a render that changes nothing speaks of each tag: that nothing runs.
func (o *renderOptions) firstTagNotices(inv *inventory.Inventory, plan *tree.Plan) []string {
	var differing []*inventory.Service
	for _, s := range inv.Services {
		if running := plan.Running(s.Image); s.Tag != "" && len(running) > 0 && !slices.ContainsFunc(running, func(suffix string) bool { return hasTag(suffix, s.Tag) }) {
			differing = append(differing, s)
		}
	}
	if len(differing) == 0 {
		return nil
	}
	before, known := o.committedTags()
	if !known && len(plan.Changes) > 0 {
		return nil
	}
	var notices []string
	for _, s := range differing {
		tag, was := before[s.Name]
		if known && (!was || tag == s.Tag) {
			continue
		}
		place := s.Place
		if v, ok := s.Source.Get("tag"); ok {
			place = v.Place
		}
		notices = append(notices, fmt.Sprintf("%s: tag: %s moves nothing: %s runs %s already, and tag: is only what a service starts with; to move it: tagbump set --env ENV --service %s --tag %s",
			o.placeInSource(place), s.Tag, s.Name, strings.TrimPrefix(plan.Running(s.Image)[0], ":"), s.Name, s.Tag))
	}
	return notices
}

// hasTag reports whether ":tag", "@digest" or both has a tag.
func hasTag(suffix, tag string) bool {
	suffix, _, _ = strings.Cut(suffix, "@")
	return suffix == ":"+tag
}

// committedTags are the tags of services, by name, as the last commit has them; known
// is false where there is none.
func (o *renderOptions) committedTags() (tags map[string]string, known bool) {
	data, err := gitIn(o.source, "show", "HEAD:./"+inventory.UsersFile)
	if err != nil {
		return nil, false
	}
	file, err := manifest.Parse(inventory.UsersFile, data)
	if err != nil {
		return nil, false
	}
	docs, err := file.Values()
	if err != nil || len(docs) == 0 {
		return nil, false
	}
	tags = map[string]string{}
	services, _ := docs[0].Get("services")
	for _, s := range services.Items {
		name, _ := s.Get("name")
		tag, _ := s.Get("tag")
		tags[name.Text] = tag.Text
	}
	return tags, true
}
