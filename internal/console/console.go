// Package console is terminals and GitHub Actions: how results and problems are
// shown to the people who wait for them.
//
// Results go to Out, everything else to Err. Colour is for terminals only; in
// GitHub Actions each problem is an annotation too.
package console

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"k8srepo/internal/problem"
)

// Console is where a command speaks.
type Console struct {
	Program string // "manifestgen"
	Out     io.Writer
	Err     io.Writer
	Colour  bool
	Actions bool  // inside GitHub Actions
	Codes   bool  // problems show their codes: the program can explain them
	Source  fs.FS // where the files are that problems name; nil shows no source lines

	OutputFile, SummaryFile string // of GitHub Actions; "" elsewhere
}

// New is the console of a process: coloured on a terminal unless NO_COLOR is set.
func New(program string, stdout, stderr io.Writer, getenv func(string) string) *Console {
	return &Console{
		Program: program,
		Out:     stdout,
		Err:     stderr,
		Colour:  getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && isTerminal(stdout) && isTerminal(stderr),
		Actions: getenv("GITHUB_ACTIONS") == "true",

		OutputFile:  getenv("GITHUB_OUTPUT"),
		SummaryFile: getenv("GITHUB_STEP_SUMMARY"),
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Printf prints a result.
func (c *Console) Printf(format string, args ...any) { fmt.Fprintf(c.Out, format, args...) }

// Notice says something on the side.
func (c *Console) Notice(text string) {
	fmt.Fprintf(c.Err, "%s: %s\n", c.Program, strings.Map(visibleLines, text))
}

// JSON prints a result as an indented JSON object.
func (c *Console) JSON(v any) error {
	e := json.NewEncoder(c.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Problems shows everything that is wrong: the place and the message, the line as
// it was written, what led to it, and what to do.
func (c *Console) Problems(err error) {
	for _, p := range problem.All(err) {
		label, title := c.Program+": error", c.Program
		if c.Codes && p.Code != "" {
			label, title = label+" "+string(p.Code), title+" "+string(p.Code)
		}
		fmt.Fprintf(c.Err, "%s %s\n", c.paint(red, label+":"), strings.Map(visibleLines, p.Error()))
		c.source(p)
		for _, n := range p.Notes {
			fmt.Fprintf(c.Err, "%s %s\n", c.paint(cyan, c.Program+": note:"), strings.Map(visibleLines, n.String()))
		}
		if p.Hint != "" {
			fmt.Fprintf(c.Err, "%s %s\n", c.paint(cyan, c.Program+": hint:"), strings.Map(visibleLines, p.Hint))
		}
		if c.Actions {
			fmt.Fprintln(c.Err, annotation(title, p))
		}
	}
}

// source shows the line that a problem is in, with a mark below its column.
func (c *Console) source(p *problem.Problem) {
	line := p.Source
	if line == "" && c.Source != nil && p.Place.Line > 0 {
		line = readLine(c.Source, p.Place.File, p.Place.Line)
	}
	if strings.TrimSpace(line) == "" || p.Hidden || problem.HasCredential(line) {
		return
	}
	const widest = 160
	runes := []rune(strings.Map(visible, line))
	if len(runes) > widest {
		if p.Place.Col > widest {
			return
		}
		runes = append(runes[:widest:widest], '…')
	}
	number := fmt.Sprintf("%6d", p.Place.Line)
	fmt.Fprintf(c.Err, "%s | %s\n", number, strings.TrimRight(string(runes), " "))
	if col := p.Place.Col; col > 0 && col <= len(runes)+1 {
		before := 0
		for _, r := range runes[:col-1] {
			before += width(r)
		}
		fmt.Fprintf(c.Err, "%s | %s%s\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", before), c.paint(red, "^"))
	}
}

// visible is a character as it is shown: a blank for a tab, and nothing that
// would tell the terminal what to do.
func visible(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case unicode.IsControl(r):
		return unicode.ReplacementChar
	}
	return r
}

// visibleLines is visible for a text of more than one line.
func visibleLines(r rune) rune {
	if r == '\n' {
		return r
	}
	return visible(r)
}

// width is how many columns of a terminal a character takes: about as Unicode
// Standard Annex #11 has it.
func width(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), r >= 0x3000 && r <= 0x303e,
		r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}

func readLine(fsys fs.FS, file string, n int) string {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return ""
	}
	lines := strings.SplitN(string(data), "\n", n+1)
	if n > len(lines) {
		return ""
	}
	return strings.TrimSuffix(lines[n-1], "\r")
}

// annotation is a problem as a workflow command of GitHub Actions ("Workflow
// commands for GitHub Actions", Setting an error message).
func annotation(title string, p *problem.Problem) string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	at := "title=" + property.Replace(title)
	if p.Place.File != "" {
		at += ",file=" + property.Replace(p.Place.File)
	}
	if p.Place.Line > 0 {
		at += fmt.Sprintf(",line=%d", p.Place.Line)
	}
	if p.Place.Col > 0 {
		at += fmt.Sprintf(",col=%d", p.Place.Col)
	}
	message := p.Message
	for _, n := range p.Notes {
		message += "\n" + n.String()
	}
	if p.Hint != "" {
		message += "\n" + p.Hint
	}
	return "::error " + at + "::" + data.Replace(message)
}

const (
	red   = "31"
	green = "32"
	cyan  = "36"
)

func (c *Console) paint(colour, text string) string {
	if !c.Colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// Diff prints a unified diff, coloured on a terminal.
func (c *Console) Diff(diff []byte) {
	if !c.Colour {
		_, _ = c.Out.Write(diff)
		return
	}
	for line := range strings.Lines(string(diff)) {
		text := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "+"):
			text = c.paint(green, text)
		case strings.HasPrefix(line, "-"):
			text = c.paint(red, text)
		case strings.HasPrefix(line, "@@"):
			text = c.paint(cyan, text)
		}
		fmt.Fprintln(c.Out, text)
	}
}
