package inventory

import (
	"regexp"
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// textKeys are the keys of an environment's file whose values are texts, whatever they
// look like.
var textKeys = []string{"cluster", "domain", "extends", "kubernetes", "namespace", "path", "registry"}

// IsTextKey reports whether the value of a key of an environment's file is a text.
func IsTextKey(key string) bool { return slices.Contains(textKeys, key) }

// Undecided is a value that a new environment has from the one that it is like, and that
// names that one, or something that is its own.
type Undecided struct {
	Path  string // as in vars.certificate_arn
	Text  string
	Place problem.Place
}

// resourceID is the ID of something in AWS, such as a security group or a file system.
var resourceID = lazyregexp.New(`^(sg|fs|vpc|subnet|eni|vol|igw|nat|rtb|eipalloc|pl|lt|ami)-[0-9a-f]{8,17}$`)

// Undecided lists the values of an added environment that may have to be its own: its domain
// and cluster, ARNs and IDs of AWS, and whatever names the environment that it is like. What its
// settings say is decided. It is nil where one of the two environments is not in the inventory.
func (inv *Inventory) Undecided(n NewEnvironment) []Undecided {
	e, from := inv.Environment(n.Name), inv.Environment(n.From)
	if e == nil || from == nil {
		return nil
	}
	var decided []string
	for _, s := range n.Settings {
		decided = append(decided, s.Path.String())
	}
	names := regexp.MustCompile(`(^|[^A-Za-z0-9])` + regexp.QuoteMeta(n.From) + `([^A-Za-z0-9]|$)`)
	list := []Undecided{}
	var visit func(path string, v manifest.Value)
	visit = func(path string, v manifest.Value) {
		if slices.Contains(decided, path) || path == "extends" || path == "path" {
			return
		}
		for _, f := range v.Fields {
			visit(strings.TrimPrefix(path+"."+f.Key.Text, "."), f.Value)
		}
		for _, item := range v.Items {
			visit(path, item)
		}
		own := path == "domain" || path == "cluster" || strings.HasPrefix(v.Text, "arn:") || resourceID.MatchString(v.Text) || names.MatchString(v.Text) || from.Domain != "" && strings.Contains(v.Text, from.Domain)
		if own && v.Kind == manifest.String && v.Text != e.Namespace {
			list = append(list, Undecided{path, v.Text, v.Place})
		}
	}
	visit("", e.Source)
	return list
}
