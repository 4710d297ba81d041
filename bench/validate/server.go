package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/validate/mistakes"
)

// askers is how many objects the API server is asked about at once.
const askers = 4

// serverOptions are what the comparison with an API server is asked to do.
type serverOptions struct {
	address, token, ca string
	crds               string
	cases              string
	record             string
	mutate, quiet      bool
	sample             int
	paths              []string
}

// compareServer asks an API server and manifestgen lint about the same objects, and prints each one
// that they disagree on.
func compareServer(args []string) error {
	var o serverOptions
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	flags.StringVar(&o.address, "server", "https://127.0.0.1:6443", "the API server's `URL`")
	flags.StringVar(&o.token, "token", "", "a bearer `token` that may do everything")
	flags.StringVar(&o.ca, "ca", "", "a `file` with the server's certificate authority; without it the certificate is not verified")
	flags.StringVar(&o.crds, "crds", "internal/validate/crds", "CustomResourceDefinitions to install first: `folders` or files, comma-separated")
	flags.StringVar(&o.cases, "cases", "", "a `folder` of cases: the objects that each mistake changes are asked about")
	flags.StringVar(&o.record, "record", "", "write the verdicts to this `file`: those in internal/validate/testdata/verdicts are made of testdata/objects beside them, with --mutate --sample 30")
	flags.BoolVar(&o.mutate, "mutate", false, "ask about every mistake that is made in the objects, one at a time")
	flags.BoolVar(&o.quiet, "quiet", false, "print counts alone")
	flags.IntVar(&o.sample, "sample", 1, "of the mistakes, every `n`th")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.paths = flags.Args()
	switch {
	case len(o.paths) == 0 && o.cases == "":
		return errors.New("pass files, folders, or --cases")
	case o.sample < 1:
		return errors.New("--sample must be at least 1")
	}
	dir, err := os.MkdirTemp("", "bench-validate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	manifestgen, err := buildManifestgen(dir)
	if err != nil {
		return err
	}
	server, err := newAPIServer(o.address, o.token, o.ca)
	if err != nil {
		return err
	}
	minor, full, err := server.minor()
	if err != nil {
		return err
	}
	fmt.Printf("API server %s\n", full)
	if err := server.installDefinitions(o.crds); err != nil {
		return err
	}
	documents, err := o.documents(dir, manifestgen)
	if err != nil {
		return err
	}
	ours, err := lintAll(dir, manifestgen, minor, documents)
	if err != nil {
		return err
	}
	theirs, err := askAll(server, documents)
	if err != nil {
		return err
	}
	if err := writeRecord(o.record, full, documents, theirs); err != nil {
		return err
	}
	compareAnswers(documents, ours, theirs, o.quiet)
	return nil
}

// documents returns the objects to ask about.
func (o *serverOptions) documents(dir, manifestgen string) ([]mistakes.Document, error) {
	var all []mistakes.Document
	for _, path := range o.paths {
		documents, err := mistakes.Read(path)
		if err != nil {
			return nil, err
		}
		all = append(all, documents...)
	}
	if o.cases != "" {
		documents, err := caseDocuments(dir, o.cases, manifestgen)
		if err != nil {
			return nil, err
		}
		all = append(all, documents...)
	}
	if !o.mutate {
		return all, nil
	}
	var mutated []mistakes.Document
	for _, original := range all {
		list, err := mistakes.Make(original, func(name string) bool { return hash(name)%uint32(o.sample) == 0 })
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			mutated = append(mutated, mistakes.Document{Name: m.Name, Text: mistakes.Text(m.Object)})
		}
	}
	return mutated, nil
}

// caseDocuments returns the objects that the mistakes of a folder of cases change.
func caseDocuments(dir, folder, manifestgen string) ([]mistakes.Document, error) {
	cases, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	edits, err := findCases(cases)
	if err != nil {
		return nil, err
	}
	clean, err := rendered(manifestgen, starter(cases), filepath.Join(dir, "clean"))
	if err != nil {
		return nil, fmt.Errorf("the starter: %w", err)
	}
	known := map[string]bool{}
	for _, d := range clean {
		known[string(d.Text)] = true
	}
	all := clean
	work := filepath.Join(dir, "work")
	for _, edit := range edits {
		name := filepath.Base(filepath.Dir(edit))
		if err := makeCase(work, cases, edit); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		documents, err := rendered(manifestgen, work, filepath.Join(work, "out"))
		if err != nil {
			fmt.Printf("%s: does not render: no object to ask about\n", name)
			continue
		}
		for _, d := range documents {
			if !known[string(d.Text)] {
				all = append(all, mistakes.Document{Name: name + " " + d.Name, Text: d.Text})
			}
		}
	}
	return all, nil
}

// rendered renders a source folder without validation and reads what came of it.
func rendered(manifestgen, source, out string) ([]mistakes.Document, error) {
	if err := render(manifestgen, source, out); err != nil {
		return nil, err
	}
	documents, err := mistakes.Read(out)
	for i := range documents {
		documents[i].Name = strings.TrimPrefix(documents[i].Name, out+"/")
	}
	return documents, err
}

// batch is how many objects manifestgen lint is asked about at once.
const batch = 2000

// lintAll asks manifestgen lint about all objects, each in a file of its own.
func lintAll(dir, manifestgen, minor string, documents []mistakes.Document) ([]answer, error) {
	folder := filepath.Join(dir, "objects")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	answers := make([]answer, len(documents))
	byFile := make(map[string]*answer, len(documents))
	files := make([]string, len(documents))
	for i, d := range documents {
		files[i] = filepath.Join(folder, fmt.Sprintf("%06d.yaml", i))
		if err := os.WriteFile(files[i], d.Text, 0o644); err != nil {
			return nil, err
		}
		answers[i].taken = true
		byFile[files[i]] = &answers[i]
	}
	for some := range slices.Chunk(files, batch) {
		if err := lintFiles(manifestgen, minor, some, byFile); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// lintFiles fills in the answers for some files. Each is an argument of its own: the rules across
// objects see one at a time, and what they find is no API server's.
func lintFiles(manifestgen, minor string, files []string, answers map[string]*answer) error {
	lint := exec.Command(manifestgen, append([]string{"lint", "--strict", "--kubernetes", minor, "-o", "json"}, files...)...)
	var stderr bytes.Buffer
	lint.Stderr = &stderr
	out, err := lint.Output() // exit status 1 and 2 are answers too
	var result struct {
		Problems, Warnings []struct{ Code, File, Message string }
	}
	if jsonErr := json.Unmarshal(out, &result); jsonErr != nil {
		return fmt.Errorf("manifestgen lint: %w: %s", errors.Join(err, jsonErr), stderr.Bytes()[:min(stderr.Len(), 2000)])
	}
	for _, p := range result.Problems {
		if a := answers[p.File]; a != nil && !strings.HasPrefix(p.Code, "MG6") {
			a.taken = false
			a.message += p.Code + " " + p.Message + "\n"
		}
	}
	for _, w := range result.Warnings {
		if a := answers[w.File]; a != nil && !strings.HasPrefix(w.Code, "MG6") {
			a.warnings = append(a.warnings, w.Code+" "+w.Message)
		}
	}
	return nil
}

// askAll asks the API server about each object.
func askAll(server *apiServer, documents []mistakes.Document) ([]answer, error) {
	answers := make([]answer, len(documents))
	failed := make([]error, askers)
	next := make(chan int)
	var workers sync.WaitGroup
	for w := range askers {
		workers.Go(func() {
			for i := range next {
				if failed[w] != nil {
					continue
				}
				answers[i], failed[w] = server.ask(documents[i].Text)
			}
		})
	}
	for i := range documents {
		next <- i
	}
	close(next)
	workers.Wait()
	return answers, errors.Join(failed...)
}

// clusterOnly are answers that only the cluster at hand gives.
var clusterOnly = regexp.MustCompile(`namespaces? "[^"]*" not found|violates PodSecurity|no PriorityClass with name|pod rejected: RuntimeClass|already allocated|not in the valid range|` +
	`is not a valid IP|provided IP is not|storage class .* not found|forbidden: exceeded quota|because it is being terminated`)

// What the two say of an object.
const (
	bothTake     = "taken by both"
	bothRefuse   = "refused by both"
	serverAlone  = "refused by the server alone"
	oursAlone    = "refused by manifestgen alone"
	clusterKnows = "left out: only the cluster knows"
	unknownKind  = "left out: a kind that is not known"
)

// compareAnswers prints the objects that the two disagree on, and counts.
func compareAnswers(documents []mistakes.Document, ours, theirs []answer, quiet bool) {
	counts := map[string]int{}
	for i, d := range documents {
		we, they := ours[i], theirs[i]
		unknown := strings.HasPrefix(we.message, "MG509")
		verdict := oursAlone
		switch {
		case clusterOnly.MatchString(they.message):
			verdict = clusterKnows
		case unknown:
			verdict = unknownKind
		case we.taken && they.taken:
			verdict = bothTake
		case !we.taken && !they.taken:
			verdict = bothRefuse
		case we.taken:
			verdict = serverAlone
		}
		counts[verdict]++
		if (verdict == serverAlone || verdict == oursAlone) && !quiet {
			fmt.Printf("%s\n  %s\n  server: %s\n  manifestgen: %s\n", strings.ToUpper(verdict), d.Name, oneLine(they.message), oneLine(we.message))
		}
	}
	fmt.Printf("%d objects\n", len(documents))
	for _, verdict := range []string{bothTake, bothRefuse, serverAlone, oursAlone, clusterKnows, unknownKind} {
		fmt.Printf("%7d  %s\n", counts[verdict], verdict)
	}
	compareWarnings(documents, ours, theirs, quiet)
}

// compareWarnings counts the warnings of objects that both take.
func compareWarnings(documents []mistakes.Document, ours, theirs []answer, quiet bool) {
	both, server, manifestgen := 0, 0, 0
	for i, d := range documents {
		we, they := ours[i], theirs[i]
		if !we.taken || !they.taken {
			continue
		}
		switch told := len(we.warnings) > 0; {
		case told && len(they.warnings) > 0:
			both++
		case len(they.warnings) > 0:
			server++
			if !quiet {
				fmt.Printf("WARNED OF BY THE SERVER ALONE\n  %s\n  server: %s\n", d.Name, oneLine(strings.Join(they.warnings, "; ")))
			}
		case told:
			manifestgen++
			if !quiet {
				fmt.Printf("WARNED OF BY MANIFESTGEN ALONE\n  %s\n  manifestgen: %s\n", d.Name, oneLine(strings.Join(we.warnings, "; ")))
			}
		}
	}
	fmt.Printf("warned of: %d by both, %d by the server alone, %d by manifestgen alone\n", both, server, manifestgen)
}

func oneLine(text string) string {
	return string(bytes.Join(bytes.Fields([]byte(text)), []byte(" ")))
}
