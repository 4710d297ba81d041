package main

import (
	"fmt"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/tree"
)

// firstTagNotices returns a notice for each service that runs already and whose tag: was changed:
// the change moves nothing. It looks for changes in the working tree and in the last commit.
// Outside of a clone, where changes are not known, a render that changes no file has a notice for
// each tag: that nothing runs.
func (o *renderOptions) firstTagNotices(inv *inventory.Inventory, plan *tree.Plan) []string {
	running := map[*inventory.Service]string{}
	for _, s := range inv.Services {
		all := runningOf(inv, plan, s)
		if s.Tag != "" && len(all) > 0 && !slices.ContainsFunc(all, func(suffix string) bool { return hasTag(suffix, s.Tag) }) {
			running[s] = strings.TrimPrefix(all[0], ":")
		}
	}
	if len(running) == 0 {
		return nil
	}
	last, known := o.committedTags("HEAD")
	if !known && len(plan.Changes) > 0 {
		return nil
	}
	before, _ := o.committedTags("HEAD~1")
	var notices []string
	for _, s := range inv.Services {
		now := running[s]
		if now == "" || known && !changed(last, s) && !changed(before, s) {
			continue
		}
		place := s.Place
		if v, ok := s.Source.Get("tag"); ok {
			place = v.Place
		}
		notices = append(notices, fmt.Sprintf("%s: tag: %s moves nothing: %s runs %s already, and tag: is only what a service starts with; to move it: tagbump set --env ENV --service %s --tag %s",
			o.placeInSource(place), s.Tag, s.Name, now, s.Name, s.Tag))
	}
	return notices
}

// runningOf lists what a service runs in any environment, the most common first.
func runningOf(inv *inventory.Inventory, plan *tree.Plan, s *inventory.Service) []string {
	images := []string{s.Image}
	for _, env := range inv.Environments {
		if image := env.Image(s); !slices.Contains(images, image) {
			images = append(images, image)
		}
	}
	var all []string
	for _, image := range images {
		all = append(all, plan.Running(image)...)
	}
	return all
}

// changed reports whether a service had another tag.
func changed(before map[string]string, s *inventory.Service) bool {
	tag, was := before[s.Name]
	return was && tag != s.Tag
}

// hasTag reports whether ":tag", "@digest" or both has a tag.
func hasTag(suffix, tag string) bool {
	suffix, _, _ = strings.Cut(suffix, "@")
	return suffix == ":"+tag
}

// committedTags returns the tags of services, by name, as a commit has them; known is false
// where there is none.
func (o *renderOptions) committedTags(commit string) (tags map[string]string, known bool) {
	data, err := gitIn(o.source, "show", commit+":./"+inventory.UsersFile)
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
