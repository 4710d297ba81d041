// Package scaffold makes the files of a new k8s repo from this repository's inventory and
// templates. It leaves out the parts that a team does not have.
package scaffold

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8srepo"
	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

//go:embed own
var own embed.FS

// Options are what differs between one team's repository and another's. All but Karpenter are
// required: see Validate.
type Options struct {
	Account      string // of AWS, 12 digits
	Region       string
	Domain       string // of production; another environment has its name in front
	Repository   string // owner/name on GitHub, or the URL that Argo CD clones
	Environments []string
	Routing      string // one of Routings
	Karpenter    bool
	Version      string // the release of the workflows, such as v1.4.0
}

// Sandbox is the environment of users: each has hosts of their own.
const Sandbox = "sandbox"

// Routings are the ways in which the starter's services are reached.
var Routings = []string{"alb", "target-group", "ambassador", "gateway"}

var (
	account    = lazyregexp.New(`^[0-9]{12}$`)
	region     = lazyregexp.New(`^[a-z]+(-[a-z]+)+-[0-9]+$`)
	domain     = lazyregexp.New(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)
	ownerName  = lazyregexp.New(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
	repository = lazyregexp.New(`^((https|ssh)://|git@)[^\s"']+$`)
)

// Validate reports every option that is missing or not valid.
func (o *Options) Validate() error {
	var problems problem.List
	check := func(ok bool, value, flag, hint string) {
		switch {
		case value == "":
			problems.Add(problem.New("pass "+flag+": "+hint, "%s is missing", flag))
		case !ok:
			problems.Add(problem.New(hint, "%s %q is not valid", flag, value))
		}
	}
	check(account.MatchString(o.Account), o.Account, "--account", "the AWS account, 12 digits")
	check(region.MatchString(o.Region), o.Region, "--region", "an AWS region, such as ap-northeast-1")
	check(domain.MatchString(o.Domain), o.Domain, "--domain", "production's domain, such as example.com")
	check(ownerName.MatchString(o.Repository) || repository.MatchString(o.Repository), o.Repository, "--repository", "the repository that Argo CD will sync, as owner/name on GitHub or a URL")
	check(slices.Contains(Routings, o.Routing), o.Routing, "--routing", "one of "+strings.Join(Routings, ", "))
	if len(o.Environments) == 0 {
		check(false, "", "--env", "an environment, such as dev; once for each")
	}
	for i, env := range o.Environments {
		valid := inventory.IsEnvironmentName(env) && env != base && !slices.Contains(o.Environments[:i], env)
		hint := "lower-case letters, digits and -, each name once; shared, environments, templates, schemas and holds are reserved"
		if list := strings.FieldsFunc(env, func(r rune) bool { return r == ',' || r == ' ' }); len(list) > 1 {
			hint = "pass --env once for each: --env " + strings.Join(list, " --env ")
		}
		check(valid, env, "--env", hint)
		if other := slices.IndexFunc(o.Environments[:i], isProduction); valid && isProduction(env) && other >= 0 {
			problems.Add(problem.New("pass one of the two, or give the other another name", "--env %q and --env %q are both production, which has the domain %s", o.Environments[other], env, o.Domain))
		}
	}
	return problems.Err()
}

// base is the environment that the others extend.
const base = "shared"

// part is something that a team may not have.
type part struct {
	has       func(*Options) bool
	files     []string // patterns of its templates
	variables []string
	texts     []string // what is cut out of other templates
}

var parts = []part{
	{func(o *Options) bool { return o.Karpenter }, []string{"templates/environment/karpenter-*"}, []string{"karpenter", "spot"}, nil},
	{(*Options).sandbox, []string{"templates/team/*", "templates/user/*", "templates/user-service/*", "templates/environment/home.*", "templates/environment/ingress.*"}, []string{"nginx", "nginx_limits", "home"},
		[]string{", sandbox.users.NAME"}},
	{routes("alb"), []string{"templates/service/ingress.*"}, nil, nil},
	{(*Options).proxy, []string{"templates/_shared/proxy.*"}, nil, nil},
	{func(o *Options) bool { return o.Routing == "alb" || o.proxy() }, []string{"templates/_shared/alb.*"}, []string{"alb"}, nil},
	{routes("target-group"), []string{"templates/service/target-group-binding.*"}, []string{"target_group_arn", "alb_security_group"}, nil},
	{routes("ambassador"), []string{"templates/service/mapping.*", "templates/environment/ambassador.*"}, []string{"ambassador"}, nil},
	{routes("gateway"), []string{"templates/service/http-route.*"}, []string{"gateway"}, nil},
}

func routes(by string) func(*Options) bool { return func(o *Options) bool { return o.Routing == by } }

// proxy reports whether an ALB stands before a proxy in the cluster.
func (o *Options) proxy() bool { return o.Routing == "ambassador" || o.sandbox() }

func (o *Options) sandbox() bool { return slices.Contains(o.Environments, Sandbox) }

// without returns the parts that are left out, merged into one.
func (o *Options) without() (all part) {
	for _, p := range parts {
		if !p.has(o) {
			all.files, all.variables, all.texts = append(all.files, p.files...), append(all.variables, p.variables...), append(all.texts, p.texts...)
		}
	}
	return all
}

// Files returns the files of the repository, by path. The options must be valid.
func Files(o Options) (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := o.templates(files); err != nil {
		return nil, err
	}
	for _, write := range []func(map[string][]byte) error{o.variables, o.schema, o.users, o.environments, o.others} {
		if err := write(files); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// allRoutings is how the starter's comments list the routings.
const allRoutings = "alb, target-group, ambassador or gateway"

// templates copies the templates of the parts that the team has.
func (o *Options) templates(files map[string][]byte) error {
	left := o.without()
	return fs.WalkDir(k8srepo.Starter, "templates", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if slices.ContainsFunc(left.files, func(pattern string) bool { match, _ := path.Match(pattern, name); return match }) {
			return nil
		}
		data, err := k8srepo.Starter.ReadFile(name)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(data), allRoutings, o.Routing)
		for _, part := range left.texts {
			text = strings.ReplaceAll(text, part, "")
		}
		text = strings.Replace(text, `(eq .Vars.routing "alb" "target-group" "ambassador" "gateway")`, `(eq .Vars.routing "`+o.Routing+`")`, 1)
		files[name] = []byte(withoutBlocks(text, left.variables))
		return nil
	})
}

var (
	opens  = lazyregexp.New(`^\s*\{\{-? *(if|range|with|define|block) `)
	closes = lazyregexp.New(`^\s*\{\{-? *end *-?\}\}`)
)

// withoutBlocks returns a template without the blocks that depend on one of some variables. Such a
// block begins and ends on lines of its own: {{- if .Vars.NAME }} and {{- end }}.
func withoutBlocks(text string, variables []string) string {
	var kept strings.Builder
	depth := 0 // of the blocks inside the one that is left out, itself included
	for line := range strings.Lines(text) {
		word := strings.TrimSpace(line)
		begins := slices.ContainsFunc(variables, func(v string) bool {
			return word == "{{- if .Vars."+v+" }}" || word == "{{- if $.Vars."+v+" }}"
		})
		switch {
		case depth == 0 && !begins:
			kept.WriteString(line)
		case opens.MatchString(line):
			depth++
		case closes.MatchString(line):
			depth--
		}
	}
	return kept.String()
}

// variables sets what the options say, and leaves out what no template needs.
func (o *Options) variables(files map[string][]byte) error {
	left := o.without().variables
	home := o.Environments[0]
	for _, env := range o.Environments {
		if isProduction(env) {
			home = env
		}
	}
	url := o.Repository
	if ownerName.MatchString(url) {
		url = "https://github.com/" + url + ".git"
	}
	patches := []manifest.Patch{
		setText("routing", o.Routing), setText("aws_account", o.Account), setText("aws_region", o.Region), setText("git_repository", url), setText("argocd_home", home),
	}
	data := files[inventory.VariablesFile]
	for _, name := range left {
		data = withoutEntry(data, name)
	}
	var err error
	files[inventory.VariablesFile], err = patch(inventory.VariablesFile, data, patches...)
	return err
}

// withoutEntry returns a file of variables without one of them, and the comments above it.
func withoutEntry(data []byte, name string) []byte {
	entry := regexp.MustCompile(`(?m)^(#[^-\n].*\n)*` + regexp.QuoteMeta(name) + `:.*\n( .*\n)*`)
	return entry.ReplaceAll(data, nil)
}

// schema removes the variables that were left out from the schema.
func (o *Options) schema(files map[string][]byte) error {
	left := o.without().variables
	patches := []manifest.Patch{manifest.SetAt(manifest.MustPath("properties.routing.enum"), manifest.NewList(o.Routing))}
	text := string(files[inventory.SchemaFile])
	for _, name := range left {
		if regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(name) + `:`).MatchString(text) {
			patches = append(patches, manifest.DeleteAt(manifest.MustPath("properties."+name)))
		}
	}
	var err error
	files[inventory.SchemaFile], err = patch(inventory.SchemaFile, []byte(text), patches...)
	return err
}

// users adds the starter's users.yaml with empty lists. A sandbox has one team, which users need.
func (o *Options) users(files map[string][]byte) error {
	data, err := k8srepo.Starter.ReadFile(inventory.UsersFile)
	if err != nil {
		return err
	}
	file, err := manifest.Parse(inventory.UsersFile, data)
	if err != nil {
		return err
	}
	values, err := file.Values()
	if err != nil {
		return err
	}
	var patches []manifest.Patch
	for _, f := range values[0].Fields {
		for i := range slices.Backward(f.Value.Items) {
			patches = append(patches, manifest.DeleteAt(manifest.MustPath(fmt.Sprintf("%s[%d]", f.Key.Text, i))))
		}
	}
	if o.sandbox() {
		var team manifest.Value
		team.Add("name", manifest.NewString("dev"))
		patches = append(patches, manifest.InsertAt(manifest.MustPath("teams"), team))
	}
	files[inventory.UsersFile], err = patch(inventory.UsersFile, data, patches...)
	return err
}

func isProduction(env string) bool { return env == "prod" || env == "production" }

// environments adds the files of the shared environment and of those that the options name.
func (o *Options) environments(files map[string][]byte) error {
	name := environmentFile(base)
	data, err := k8srepo.Starter.ReadFile(name)
	if err != nil {
		return err
	}
	data = []byte(strings.Replace(string(data), "# What dev, qa, staging and prod have in common.", "# What all environments have in common.", 1))
	if files[name], err = patch(name, data, manifest.DeleteAt(manifest.MustPath("services"))); err != nil {
		return err
	}
	files[name] = append(files[name], installed[o.Routing]...)
	for _, env := range o.Environments {
		data, host := []byte(modeline+"extends: "+base+"\nnamespace: "+env+"\n"), env+"."+o.Domain
		if isProduction(env) {
			host = o.Domain
		}
		patches := []manifest.Patch{setText("domain", host), setText("cluster", env)}
		switch {
		case env == Sandbox:
			if data, err = k8srepo.Starter.ReadFile(environmentFile(Sandbox)); err != nil {
				return err
			}
			data = []byte(strings.Replace(string(data), "sandbox.example.com", host, 1)) // in a comment
			patches = append(patches, manifest.DeleteAt(manifest.MustPath("vars.home")), manifest.DeleteAt(manifest.MustPath("vars.alb")))
			if !o.Karpenter {
				patches = append(patches, manifest.DeleteAt(manifest.MustPath("vars.spot")), manifest.DeleteAt(manifest.MustPath("vars.karpenter")))
			}
		case isProduction(env):
			patches = append(patches, setText("deploy.strategy", inventory.PullRequest))
			if slices.Contains(o.Environments, "staging") {
				patches = append(patches, setText("deploy.after", "staging"))
			}
		}
		file := environmentFile(env)
		if files[file], err = patch(file, data, patches...); err != nil {
			return err
		}
	}
	return nil
}

// installed is appended to the shared environment's file, whose last entry is external: what a
// routing needs in each cluster, and is not rendered.
var installed = map[string]string{
	"gateway": `  # The team of the cluster owns it.
  - {kind: Gateway, name: public, namespace: gateway}
`,
	"ambassador": `  # Emissary is installed with its chart.
  - {kind: Service, name: emissary-ingress, namespace: emissary}
vars:
  ambassador: {namespace: emissary, service: emissary-ingress, port: 8080}
`,
}

func environmentFile(env string) string { return path.Join(inventory.EnvironmentsDir, env+".yaml") }

// others adds the files that are no part of the inventory.
func (o *Options) others(files map[string][]byte) error {
	var err error
	if files[".gitattributes"], err = k8srepo.Starter.ReadFile(".gitattributes"); err != nil {
		return err
	}
	readme, err := own.ReadFile("own/README.md")
	if err != nil {
		return err
	}
	file, err := manifest.Parse(inventory.VariablesFile, files[inventory.VariablesFile])
	if err != nil {
		return err
	}
	values, err := file.Values()
	if err != nil {
		return err
	}
	home, _ := values[0].Get("argocd_home")
	files["README.md"] = []byte(strings.ReplaceAll(string(readme), "HOME", home.Text))
	workflow, err := own.ReadFile("own/check.yml")
	if err != nil {
		return err
	}
	files[".github/workflows/check.yml"] = []byte(strings.ReplaceAll(string(workflow), "@v1.4.0", "@"+o.Version))
	files[".gitignore"] = []byte("/.schemas/\n")
	return nil
}

// modeline names the schema of an environment's file to editors.
const modeline = "# yaml-language-server: $schema=../.schemas/environment.json\n"

func setText(path, text string) manifest.Patch {
	return manifest.SetAt(manifest.MustPath(path), manifest.NewString(text))
}

func patch(name string, data []byte, patches ...manifest.Patch) ([]byte, error) {
	f, err := manifest.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return f.Patch(patches...)
}
