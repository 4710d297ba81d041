package main

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
)

func appForTest() *cli.App {
	return newApp(console.New("tagbump", io.Discard, io.Discard, func(string) string { return "" }), func(string) string { return "" })
}

// TestFlags: a flag is one thing in all commands, its value has a name, and it fills an
// option.
func TestFlags(t *testing.T) {
	// promote is --to an environment, rollback to a tag; status counts in several clones.
	differ := []string{"to", "app-repo"}
	kinds := map[string]reflect.Type{}
	for _, command := range appForTest().Commands {
		seen := map[string]bool{}
		for _, flag := range command.Flags {
			name := flag.Names()[0]
			if seen[name] {
				t.Errorf("%s has --%s twice", command.Name, name)
			}
			seen[name] = true
			if kind, known := kinds[name]; known && kind != reflect.TypeOf(flag) && !slices.Contains(differ, name) {
				t.Errorf("%s --%s is a %T, elsewhere a %v", command.Name, name, flag, kind)
			}
			kinds[name] = reflect.TypeOf(flag)
			doc, ok := flag.(cli.DocGenerationFlag)
			if !ok || doc.GetUsage() == "" {
				t.Errorf("%s --%s does not say what it is for", command.Name, name)
			} else if doc.TakesValue() != (strings.Count(doc.GetUsage(), "`") == 2) {
				t.Errorf("%s --%s: %s: the name of its value is not in it", command.Name, name, doc.GetUsage())
			}
			fills := false
			switch f := flag.(type) {
			case *cli.StringFlag:
				fills = f.Destination != nil
			case *cli.BoolFlag:
				fills = f.Destination != nil
			case *cli.IntFlag:
				fills = f.Destination != nil
			case *cli.DurationFlag:
				fills = f.Destination != nil
			case *cli.StringSliceFlag:
				fills = f.Action != nil
			}
			if !fills && command.Name != "completion" {
				t.Errorf("%s --%s fills no option", command.Name, name)
			}
		}
	}
	if len(kinds) < 40 {
		t.Errorf("%d flags were looked at", len(kinds))
	}
}

// TestFlagsInDocs: the flags that the docs and the action show are flags of the command
// that they are shown with.
func TestFlagsInDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../../README.md", "../../.github/workflows/bump.yml", "../../.github/workflows/promote.yml")
	use := regexp.MustCompile(`\btagbump ([a-z]+)((?:[^\n` + "`" + `|#]|\\\n)*)`)
	flag := regexp.MustCompile(`(?:^|\s)--([a-z][a-z-]*)`)
	looked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range use.FindAllStringSubmatch(string(text), -1) {
			command := appForTest().Command(m[1])
			if command == nil {
				continue // prose
			}
			for _, f := range flag.FindAllStringSubmatch(m[2], -1) {
				looked++
				if !slices.ContainsFunc(command.Flags, func(known cli.Flag) bool { return slices.Contains(known.Names(), f[1]) }) {
					t.Errorf("%s: tagbump %s has no --%s", page, m[1], f[1])
				}
			}
		}
	}
	if looked < 50 {
		t.Errorf("%d flags were looked at", looked)
	}
}
