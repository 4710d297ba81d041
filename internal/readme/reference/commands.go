package reference

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// Commands returns the page of an application: each of its commands that is not hidden, with its
// flags.
func Commands(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s prints a command's part of this page.\n", app.Name, Code(app.Name+" COMMAND --help"))
	commands(&b, app.Name, app.Commands)
	return b.String()
}

func commands(b *strings.Builder, parent string, list []*cli.Command) {
	for _, c := range list {
		if c.Hidden {
			continue
		}
		name := parent + " " + c.Name
		if len(c.Subcommands) > 0 {
			commands(b, name, c.Subcommands)
			continue
		}
		usage := name
		if c.ArgsUsage != "" {
			usage += " " + c.ArgsUsage
		}
		fmt.Fprintf(b, "\n## %s\n\n%s\n", usage, sentence(c.Usage))
		if c.Description != "" {
			fmt.Fprintf(b, "\n```text\n%s\n```\n", strings.TrimRight(c.Description, "\n"))
		}
		flags(b, c.Flags)
	}
}

// sentence returns what a command does, as a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func flags(b *strings.Builder, list []cli.Flag) {
	if len(list) == 0 {
		return
	}
	b.WriteString("\n")
	table := NewTable(b, "flag", "default", "meaning")
	for _, f := range list {
		doc, ok := f.(cli.DocGenerationFlag)
		if !ok || hidden(f) {
			continue
		}
		value, meaning := placeholder(doc.GetUsage())
		var names []string
		for _, name := range f.Names() {
			dashes := "--"
			if len(name) == 1 {
				dashes = "-"
			}
			names = append(names, dashes+name)
		}
		name := strings.Join(names, ", ")
		if doc.TakesValue() {
			if value == "" {
				value = "value"
			}
			name += " " + value
		}
		fallback := ""
		if doc.TakesValue() {
			fallback = strings.Trim(doc.GetDefaultText(), `"`)
			if fallback == "0" {
				fallback = ""
			}
		}
		table.Row(Code(name), Code(fallback), meaning)
	}
}

func hidden(f cli.Flag) bool {
	v, ok := f.(cli.VisibleFlag)
	return ok && !v.IsVisible()
}

// placeholder returns the word in a flag's usage that stands for its value, and the usage
// without the quotes around it.
func placeholder(usage string) (value, meaning string) {
	before, rest, found := strings.Cut(usage, "`")
	value, after, closed := strings.Cut(rest, "`")
	if !found || !closed {
		return "", usage
	}
	return value, before + value + after
}
