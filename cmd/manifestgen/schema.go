package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
	"k8srepo/internal/scaffold"
	"k8srepo/internal/validate"
)

func schemaCommand(con *console.Console) *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "print the JSON Schema of a file of the inventory, for editors",
		ArgsUsage: strings.Join(inventory.SchemaKinds, "|"),
		Description: `A draft-07 schema of users.yaml, of the files in environments/, or of
templates/variables.yaml. The inventory's own names are the words that an editor
offers. The files' first lines name the schema that editors look for:

   mkdir -p .schemas
   manifestgen schema users >.schemas/users.json
   manifestgen schema environment >.schemas/environment.json
   manifestgen schema variables >.schemas/variables.json`,
		Flags: []cli.Flag{sourceFlag},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return problem.New("valid values: "+strings.Join(inventory.SchemaKinds, ", "), "schema takes the name of one schema")
			}
			o := renderOptions{source: c.String("source")}
			if err := o.validate(); err != nil {
				return err
			}
			names, err := o.names()
			if err != nil {
				return err
			}
			schema, err := inventory.Schema(c.Args().First(), names)
			if err == nil {
				con.Printf("%s", schema)
			}
			return err
		},
	}
}

// names returns the names of the inventory, as far as it can be read.
func (o *renderOptions) names() (inventory.KnownNames, error) {
	source, err := o.openSource()
	if err != nil {
		return inventory.KnownNames{}, err
	}
	defer source.Close()
	return inventory.LoadNames(source), nil
}

// completions returns the words that a place of the command line may have.
func completions(p console.Place) []string {
	o := renderOptions{source: sourceOf(p.Words)}
	o.findSource()
	names, err := o.names()
	if err != nil {
		names = inventory.KnownNames{} // what does not depend on them is completed
	}
	switch p.Flag {
	case "env", "from":
		return names.Environments
	case "service", "like":
		return names.Services
	case "services":
		return commas(names.Services)
	case "user":
		return names.Users
	case "team":
		return names.Teams
	case "routing":
		return scaffold.Routings
	case "kubernetes":
		return validate.Minors()
	case "output":
		return outputs(p.Command)
	case "":
	default:
		return nil
	}
	switch p.Command {
	case "user set", "user remove":
		return names.Users
	case "explain":
		return names.Variables
	case "schema":
		return inventory.SchemaKinds
	case "completion":
		return console.Shells
	}
	return nil
}

// outputs returns the formats that a command's --output takes.
func outputs(command string) []string {
	switch command {
	case "render", "check":
		return []string{"text", "json", "markdown"}
	case "lint":
		return []string{"text", "json", "github"}
	}
	return []string{"text", "json"}
}

// commas returns names that end in commas: see console.CompleteCommand.
func commas(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = name + ","
	}
	return list
}

// sourceOf returns the folder that --source names in a command line, "" where it does not.
func sourceOf(words []string) string {
	for i, word := range words {
		if value, ok := strings.CutPrefix(word, "--source="); ok {
			return value
		}
		if word == "--source" && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}
