// Package inventory loads users.yaml and environments/, keeping the place of each
// word.
//
// Load reads them, checks every name and type, and reports all that is wrong at
// once, each where it was written. What it returns is complete: names are resolved
// to what they name, and environments carry what they extend. Vars merges the
// variables of an environment, a service and a user.
package inventory

import (
	"slices"
	"time"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// The files that an inventory is read from, below the source folder.
const (
	UsersFile       = "users.yaml"
	EnvironmentsDir = "environments"
	VariablesFile   = "templates/variables.yaml"
)

// Inventory holds who works on what, and where it runs. Lists are sorted by name.
type Inventory struct {
	Teams        []*Team
	Services     []*Service
	Users        []*User
	Environments []*Environment // abstract ones too
	Defaults     manifest.Value // templates/variables.yaml: a map of each variable's default
}

// Team is a mission type: people, and the secrets that they share. Templates see its
// exported fields.
type Team struct {
	Name    string
	Secrets map[string]string // environment variable → key in the secret store, below <env>/
	source  manifest.Value
}

// Source returns the team as it was written.
func (t *Team) Source() manifest.Value { return t.source }

// Service is one thing that runs.
type Service struct {
	Name       string
	Image      string // the repository, without tag; "" where it has none
	Tag        string // the first tag, until tagbump moves it; "" where there is none
	Repository string // owner/name on GitHub; "" where there is none
	Port       int64  // 0 where it serves nothing
	Secrets    map[string]string
	Vars       manifest.Value // a map, or null
	Place      problem.Place
	Source     manifest.Value // as it was written
}

// User is a person with environments of their own.
type User struct {
	Name     string
	Team     *Team
	Services []*Service
	Absent   bool      // their manifests are removed
	Expires  time.Time // the day, in UTC, from which on the user is to be absent; zero if never
	Vars     manifest.Value
	Place    problem.Place
	Source   manifest.Value // as it was written
}

// Environment is where things run.
type Environment struct {
	Name       string
	Abstract   bool   // it is there to be extended, and renders nothing
	Path       string // the folder of its manifests, below the k8s repo's root: NAME/manifests unless set. See HasService.
	Kubernetes string // the cluster's version, such as 1.34; "" where unset
	Cluster    string // "" where unset
	Namespace  string // the environment's name unless set
	Domain     string // "" where unset
	Templates  []string
	Lenient    bool // what validation refuses is a warning
	Deploy     Deploy
	External   []External          // what exists here and is not rendered
	Overrides  map[string]Override // by service
	Place      problem.Place
	Source     manifest.Value // as it was written, laid over what it extends; for variables, see Vars
	Chain      []Link         // what it extends, the weakest first, and itself
}

// Link is one file of those that an environment is made of.
type Link struct {
	Name   string
	Source manifest.Value
}

// Override is what an environment says of one service.
type Override struct {
	Absent bool   // the service is not rendered here
	Image  string // the repository here; "" where it is the service's own. See Environment.Image.
}

// External is an object that exists in an environment and is not rendered, such
// as a Gateway that another team owns.
type External struct {
	Kind      string
	Name      string
	Namespace string // "" where the kind has none, or it is the environment's
	Place     problem.Place
}

// ExternalKinds are the kinds of External: those that manifests refer to by name.
var ExternalKinds = []string{"ClusterSecretStore", "ConfigMap", "DaemonSet", "Deployment", "Gateway", "NodePool", "PersistentVolumeClaim", "ReplicaSet", "Role", "Rollout",
	"Secret", "SecretStore", "Service", "ServiceAccount", "StatefulSet", "StorageClass", "TriggerAuthentication"}

// Deploy is how tags reach an environment.
type Deploy struct {
	Strategy      string // Push or PullRequest
	Branch        string // "" is the repository's default branch
	After         string // the environment that must run a tag first; "" is none
	Order         string // how tags compare: OrderCommit, OrderSemver or OrderNone; "" is OrderCommit
	Draft         bool
	Labels        []string
	Assignees     []string
	Reviewers     []string
	TeamReviewers []string
}

// The strategies of Deploy.
const (
	Push        = "push"
	PullRequest = "pull-request"
)

// The orders of Deploy.
const (
	OrderCommit = "commit"
	OrderSemver = "semver"
	OrderNone   = "none"
)

// Scopes are the folders of templates, and what an environment's list of
// templates may name.
var Scopes = []string{"environment", "team", "service", "user", "user-service"}

// Environment returns the environment of a name, nil where there is none.
func (inv *Inventory) Environment(name string) *Environment {
	return byName(inv.Environments, name)
}

// Service returns the service of a name, nil where there is none.
func (inv *Inventory) Service(name string) *Service { return byName(inv.Services, name) }

// Team returns the team of a name, nil where there is none.
func (inv *Inventory) Team(name string) *Team { return byName(inv.Teams, name) }

// User returns the user of a name, nil where there is none.
func (inv *Inventory) User(name string) *User { return byName(inv.Users, name) }

func (t *Team) name() string        { return t.Name }
func (s *Service) name() string     { return s.Name }
func (u *User) name() string        { return u.Name }
func (e *Environment) name() string { return e.Name }

// Services returns those of some services that are rendered in the environment.
func (e *Environment) Services(of []*Service) []*Service {
	return slices.DeleteFunc(slices.Clone(of), func(s *Service) bool { return e.Overrides[s.Name].Absent })
}

// Present returns the users whose state is present.
func (inv *Inventory) Present() []*User {
	return slices.DeleteFunc(slices.Clone(inv.Users), func(u *User) bool { return u.Absent })
}

// Members returns the present users of a team.
func (inv *Inventory) Members(t *Team) []*User {
	return slices.DeleteFunc(inv.Present(), func(u *User) bool { return u.Team != t })
}

type named interface{ name() string }

func byName[T named](list []T, name string) (found T) {
	for _, item := range list {
		if item.name() == name {
			return item
		}
	}
	return found
}

// Names returns the names of a list, in its order.
func Names[T named](list []T) []string {
	names := make([]string, len(list))
	for i, item := range list {
		names[i] = item.name()
	}
	return names
}
