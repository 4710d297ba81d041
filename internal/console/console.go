// Package console shows results and problems on terminals and in GitHub Actions, and holds
// what the commands share of their flags.
//
// Results go to Out, everything else to Err; both write what others wrote as data. Colour is
// for terminals only; in GitHub Actions each problem is an annotation too.
package console

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"k8srepo/internal/problem"
)

// Console is what a command prints to.
type Console struct {
	Program string // "manifestgen"
	Out     *Writer
	Err     *Writer
	Colour  bool
	Actions bool  // inside GitHub Actions
	Codes   bool  // problems show their codes: the program can explain them
	Source  fs.FS // where the files are that problems name; nil shows no source lines

	OutputFile, SummaryFile string // of GitHub Actions; "" elsewhere

	// OnFailure hands over to the steps that follow what a command failed with before it did so
	// itself, as for an unknown flag; nil does nothing.
	OnFailure func(command string, err error) error

	answered bool // JSON was printed
	handed   bool // Outputs was called
	terminal bool // Err writes to a terminal
}

// New returns the console of a process: coloured on a terminal unless NO_COLOR is set.
func New(program string, stdout, stderr io.Writer, getenv func(string) string) *Console {
	actions := getenv("GITHUB_ACTIONS") == "true"
	return &Console{
		Program: program,
		Out:     NewWriter(stdout, actions),
		Err:     NewWriter(stderr, actions),
		Colour:  getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && isTerminal(stdout) && isTerminal(stderr),
		Actions: actions,

		terminal: isTerminal(stderr),

		OutputFile:  getenv("GITHUB_OUTPUT"),
		SummaryFile: getenv("GITHUB_STEP_SUMMARY"),
	}
}

// isTerminal reports whether a stream of the process, which is an *os.File, is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Printf prints a result.
func (c *Console) Printf(format string, args ...any) { fmt.Fprintf(c.Out, format, args...) }

// Notice prints what is worth knowing and is no result.
func (c *Console) Notice(text string) { fmt.Fprintf(c.Err, "%s: %s\n", c.Program, text) }

// JSON prints a result as an indented JSON object.
func (c *Console) JSON(v any) error {
	c.answered = true
	e := json.NewEncoder(c.Out.in(jsonSyntax))
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// HTML prints a page.
func (c *Console) HTML(page []byte) error {
	_, err := c.Out.in(htmlSyntax).Write(page)
	return err
}

// Problems shows every problem in an error: the place and the message, the line as it was
// written, what led to it, and what to do. It shows nothing for nil.
func (c *Console) Problems(err error) {
	for _, p := range problem.All(err) {
		c.problem("error", red, p)
	}
}

// Warnings shows warnings in the same way.
func (c *Console) Warnings(list problem.List) {
	for _, p := range list {
		c.problem("warning", yellow, p)
	}
}

func (c *Console) problem(level, colour string, p *problem.Problem) {
	label, title := c.Program+": "+level, c.Program
	if c.Codes && p.Code != "" {
		label, title = label+" "+string(p.Code), title+" "+string(p.Code)
	}
	c.labelled(colour, label+":", p.Error())
	c.source(p)
	for _, n := range p.Notes {
		c.labelled(cyan, c.Program+": note:", n.String())
	}
	if p.Hint != "" {
		c.labelled(cyan, c.Program+": hint:", p.Hint)
	}
	if c.Actions {
		c.Err.command(annotation(level, title, p) + "\n")
	}
}

// labelled prints a line of a problem.
func (c *Console) labelled(colour, label, text string) {
	c.paint(c.Err, colour, label)
	fmt.Fprintf(c.Err, " %s\n", text)
}

// source shows the line that a problem is in, with a mark below its column.
func (c *Console) source(p *problem.Problem) {
	line := p.Source
	if line == "" && c.Source != nil {
		line = SourceLine(c.Source, p.Place)
	}
	if strings.TrimSpace(line) == "" || p.Hidden || problem.HasCredential(line) {
		return
	}
	const widest = 160
	runes := []rune(line)
	if len(runes) > widest {
		if p.Place.Col > widest {
			return
		}
		runes = append(runes[:widest:widest], '…')
	}
	number := fmt.Sprintf("%6d", p.Place.Line)
	fmt.Fprintf(c.Err, "%s | %s\n", number, strings.TrimRight(visibleLine(runes), " "))
	if col := p.Place.Col; col > 0 && col <= len(runes)+1 {
		before := 0
		for _, r := range visibleLine(runes[:col-1]) {
			before += width(r)
		}
		fmt.Fprintf(c.Err, "%s | %s", strings.Repeat(" ", len(number)), strings.Repeat(" ", before))
		c.paint(c.Err, red, "^")
		fmt.Fprintln(c.Err)
	}
}

// visibleLine returns a line as it is shown: with a blank for a tab, so that a mark below the
// line is in its column, and with the numbers of characters that cannot be seen.
func visibleLine(line []rune) string {
	var b strings.Builder
	for _, r := range line {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case isHidden(r):
			b.WriteString(number(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// width returns how many columns of a terminal a character takes: about as Unicode
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

// SourceLine returns the line of a file that a place is in, without its end; "" where there is none.
func SourceLine(fsys fs.FS, place problem.Place) string {
	if place.Line < 1 {
		return ""
	}
	data, err := fs.ReadFile(fsys, place.File)
	if err != nil {
		return ""
	}
	lines := strings.SplitN(string(data), "\n", place.Line+1)
	if place.Line > len(lines) {
		return ""
	}
	return strings.TrimSuffix(lines[place.Line-1], "\r")
}

// annotation returns a problem as a workflow command of GitHub Actions ("Workflow
// commands for GitHub Actions", Setting an error message).
func annotation(level, title string, p *problem.Problem) string {
	at := "title=" + property(title)
	if p.Place.File != "" {
		at += ",file=" + property(p.Place.File)
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
	return "::" + level + " " + at + "::" + strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(Clean(message, true))
}

// property returns the value of a workflow command's property.
func property(value string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(Clean(value, true))
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

// paint prints a text in a colour, on a terminal.
func (c *Console) paint(w *Writer, colour, text string) {
	if c.Colour {
		w.command("\x1b[" + colour + "m")
	}
	fmt.Fprint(w, text)
	if c.Colour {
		w.command("\x1b[0m")
	}
}

// Diff prints a unified diff, coloured on a terminal.
func (c *Console) Diff(diff []byte) {
	for line := range strings.Lines(string(diff)) {
		colour := ""
		switch {
		case !c.Colour:
		case strings.HasPrefix(line, "+"):
			colour = green
		case strings.HasPrefix(line, "-"):
			colour = red
		case strings.HasPrefix(line, "@@"):
			colour = cyan
		}
		if colour == "" {
			fmt.Fprint(c.Out, line)
			continue
		}
		text := strings.TrimRight(line, "\r\n")
		c.paint(c.Out, colour, text)
		fmt.Fprint(c.Out, line[len(text):])
	}
}
