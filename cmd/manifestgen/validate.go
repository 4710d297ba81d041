package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/render"
	"k8srepo/internal/validate"
)

// definitionsFolder holds the CustomResourceDefinitions of the team's own kinds.
const definitionsFolder = "schemas"

// validateManifests validates what was rendered for the minor of each environment. With o.strict a
// kind that is not known is an error.
func (o *renderOptions) validateManifests(inv *inventory.Inventory, manifests []render.Manifest) (warnings problem.List, err error) {
	if o.noValidate {
		return nil, nil
	}
	definitions, err := o.definitions()
	if err != nil {
		return nil, err
	}
	byMinor := map[string][]int{}
	for i := range manifests {
		env := inv.Environment(manifests[i].Env)
		minor, warning := knownMinor(env.Kubernetes)
		if warning != nil && !slices.ContainsFunc(warnings, func(p *problem.Problem) bool { return p.Message == warning.Message }) {
			warning.Place = env.Place
			warnings.Add(warning)
		}
		byMinor[minor] = append(byMinor[minor], i)
	}
	var refused, warned []render.Finding
	objects := make(ruleObjects, len(manifests))
	for _, minor := range validate.Minors() { // one after the other: the emulated version is global
		if len(byMinor[minor]) == 0 {
			continue
		}
		v, err := validate.New(minor, definitions)
		if err != nil {
			return nil, err
		}
		r, w := verdictsWith(definitions).validateAll(v, inv, manifests, byMinor[minor], objects)
		refused, warned = append(refused, r...), append(warned, w...)
	}
	r, w := o.checkRules(inv, manifests, objects)
	refused, warned = o.lenient(inv, append(refused, r...), append(warned, w...))
	if o.strict {
		refused, warned = refuseUnchecked(refused, warned)
	}
	warnings = append(warnings, kindsOnce(render.Problems(warned))...)
	warnings = problem.All(o.inSource(warnings.Err()))
	return warnings, o.inSource(render.Problems(refused).Err())
}

// lenient turns the findings of environments with validation: warn into warnings. While manifests
// are adopted, it does so for every environment, and notes in o.refusing which need it.
func (o *renderOptions) lenient(inv *inventory.Inventory, refused, warned []render.Finding) (still, more []render.Finding) {
	for _, f := range refused {
		env := inv.Environment(f.Manifest.Env)
		adopting := o.adopt != nil && !env.Lenient
		if !adopting && !env.Lenient {
			still = append(still, f)
			continue
		}
		if adopting && !slices.Contains(o.refusing, env.Name) {
			o.refusing = append(o.refusing, env.Name)
		}
		warned = append(warned, f)
	}
	return still, warned
}

// refuseUnchecked returns what is refused with the findings of kinds that nothing is known of, and
// the warnings without them.
func refuseUnchecked(refused, warned []render.Finding) (more, still []render.Finding) {
	for _, f := range warned {
		if f.Code == problem.KindUnchecked {
			refused = append(refused, f)
		} else {
			still = append(still, f)
		}
	}
	return refused, still
}

// kindsOnce keeps the first warning of each unknown kind.
func kindsOnce(list problem.List) problem.List {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(p *problem.Problem) bool {
		if p.Code != problem.KindUnchecked {
			return false
		}
		message, _, _ := strings.Cut(p.Message, " (for ")
		twice := seen[message]
		seen[message] = true
		return twice
	})
}

// knownMinor returns the minor to validate for: the one that is asked for, or the nearest that the
// tables have, with a warning. Without one it is the newest.
func knownMinor(minor string) (string, *problem.Problem) {
	minors := validate.Minors()
	newest := minors[len(minors)-1]
	if minor == "" || slices.Contains(minors, minor) {
		if minor == "" {
			minor = newest
		}
		return minor, nil
	}
	nearest := newest
	if validate.Older(minor, minors[0]) {
		nearest = minors[0]
	}
	return nearest, problem.New("", "Kubernetes %s is not known: manifests are validated for %s", minor, nearest).WithCode(problem.KindUnchecked)
}

// validateAll validates some of the manifests, several at a time, and collects their objects for
// the rules; objects may be nil. What v knows already is not validated again.
func (v *verdicts) validateAll(minor *validate.Validator, inv *inventory.Inventory, manifests []render.Manifest, which []int, objects ruleObjects) (refused, warned []render.Finding) {
	validators := validatorsOf(minor, inv, manifests, which, objects != nil)
	next := make(chan int, 64)
	var lock sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				m := &manifests[i]
				env := inv.Environment(m.Env)
				in := validators[env.Cluster]
				user := userOf(m)
				text := newUserText(m.Text.Data, in.context+"\x00"+env.Namespace+"\x00"+in.namespaces.Of(user), user)
				same := v.of(text.key)
				if same != nil && same.isTakenFor(text, user, func(text []byte) bool { return isTaken(in.Validator, text, env.Namespace) }) {
					objects.set(i, same, user)
					continue
				}
				r, w, documents := validateManifest(in.Validator, m, env.Namespace)
				lock.Lock()
				refused, warned = append(refused, r...), append(warned, w...)
				lock.Unlock()
				if same == nil {
					same = &knownText{user: user, taken: len(r)+len(w) == 0}
					if objects != nil {
						same.objects = readAll(documents)
					}
					v.remember(text.key, same)
				}
				objects.set(i, same, user)
			}
		})
	}
	for _, i := range which {
		next <- i
	}
	close(next)
	workers.Wait()
	return refused, warned
}

// clusterValidator validates the manifests of one cluster.
type clusterValidator struct {
	*validate.Validator
	namespaces *validate.Namespaces
	context    string // what all its verdicts depend on, and whether objects are read
}

// validatorsOf returns a validator for each cluster, with the namespaces that are rendered for it.
func validatorsOf(minor *validate.Validator, inv *inventory.Inventory, manifests []render.Manifest, which []int, readObjects bool) map[string]clusterValidator {
	namespaces := map[string]*validate.Namespaces{}
	for _, i := range which {
		m := &manifests[i]
		cluster := inv.Environment(m.Env).Cluster
		if namespaces[cluster] == nil {
			namespaces[cluster] = &validate.Namespaces{}
		}
		addNamespaces(namespaces[cluster], m.Path, m.Text.Data)
	}
	validators := map[string]clusterValidator{}
	for cluster, n := range namespaces {
		policies := sha256.Sum256([]byte(n.String()))
		validators[cluster] = clusterValidator{minor.In(n), n, fmt.Sprintf("%s %t %x", minor.Minor(), readObjects, policies)}
	}
	return validators
}

// addNamespaces adds the namespaces in a file whose labels say what pods may do. Others are not
// parsed.
func addNamespaces(to *validate.Namespaces, name string, data []byte) {
	if !bytes.Contains(data, []byte("pod-security.kubernetes.io")) {
		return
	}
	objects, _ := parseObjects(name, data) // errors are reported where the file is validated
	for _, object := range objects {
		to.Add(object)
	}
}

// isTaken reports whether all objects of a text are valid, without a warning.
func isTaken(v *validate.Validator, text []byte, namespace string) bool {
	objects, err := parseObjects("", text)
	return err == nil && !slices.ContainsFunc(objects, func(object manifest.Value) bool {
		verdict := v.Object(object, namespace)
		return len(verdict.Refused)+len(verdict.Warnings) > 0
	})
}

func validateManifest(v *validate.Validator, m *render.Manifest, namespace string) (refused, warned []render.Finding, objects []manifest.Value) {
	finding := func(p validate.Problem) render.Finding {
		return render.Finding{Manifest: m, Line: p.Place.Line, Code: p.Code, Message: p.Message, Hint: p.Hint}
	}
	file, err := manifest.Parse(m.Path, m.Text.Data)
	if err == nil {
		objects, err = file.Values()
	}
	for _, p := range problem.All(err) {
		refused = append(refused, finding(validate.Problem{Code: problem.BrokenYAML, Place: p.Place, Message: p.Message, Hint: p.Hint}))
	}
	objects = validate.Objects(objects)
	for _, object := range objects {
		verdict := v.Object(object, namespace)
		for _, p := range verdict.Refused {
			refused = append(refused, finding(p))
		}
		for _, p := range verdict.Warnings {
			warned = append(warned, finding(p))
		}
	}
	return refused, warned, objects
}

// definitions returns those of the source folder.
func (o *renderOptions) definitions() (*validate.Definitions, error) {
	source, err := inventory.OpenSource(o.source)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	definitions, err := loadDefinitions(source, definitionsFolder)
	return definitions, o.inSource(err)
}

// loadDefinitions reads the CustomResourceDefinitions in a folder; there may be none.
func loadDefinitions(fsys fs.FS, folder string) (*validate.Definitions, error) {
	definitions := &validate.Definitions{}
	entries, err := fs.ReadDir(fsys, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return definitions, nil
	}
	if errors.Is(err, inventory.ErrLink) {
		return nil, problem.At(problem.Place{File: folder}, "", "%v", inventory.ErrLink).WithCode(problem.WrongDefinition)
	}
	if err != nil {
		return nil, err
	}
	minors := validate.Minors()
	v, err := validate.New(minors[len(minors)-1], nil)
	if err != nil {
		return nil, err
	}
	var problems problem.List
	for _, entry := range entries {
		if !isManifest(entry.Name()) {
			continue
		}
		name := path.Join(folder, entry.Name())
		objects, err := readObjects(fsys, name)
		problems.Add(err)
		for _, object := range objects {
			for _, p := range definitions.Add(object, v) {
				problems.Add(problem.At(p.Place, p.Hint, "%s", p.Message).WithCode(problem.WrongDefinition))
			}
		}
	}
	return definitions, problems.Err()
}

// readObjects reads the objects of a file; those of a List each for itself.
func readObjects(fsys fs.FS, name string) ([]manifest.Value, error) {
	data, err := manifest.ReadFile(fsys, name)
	if err != nil {
		return nil, problem.At(problem.Place{File: name}, "", "%v", inventory.WithoutPath(err)).WithCode(problem.WrongDefinition)
	}
	return parseObjects(name, data)
}

func parseObjects(name string, data []byte) ([]manifest.Value, error) {
	file, err := manifest.Parse(name, data)
	if err != nil {
		return nil, problem.WithCode(err, problem.BrokenYAML)
	}
	documents, err := file.Values()
	return validate.Objects(documents), problem.WithCode(err, problem.BrokenYAML)
}

// isManifest reports whether a file's name is that of a manifest.
func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}
