package console

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
)

// Output is a step's output, as $GITHUB_OUTPUT has it.
type Output struct{ Name, Value string }

// Outputs hands outputs to the steps that follow, inside GitHub Actions; elsewhere
// it does nothing.
func (c *Console) Outputs(outputs []Output) error {
	c.handed = true
	var b strings.Builder
	for _, o := range outputs {
		if strings.ContainsAny(o.Value, "\r\n") {
			end := "end-" + rand.Text() // a line that no value has
			fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", o.Name, end, o.Value, end)
		} else {
			fmt.Fprintf(&b, "%s=%s\n", o.Name, o.Value)
		}
	}
	return appendTo(c.OutputFile, b.String())
}

// Summary adds Markdown to the page of the run, inside GitHub Actions; elsewhere
// it does nothing. Texts of others in it are made by Code, CodeCell or Plain.
func (c *Console) Summary(markdown string) error {
	return appendTo(c.SummaryFile, Clean(markdown, false))
}

// Code returns a text as a code span of Markdown, outside of tables: nothing in it is a link, an
// image, a mention or a tag.
func Code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// CodeCell returns a text as a code span in a cell of a table, where a | ends the cell unless it is
// escaped ("GitHub Flavored Markdown Spec", Tables).
func CodeCell(text string) string { return strings.ReplaceAll(Code(text), "|", `\|`) }

// Plain returns a text as Markdown that shows it as it is, on one line, and mentions nobody.
func Plain(text string) string {
	return plain.Replace(strings.Join(strings.Fields(text), " "))
}

var plain = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "[", `\[`, "]", `\]`, "<", "&lt;", "&", "&amp;", "|", `\|`, "#", `\#`, "!", `\!`, "@", "&#64;")

func appendTo(file, text string) error {
	if file == "" || text == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
