package tree

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/problem"
)

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		text, ours, theirs, base string
		hasBase, ok              bool
	}{
		"merge":          {"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\nd\n", "a\nb\nd\n", "a\nc\nd\n", "a\nd\n", false, true},
		"diff3":          {"a\n<<<<<<< HEAD\nb\n||||||| 1234567\ne\n=======\nc\n>>>>>>> x\nd\n", "a\nb\nd\n", "a\nc\nd\n", "a\ne\nd\n", true, true},
		"CRLF":           {"a\r\n<<<<<<< HEAD\r\nb\r\n=======\r\nc\r\n>>>>>>> x\r\n", "a\nb\n", "a\nc\n", "a\n", false, true},
		"longer markers": {"<<<<<<<<< HEAD\nb\n=======\n=========\nc\n>>>>>>>>> x\n", "b\n=======\n", "c\n", "", false, true},
		"without labels": {"<<<<<<<\nb\n=======\nc\n>>>>>>>\n", "b\n", "c\n", "", false, true},
		"one side empty": {"<<<<<<< HEAD\n=======\nc\n>>>>>>> x\n", "", "c\n", "", false, true},
		"nested base":    {"<<<<<<< HEAD\nb\n||||||| base\n<<<<<<<<< T1\n1\n||||||||| o\n2\n=========\n3\n>>>>>>>>> T2\n=======\nc\n>>>>>>> x\n", "b\n", "c\n", "", true, true},
		"two":            {"<<<<<<< H\n1\n||||||| o\n0\n=======\n2\n>>>>>>> x\nm\n<<<<<<< H\n3\n=======\n4\n>>>>>>> x\n", "1\nm\n3\n", "2\nm\n4\n", "", false, true},
		"no end":         {"<<<<<<< HEAD\nb\n=======\nc\n", "", "", "", false, false},
		"no beginning":   {"b\n=======\nc\n>>>>>>> x\n", "", "", "", false, false},
		"no middle":      {"<<<<<<< HEAD\nb\n>>>>>>> x\n", "", "", "", false, false},
	} {
		v, ok := split([]byte(c.text))
		if ok != c.ok {
			t.Errorf("%s: got %t", name, ok)
			continue
		}
		if !ok {
			continue
		}
		if string(v.ours) != c.ours || string(v.theirs) != c.theirs || v.hasBase != c.hasBase || c.base != "" && string(v.base) != c.base {
			t.Errorf("%s: got %q, %q, %q, %t", name, v.ours, v.theirs, v.base, v.hasBase)
		}
	}
	for text, want := range map[string]bool{
		"a\n<<<<<<< HEAD\n": true, ">>>>>>> x\r\n": true, "<<<<<<<": true, "a: <<<<<<< HEAD\n": false, " <<<<<<< HEAD\n": false, "<<<<<<<x\n": false, "<<<<<< x\n": false, "=======\n": false, "": false,
	} {
		if got := hasConflict([]byte(text)); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

// TestHasConflictOfALongLine is done in a moment: each run of seven characters was once looked at
// to the line's end.
func TestHasConflictOfALongLine(t *testing.T) {
	start := time.Now()
	if hasConflict(append([]byte("a: "), bytes.Repeat([]byte("<"), 4<<20)...)) {
		t.Error("a conflict")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// conflicted puts a file into a folder whose sides run two tags, and whose base, if
// there is one, runs a third.
func conflicted(t *testing.T, ours, theirs, base string, inMarkers bool) (dir string, stages Stages) {
	t.Helper()
	dir = t.TempDir()
	apply(t, dir, []Want{deployment(t, "dev/manifests/a.yaml", "a", "TAG")})
	text := contents(t, dir)["dev/manifests/a.yaml"]
	with := func(tag string) []byte { return []byte(strings.Replace(text, "TAG", tag, 1)) }
	line := "      image: ecr.example/api:"
	shown := ""
	if inMarkers {
		shown = "||||||| base\n" + line + base + "\n"
	} else if base != "" {
		stages.Base = with(base)
	}
	stages.Ours, stages.Theirs = with(ours), with(theirs)
	merged := strings.Replace(text, line+"TAG\n", "<<<<<<< HEAD\n"+line+ours+"\n"+shown+"=======\n"+line+theirs+"\n>>>>>>> topic\n", 1)
	if err := os.WriteFile(filepath.Join(dir, "dev/manifests/a.yaml"), []byte(merged), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, stages
}

func TestConflictsResolveByRendering(t *testing.T) {
	for name, c := range map[string]struct{ ours, theirs, base, want string }{
		"both agree":          {"2", "2", "1", "2"},
		"both agree, no base": {"2", "2", "", "2"},
		"ours moved":          {"2", "1", "1", "2"},
		"theirs moved":        {"1", "2", "1", "2"},
		"both moved":          {"2", "3", "1", ""},
		"no base":             {"2", "3", "", ""},
		"a digest is a move":  {"1", "1@sha256:" + strings.Repeat("0", 64), "1", "1@sha256:" + strings.Repeat("0", 64)},
	} {
		for _, inMarkers := range []bool{true, false} {
			if inMarkers && c.base == "" {
				continue
			}
			dir, stages := conflicted(t, c.ours, c.theirs, c.base, inMarkers)
			o := everything
			o.Stages = func([]string) map[string]Stages { return map[string]Stages{"dev/manifests/a.yaml": stages} }
			plan, err := Diff(openRoot(t, dir), []Want{deployment(t, "dev/manifests/a.yaml", "a", "TAG")}, o)
			if c.want == "" {
				if problem.ExitStatus(err) != problem.ExitRefused || !strings.Contains(err.Error(), "api:"+c.ours) || !strings.Contains(err.Error(), "api:"+c.theirs) {
					t.Errorf("%s: got %v", name, err)
				}
				continue
			}
			if err != nil || len(plan.Changes) != 1 || !plan.Changes[0].Conflict || !bytes.Contains(plan.Changes[0].New, []byte("api:"+c.want+"\n")) {
				t.Errorf("%s, in markers %t: got %v, %+v", name, inMarkers, err, plan)
			}
		}
	}
}

func TestConflictOfAnEditedSideIsLeft(t *testing.T) {
	dir, stages := conflicted(t, "2", "1", "1", false)
	stages.Theirs = append(stages.Theirs, "# mine\n"...)
	for _, force := range []bool{false, true} {
		o := everything
		o.Force = force
		o.Stages = func([]string) map[string]Stages { return map[string]Stages{"dev/manifests/a.yaml": stages} }
		_, err := Diff(openRoot(t, dir), []Want{deployment(t, "dev/manifests/a.yaml", "a", "TAG")}, o)
		if got := err == nil; got != force {
			t.Errorf("force %t: got %v", force, err)
		}
	}
}

// FuzzJudge finds no file that is taken for one as it was rendered and is not.
func FuzzJudge(f *testing.F) {
	text := []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n    - image: ecr.example/api:1\n")
	rendered := append(headerFor("templates/x.yaml.tmpl", parseText("x.yaml", text)), text...)
	f.Add(rendered)
	f.Add(bytes.Replace(rendered, []byte("api:1"), []byte("api:"), 1))
	f.Add(bytes.Replace(rendered, []byte("    - image"), []byte("<<<<<<< a\n    - image: ecr.example/api:2\n||||||| b\n=======\n    - image"), 1))
	f.Add(append(bytes.Clone(rendered), ">>>>>>> x\n"...))
	f.Add(append([]byte("\xef\xbb\xbf"), rendered...))
	f.Fuzz(func(t *testing.T, data []byte) {
		v := judge("x.yaml", data, Stages{})
		(&file{verdict: v, path: "x.yaml", data: data}).images()
		if v.whose != owned {
			(&file{verdict: v, path: "x.yaml", data: data}).refusal(nil)
			return
		}
		if v.conflict == nil && (v.body == nil || v.template == "") {
			t.Errorf("owned without a body or a template: %q", data)
		}
		if v.conflict == nil {
			again := append(headerFor(v.template, v.body), v.body.Data...)
			if w := judge("x.yaml", again, Stages{}); w.whose != owned {
				t.Errorf("written anew, it is not owned: %q", again)
			}
		}
	})
}
