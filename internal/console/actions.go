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
// it does nothing.
func (c *Console) Summary(markdown string) error { return appendTo(c.SummaryFile, markdown) }

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
