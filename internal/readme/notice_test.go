package readme

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// TestNotice holds the file NOTICE to the modules that the commands link, on
// every system that a release is built for. After a change of go.mod:
//
//	go test ./internal/readme -run TestNotice -update
func TestNotice(t *testing.T) {
	dirs := map[string]map[string]bool{} // the linked packages' folders by module
	roots := map[string]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range linked(packagesOn(t, system), "k8srepo/cmd/manifestgen", "k8srepo/cmd/tagbump") {
			if p.module == "" {
				continue
			}
			if dirs[p.module] == nil {
				dirs[p.module], roots[p.module] = map[string]bool{}, p.root
			}
			dirs[p.module][p.dir] = true
		}
	}
	var modules []moduleLicense
	for _, path := range slices.Sorted(maps.Keys(dirs)) {
		m, err := readLicenses(path, roots[path], slices.Sorted(maps.Keys(dirs[path])))
		if err != nil {
			t.Error(err)
		}
		modules = append(modules, m)
	}
	got := noticeOf(modules)
	file := filepath.Join("..", "..", "NOTICE")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("NOTICE is out of date; run go test ./internal/readme -run TestNotice -update\n%s", diff.Diff("NOTICE", want, "linked", got))
	}
}

// moduleLicense is what a module is licensed under.
type moduleLicense struct {
	path    string
	ids     []string // SPDX identifiers
	texts   []string // of the licences other than Apache's, which LICENSE has
	notices []string // the texts of its NOTICE files
}

var (
	licenseFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicense|patents)([.-].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^notice(\.(txt|md))?$`)
	codeFile    = regexp.MustCompile(`(?i)\.(go|s|c|h|docs|yaml|json)$`)
)

// readLicenses reads the licences of a module: the files at its root, and those
// beside or above each linked package.
func readLicenses(path, root string, packages []string) (moduleLicense, error) {
	m := moduleLicense{path: path}
	folders := map[string]bool{}
	for _, dir := range packages {
		for ; strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
			folders[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return m, err
		}
		for _, e := range entries {
			isLicense, isNotice := licenseFile.MatchString(e.Name()), noticeFile.MatchString(e.Name())
			if e.IsDir() || codeFile.MatchString(e.Name()) || !isLicense && !isNotice {
				continue
			}
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return m, err
			}
			if isNotice {
				m.notices = append(m.notices, plainText(string(data)))
			} else if err := m.add(plainText(string(data))); err != nil {
				return m, fmt.Errorf("%s: %s: %w", path, e.Name(), err)
			}
		}
	}
	slices.Sort(m.ids)
	m.ids = slices.Compact(m.ids)
	if len(m.ids) == 0 {
		return m, fmt.Errorf("%s has no licence file: it must not be linked", path)
	}
	return m, nil
}

// licenses are those that may be linked into a program that is given away under
// the Apache License, each with words that it alone has. The source of a module
// under MPL-2.0 is public at its path, unchanged, which is what it asks for.
var licenses = []struct{ id, words string }{
	{"Apache-2.0", apacheTitle},
	{"Apache-2.0", "Licensed under the Apache License, Version 2.0"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose"},
	{"BSD-3-Clause", "may be used to endorse or promote products derived from this software"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"PATENTS", "Additional IP Rights Grant (Patents)"},
}

// apacheTitle begins the text of the Apache License.
const apacheTitle = "Apache License Version 2.0, January 2004"

// add adds the licence, or licences, that a text holds.
func (m *moduleLicense) add(text string) error {
	flat := strings.ToLower(strings.Join(strings.Fields(text), " "))
	var found []string
	for _, l := range licenses {
		if strings.Contains(flat, strings.ToLower(l.words)) && (l.id != "BSD-2-Clause" || !slices.Contains(found, "BSD-3-Clause")) {
			found = append(found, l.id)
		}
	}
	switch found = slices.Compact(found); {
	case len(found) == 0:
		return errors.New("an unknown licence: read it, and add it to the table of licenses if it may be linked")
	case slices.Contains(found, "PATENTS"):
		return nil // a grant, and no condition
	case len(found) > 1 || !strings.Contains(flat, strings.ToLower(apacheTitle)):
		m.texts = append(m.texts, text)
	}
	m.ids = append(m.ids, found...)
	return nil
}

// plainText is a text with LF at the ends of lines, no blanks behind them, and no
// empty lines around it.
func plainText(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\ufeff", "", "\f", "").Replace(text)
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \t\n") + "\n")
	}
	return strings.Trim(b.String(), "\n") + "\n"
}

// noticeOf is the content of NOTICE.
func noticeOf(modules []moduleLicense) []byte {
	var b bytes.Buffer
	b.WriteString(`k8srepo
Copyright 2026 the authors of k8srepo

Licensed under the Apache License, Version 2.0: see the file LICENSE.

manifestgen and tagbump contain Go's standard library and the Go modules below.
The source of each is at its path, unchanged. This file is written by
go test ./internal/readme -run TestNotice -update

`)
	width := 0
	texts := map[string][]string{} // the modules that have a text
	for _, m := range modules {
		width = max(width, len(m.path))
		for _, text := range m.texts {
			if !slices.Contains(texts[text], m.path) {
				texts[text] = append(texts[text], m.path)
			}
		}
	}
	for _, m := range modules {
		fmt.Fprintf(&b, "%-*s  %s\n", width, m.path, strings.Join(m.ids, " "))
	}
	for _, m := range modules {
		slices.Sort(m.notices)
		for _, notice := range slices.Compact(m.notices) {
			fmt.Fprintf(&b, "\n%s\nThe notice of %s:\n\n%s", rule, m.path, notice)
		}
	}
	order := slices.SortedFunc(maps.Keys(texts), func(x, y string) int {
		return cmp.Or(cmp.Compare(texts[x][0], texts[y][0]), cmp.Compare(x, y))
	})
	for _, text := range order {
		of := texts[text]
		if slices.Contains(of, "golang.org/x/sys") {
			of = append([]string{"Go's standard library"}, of...) // its licence is the same
		}
		fmt.Fprintf(&b, "\n%s\nThe licence of %s:\n\n%s", rule, strings.Join(of, ",\n"), text)
	}
	return b.Bytes()
}

var rule = strings.Repeat("-", 80)
