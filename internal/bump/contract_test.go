package bump

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"k8srepo/internal/problem"
)

// The contract is sections 4.1 to 4.4 of the design. contract lists their sentences, in short
// words, each with cases that it decides. Whatever is edited is edited again: a second run
// finds as much and changes nothing.

// sentence is one sentence of the contract.
type sentence struct {
	section, words string
	cases          []contractCase
}

// contractCase is one file, and what an edit of ecr.repo/api to v2 makes of it.
type contractCase struct {
	name   string
	flags  string // as parseFlags reads them
	in     string
	want   string   // "same" is in itself
	fails  string   // a regular expression for the refusal
	leaves []string // the mentions: "LINE TEXT"
}

const same = "same"

// digests that are there, and to be there.
const (
	d0 = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	d1 = "sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
)

func TestContract(t *testing.T) {
	for _, s := range append(contractOfPlaces, contractOfEdits...) {
		for _, c := range s.cases {
			t.Run(s.section+"/"+s.words+"/"+c.name, func(t *testing.T) { c.check(t) })
		}
	}
}

// parseFlags reads flags of the command line, and the name of the file.
func parseFlags(t *testing.T, text string) (r *Request, file string) {
	t.Helper()
	s := Selection{Env: "dev", Images: []string{"ecr.repo/api"}, Tag: "v2"}
	file = "a.yaml"
	words := strings.Fields(text)
	for i := 0; i+1 < len(words); i += 2 {
		switch value := words[i+1]; words[i] {
		case "--image":
			s.Images = []string{value}
		case "--tag":
			s.Tag = strings.Trim(value, "'")
		case "--digest":
			s.Digest = value
		case "--rename":
			s.Renames = append(s.Renames, value)
		case "--field":
			s.Fields = append(s.Fields, value)
		case "--only":
			s.Only = append(s.Only, value)
		case "--skip":
			s.Skip = append(s.Skip, value)
		case "--user":
			s.User = value
		case "--container":
			s.Container = value
		case "--expect":
			s.Expect, _ = strconv.Atoi(value)
		case "--path":
			s.Path = value
		case "file":
			file = value
		default:
			t.Fatalf("unknown flag %s", words[i])
		}
	}
	r, err := s.Request()
	if err != nil {
		t.Fatal(err)
	}
	return r, file
}

func (c contractCase) check(t *testing.T) {
	t.Helper()
	r, file := parseFlags(t, c.flags)
	name := path.Join(r.Dir(), file)
	edit := func(data string) (*Result, error) {
		files := []File{{name, []byte(data)}}
		result, err := Edit(r, files)
		if errors.Is(err, ErrNoMatch) {
			return result, r.NoMatch(result, files, func(*Query) []File { return files })
		}
		return result, err
	}
	result, err := edit(c.in)
	if c.fails != "" {
		text := ""
		for _, p := range problem.All(err) {
			text += p.Error() + "\n" + p.Hint + "\n"
			if !p.Refused {
				t.Errorf("no refusal: %v", p)
			}
		}
		if !regexp.MustCompile(c.fails).MatchString(text) {
			t.Fatalf("got %v, want a refusal like %s", text, c.fails)
		}
		return
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, want := c.in, c.want
	if result.Changed() {
		got = string(result.Files[0].New)
	}
	if want == same {
		want = c.in
	}
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	var leaves []string
	for _, m := range result.Mentions {
		leaves = append(leaves, fmt.Sprintf("%d %s", m.Place.Line, m.Text))
	}
	if strings.Join(leaves, "\n") != strings.Join(c.leaves, "\n") {
		t.Errorf("left behind %q, want %q", leaves, c.leaves)
	}
	again, err := edit(got)
	if err != nil || again.Changed() || len(again.Images) != len(result.Images) {
		t.Errorf("a second run: %v, %+v", err, again)
	}
}

// TestContractNames keeps each sentence and case of the table apart by its name.
func TestContractNames(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range append(contractOfPlaces, contractOfEdits...) {
		for _, c := range s.cases {
			name := s.section + s.words + c.name
			if seen[name] || len(s.cases) == 0 {
				t.Errorf("%s is there twice, or has no case", name)
			}
			seen[name] = true
		}
	}
}
