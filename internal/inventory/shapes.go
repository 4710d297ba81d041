package inventory

import (
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
)

// A shape describes a map of the inventory's files: its keys, and what each takes. The
// loader knows a key by its shape, and Schema writes the shapes for editors.
type shape struct {
	what string // as messages name it
	keys []key
}

// key is a key of a shape.
type key struct {
	name     string
	required bool
	text     string // what it is, for people
	takes    takes
}

// takes is what the value of a key may be.
type takes struct {
	kind    manifest.Kind      // String takes numbers too: they are read as they are written
	pattern *lazyregexp.Regexp // of a String
	quoted  bool               // a String that is no number
	words   []string           // the only ones that a String may be
	named   nameList           // the names that a String, or an item of a List, may be
	items   *takes             // of a List
	of      *shape             // of a Map, or of the items of a List
	keyed   bool               // a Map from names to of
	vars    bool               // a Map of variables
	empty   bool               // nothing at all is taken too
}

// nameList is a list of names that an inventory has.
type nameList int

const (
	noNames nameList = iota
	teamNames
	serviceNames
	environmentNames
)

var (
	states     = []string{"present", "absent"}
	strategies = []string{Push, PullRequest}
	orders     = []string{OrderCommit, OrderSemver, OrderNone}

	validations = []string{"error", "warn"}
)

var (
	aText     = takes{kind: manifest.String}
	aName     = takes{kind: manifest.String, pattern: dnsLabel}
	aState    = takes{kind: manifest.String, words: states}
	aBoolean  = takes{kind: manifest.Bool}
	someTexts = takes{kind: manifest.List, items: &aText, empty: true}
	someVars  = takes{kind: manifest.Map, vars: true, empty: true}
	secrets   = takes{kind: manifest.Map, keyed: true, empty: true}
)

func listOf(s *shape) takes { return takes{kind: manifest.List, of: s, empty: true} }

var teamShape = shape{"a team", []key{
	{"name", true, "the team", aName},
	{"secrets", false, "environment variable: key in the secret store, below the environment's name; never a value", secrets},
}}

var serviceShape = shape{"a service", []key{
	{"name", true, "the service", aName},
	{"image", false, "the repository that its images are pushed to, without a tag; left out where it runs nothing of its own", aText},
	{"tag", false, "the tag that a new file starts on; from then on tagbump moves it", aText},
	{"repository", false, "the GitHub repository that it is built from, as owner/name", takes{kind: manifest.String, pattern: ownerName}},
	{"port", false, "the port that it serves; left out where it serves none", takes{kind: manifest.Int}},
	{"secrets", false, "environment variable: key in the secret store, below the environment's name; never a value", secrets},
	{"vars", false, "its variables", someVars},
}}

var userShape = shape{"a user", []key{
	{"name", true, "the user", aName},
	{"mission_type", true, "the user's team", takes{kind: manifest.String, named: teamNames}},
	{"services", false, "the services that the user has in personal environments", takes{kind: manifest.List, items: &takes{kind: manifest.String, named: serviceNames}, empty: true}},
	{"state", false, "present, or absent: the user's manifests are removed", aState},
	{"expires", false, "the day from which on the user is to be absent, such as 2027-03-31", takes{kind: manifest.String, pattern: day, quoted: true}},
	{"vars", false, "the user's variables", someVars},
}}

var day = lazyregexp.New(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

var usersShape = shape{UsersFile, []key{
	{"manifestgen", false, `the oldest version of manifestgen that can read the repository, as ">=1.4"`, takes{kind: manifest.String, pattern: versionRule, quoted: true}},
	{"teams", false, "the teams", listOf(&teamShape)},
	{"services", false, "the services", listOf(&serviceShape)},
	{"users", false, "the users", listOf(&userShape)},
}}

var deployShape = shape{"deploy", []key{
	{"strategy", false, "push, or pull-request", takes{kind: manifest.String, words: strategies}},
	{"branch", false, "the branch; the repository's default branch unless set", aText},
	{"after", false, "the environment that must run a tag first", takes{kind: manifest.String, named: environmentNames}},
	{"order", false, "how tags compare", takes{kind: manifest.String, words: orders}},
	{"draft", false, "pull requests are drafts", aBoolean},
	{"labels", false, "labels of pull requests", someTexts},
	{"assignees", false, "assignees of pull requests", someTexts},
	{"reviewers", false, "reviewers of pull requests", someTexts},
	{"team_reviewers", false, "teams that review pull requests", someTexts},
}}

var externalShape = shape{"an external object", []key{
	{"kind", true, "the object's kind, such as Gateway", takes{kind: manifest.String, words: ExternalKinds}},
	{"name", true, "its name", takes{kind: manifest.String, pattern: dnsName}},
	{"namespace", false, "its namespace", aName},
}}

var overrideShape = shape{"an environment's service", []key{
	{"state", false, "absent: the service is not rendered here", aState},
	{"image", false, "the service's repository here", aText},
	{"vars", false, "variables of the service here", someVars},
}}

var environmentShape = shape{"an environment", []key{
	{"extends", false, "another environment, whose keys this one has where it does not set them itself", takes{kind: manifest.String, named: environmentNames}},
	{"abstract", false, "it is there to be extended, and renders nothing", aBoolean},
	{"path", false, "the folder of its manifests; NAME/manifests unless set", aText},
	{"kubernetes", false, `the cluster's minor version, such as "1.34"`, takes{kind: manifest.String, pattern: minorOnly}},
	{"cluster", false, "the cluster", aText},
	{"namespace", false, "the namespace; the environment's name unless set", aName},
	{"domain", false, "what its hosts end in", takes{kind: manifest.String, pattern: dnsName}},
	{"registry", false, "the registry host of every image here, instead of the one in image:", aText},
	{"validation", false, "warn: what the API server or a rule refuses is a warning here, and no error", takes{kind: manifest.String, words: validations}},
	{"templates", false, "the scopes that are rendered", takes{kind: manifest.List, items: &takes{kind: manifest.String, words: Scopes}, empty: true}},
	{"deploy", false, "how tags get here", takes{kind: manifest.Map, of: &deployShape}},
	{"external", false, "objects that exist here and are not rendered", listOf(&externalShape)},
	{"vars", false, "its variables", someVars},
	{"services", false, "what is different for services here", takes{kind: manifest.Map, of: &overrideShape, keyed: true, named: serviceNames, empty: true}},
}}

// names returns the keys of a shape.
func (s *shape) names() []string {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.name
	}
	return names
}
