package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/problem"
)

// shown is what a console says of an error, on its standard error.
func shown(err error, change func(*Console)) string {
	var out, stderr bytes.Buffer
	con := New("prog", &out, &stderr, func(string) string { return "" })
	if change != nil {
		change(con)
	}
	con.Problems(err)
	return stderr.String()
}

func TestProblemShowsTheLine(t *testing.T) {
	place := func(line, col int) problem.Place { return problem.Place{File: "a.yaml", Line: line, Col: col} }
	for name, c := range map[string]struct {
		problem problem.Problem
		want    string
	}{
		"a caret below the column": {problem.Problem{Place: place(3, 3), Source: "a b c"}, "     3 | a b c\n       |   ^\n"},
		"no column, no caret":      {problem.Problem{Place: place(3, 0), Source: "a b c"}, "     3 | a b c\n"},
		"behind a tab":             {problem.Problem{Place: place(3, 2), Source: "\tb"}, "     3 |  b\n       |  ^\n"},
		"behind wide characters":   {problem.Problem{Place: place(3, 4), Source: "日本 x"}, "     3 | 日本 x\n       |      ^\n"},
		"behind a combining mark":  {problem.Problem{Place: place(3, 4), Source: "e\u0301 x"}, "     3 | e\u0301 x\n       |   ^\n"},
		"behind the line's end":    {problem.Problem{Place: place(3, 4), Source: "a: "}, "     3 | a:\n       |    ^\n"},
		"an empty line":            {problem.Problem{Place: place(3, 1), Source: "  "}, ""},
		"a line that is too long":  {problem.Problem{Place: place(3, 2), Source: strings.Repeat("x", 500)}, "     3 | " + strings.Repeat("x", 160) + "…\n       |  ^\n"},
		"too far to the right":     {problem.Problem{Place: place(3, 400), Source: strings.Repeat("x", 500)}, ""},
		"control characters":       {problem.Problem{Place: place(3, 7), Source: "a \x1b[31m b"}, "     3 | a \\x1b[31m b\n       |          ^\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c.problem.Message = "wrong"
			want := "prog: error: " + c.problem.Error() + "\n" + c.want
			if got := shown(&c.problem, nil); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestProblemReadsTheLine(t *testing.T) {
	source := func(con *Console) {
		con.Source = fstest.MapFS{"a.yaml": &fstest.MapFile{Data: []byte("one\r\ntwo\r\n")}}
	}
	for place, want := range map[problem.Place]string{
		{File: "a.yaml", Line: 2, Col: 1}: "     2 | two\n       | ^\n",
		{File: "a.yaml", Line: 9, Col: 1}: "",
		{File: "a.yaml"}:                  "",
		{File: "b.yaml", Line: 1, Col: 1}: "",
		{File: "../a", Line: 1, Col: 1}:   "",
		{}:                                "",
	} {
		p := problem.At(place, "do", "wrong")
		want := "prog: error: " + p.Error() + "\n" + want + "prog: hint: do\n"
		if got := shown(p, source); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestProblemsShowsEach(t *testing.T) {
	err := errors.Join(problem.List{problem.New("", "one"), problem.New("", "two")}, fmt.Errorf("disk: %w", errors.New("full")))
	if got, want := shown(err, nil), "prog: error: one\nprog: error: two\nprog: error: disk: full\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := shown(nil, nil); got != "" {
		t.Errorf("nothing is wrong, and it says %s", got)
	}
}

func TestAnnotations(t *testing.T) {
	actions := func(con *Console) { con.Actions = true }
	p := problem.At(problem.Place{File: "a,b: 100%.yaml", Line: 3, Col: 7}, "write 100%,\nor less", "%s", "50%: wrong")
	got := shown(p, actions)
	want := "::error title=prog,file=a%2Cb%3A 100%25.yaml,line=3,col=7::50%25: wrong%0Awrite 100%25,%0Aor less\n"
	if !strings.HasSuffix(got, "\n"+want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := shown(problem.New("", "no place"), actions), "prog: error: no place\n::error title=prog::no place\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if con := New("prog", nil, nil, func(key string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[key] }); !con.Actions {
		t.Error("GITHUB_ACTIONS is not looked at")
	}
}

func TestColour(t *testing.T) {
	colour := func(con *Console) { con.Colour = true }
	got := shown(problem.New("do", "wrong"), colour)
	if want := "\x1b[31mprog: error:\x1b[0m wrong\n\x1b[36mprog: hint:\x1b[0m do\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var out bytes.Buffer
	con := &Console{Out: NewWriter(&out, false), Colour: true}
	con.Diff([]byte("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z\n"))
	if want := "\x1b[31m--- a\x1b[0m\n\x1b[32m+++ b\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m-x\x1b[0m\n\x1b[32m+y\x1b[0m\n z\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestAppTellsWhatWasMeant(t *testing.T) {
	for args, want := range map[string]string{
		"rendr":         `unknown command "rendr" (did you mean "render"?)`,
		"render --forc": "unknown flag --forc (did you mean --force?)",
		"render --zzz":  "unknown flag --zzz (see prog render --help)",
		"render x":      `render takes no argument, and here is "x" (see prog render --help)`,
		"render --env":  "flag needs an argument: -env (see prog render --help)",
		"--zzz render":  "unknown flag --zzz (see prog --help)",
		"render --help": "",
	} {
		var out, stderr bytes.Buffer
		con := New("prog", &out, &stderr, func(string) string { return "" })
		app := App(con, &cli.App{Commands: []*cli.Command{{
			Name:   "render",
			Flags:  []cli.Flag{&cli.BoolFlag{Name: "force"}, &cli.StringSliceFlag{Name: "env"}},
			Action: func(*cli.Context) error { return nil },
		}}})
		err := app.Run(append([]string{"prog"}, strings.Fields(args)...))
		got := ""
		for _, p := range problem.All(err) {
			got = p.Message + " (" + p.Hint + ")"
		}
		if got != want || stderr.Len() > 0 || (out.Len() > 0) != (want == "") {
			t.Errorf("%s: got %q and %q on stderr, want %q", args, got, stderr.String(), want)
		}
	}
}

func TestFlagsFirst(t *testing.T) {
	app := &cli.App{Commands: []*cli.Command{{Name: "explain", Flags: []cli.Flag{
		&cli.StringFlag{Name: "env"}, &cli.StringFlag{Name: "output", Aliases: []string{"o"}}, &cli.BoolFlag{Name: "all"},
	}}, {Name: "user", Subcommands: []*cli.Command{{Name: "add", Flags: []cli.Flag{&cli.StringFlag{Name: "team"}}}}}}}
	for typed, want := range map[string]string{
		"m user add bob --team web":          "m user add --team web bob",
		"m user ad bob --team web":           "m user ad bob --team web",
		"m explain replicas --env prod":      "m explain --env prod replicas",
		"m explain a --env=prod b -o json c": "m explain --env=prod -o json a b c",
		"m explain --all a":                  "m explain --all a",
		"m explain a --all b":                "m explain --all a b",
		"m explain a -- --env b":             "m explain a -- --env b",
		"m explain a --env":                  "m explain --env a",
		"m explain a --unknown b":            "m explain --unknown a b",
		"m other a --env b":                  "m other a --env b",
		"m":                                  "m",
		"m explain - --env prod":             "m explain --env prod -",
	} {
		if got := strings.Join(FlagsFirst(app, strings.Fields(typed)), " "); got != want {
			t.Errorf("%s: got %s, want %s", typed, got, want)
		}
	}
}

func TestGivenTwice(t *testing.T) {
	app := &cli.App{Commands: []*cli.Command{{Name: "set", Flags: []cli.Flag{
		&cli.StringFlag{Name: "env"}, &cli.StringFlag{Name: "output", Aliases: []string{"o"}}, &cli.StringSliceFlag{Name: "service"}, &cli.BoolFlag{Name: "dry-run"},
	}}}}
	for typed, want := range map[string]string{
		"t set --env dev --env qa":          "--env is given twice",
		"t set --output json -o=text":       "--output is given twice",
		"t set --service a --service b":     "",
		"t set --env dev --service --env":   "", // a value that looks like a flag
		"t set --env dev --dry-run":         "",
		"t set --env dev -- --env --env":    "",
		"t other --env dev --env qa":        "",
		"t set --dry-run --env a --dry-run": "--dry-run is given twice",
	} {
		err := givenTwice(app, strings.Fields(typed))
		if got := map[bool]string{true: "", false: "x"}[err == nil]; err != nil && err.Error() != want || got == "" && want != "" {
			t.Errorf("%s: got %v, want %q", typed, err, want)
		}
	}
	for typed, want := range map[string]string{
		"t set --env dev --env qa":    "run the command once for each",
		"t set --dry-run --dry-run=0": "leave one of them out",
	} {
		if all := problem.All(givenTwice(app, strings.Fields(typed))); len(all) != 1 || all[0].Hint != want {
			t.Errorf("%s: got %+v, want the hint %q", typed, all, want)
		}
	}
}

func TestProblemsShowCodesAndNotes(t *testing.T) {
	p := problem.At(problem.Place{File: "t.tmpl", Line: 3}, "mend it", "broken").WithCode("MG303")
	p.Notes = []problem.Note{{Place: problem.Place{File: "users.yaml", Line: 12, Col: 5}, Text: `.User.Name is "a b"`}, {Text: "would have\n> x\x1b[31m"}}
	for name, c := range map[string]struct {
		codes, actions bool
		want           string
	}{
		"with codes":        {true, false, "m: error MG303: t.tmpl:3: broken\nm: note: users.yaml:12:5: .User.Name is \"a b\"\nm: note: would have\n> x\\x1b[31m\nm: hint: mend it\n"},
		"without codes":     {false, false, "m: error: t.tmpl:3: broken\nm: note: users.yaml:12:5: .User.Name is \"a b\"\nm: note: would have\n> x\\x1b[31m\nm: hint: mend it\n"},
		"in GitHub Actions": {true, true, "::error title=m MG303,file=t.tmpl,line=3::broken%0Ausers.yaml:12:5: .User.Name is \"a b\"%0Awould have%0A> x\\x1b[31m%0Amend it\n"},
	} {
		var out strings.Builder
		(&Console{Program: "m", Err: NewWriter(&out, c.actions), Codes: c.codes, Actions: c.actions}).Problems(p)
		if got := out.String(); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: got\n%q, want\n%q", name, got, c.want)
		}
	}
	asJSON := JSONProblems(p)[0]
	if asJSON.Code != "MG303" || len(asJSON.Notes) != 2 || asJSON.Notes[0].Column != 5 {
		t.Errorf("as JSON it is %+v", asJSON)
	}
}

func TestNothingTellsTheTerminalWhatToDo(t *testing.T) {
	p := problem.At(problem.Place{File: "a\x1b[2J.yaml"}, "a \x1b]0;x\x07 hint\nof two lines", "a \x1b[31m message")
	got := shown(p, func(*Console) {})
	var b strings.Builder
	con := &Console{Program: "x", Err: NewWriter(&b, false)}
	con.Notice("a \x1b[2J notice")
	if got += b.String(); strings.ContainsAny(got, "\x1b\x07") || !strings.Contains(got, "hint\nof two lines") {
		t.Errorf("got %q", got)
	}
}

// TestOnFailureIsCalledOnce: it is called with what went wrong before a command handed outputs over,
// and not after.
func TestOnFailureIsCalledOnce(t *testing.T) {
	for args, want := range map[string]string{
		"render --nope": "render: unknown flag --nope",
		"rendr":         `: unknown command "rendr"`,
		"render":        "", // it did so itself
	} {
		con := New("prog", io.Discard, io.Discard, func(string) string { return "" })
		got := ""
		con.OnFailure = func(command string, err error) error {
			got += command + ": " + problem.All(err)[0].Message
			return nil
		}
		app := App(con, &cli.App{Commands: []*cli.Command{{Name: "render", Action: func(*cli.Context) error {
			return errors.Join(problem.Refuse("", "no"), con.Outputs(nil))
		}}}})
		if Main(t.Context(), con, app, append([]string{"prog"}, strings.Fields(args)...)); got != want {
			t.Errorf("%s: got %q, want %q", args, got, want)
		}
	}
}

// TestEveryFailureIsJSON asks for JSON with mistakes that come before the command does.
func TestEveryFailureIsJSON(t *testing.T) {
	for args, want := range map[string]struct {
		json    bool
		command string
		status  int
	}{
		"render -o json --nope":         {true, "render", 2},
		"render --nope --output=json":   {true, "render", 2},
		"render -o json x":              {true, "render", 2},
		"rendr -o json":                 {true, "", 2},
		"render -o json --output json":  {true, "render", 2}, // given twice
		"render -o json -o text --nope": {false, "", 2},
		"render --nope":                 {false, "", 2},
		"render -o json --result":       {false, "", 1}, // it has said so itself
		"render -o json --fail":         {true, "render", 1},
		"render --nope -- -o json":      {false, "", 2},
		"render -o json":                {false, "", 0},
	} {
		var out, stderr bytes.Buffer
		con := New("prog", &out, &stderr, func(string) string { return "" })
		app := App(con, &cli.App{Commands: []*cli.Command{{
			Name:  "render",
			Flags: []cli.Flag{&cli.StringFlag{Name: "output", Aliases: []string{"o"}}, &cli.BoolFlag{Name: "result"}, &cli.BoolFlag{Name: "fail"}},
			Action: func(c *cli.Context) error {
				if c.Bool("result") {
					return errors.Join(problem.Refuse("", "no"), con.JSON("its own"))
				}
				if c.Bool("fail") {
					return problem.Refuse("", "no")
				}
				return nil
			},
		}}})
		status := Main(t.Context(), con, app, append([]string{"prog"}, strings.Fields(args)...))
		var got Failure
		err := json.Unmarshal(out.Bytes(), &got)
		if (err == nil) != want.json || want.json && (got.Command != want.command || got.Version != 1 || got.Result != "failed" || len(got.Problems) != 1) || status != want.status {
			t.Errorf("%s: exit %d, got %s, %v", args, status, &out, err)
		}
		if (stderr.Len() > 0) != (want.status > 0) {
			t.Errorf("%s: on stderr %q", args, &stderr)
		}
	}
}
