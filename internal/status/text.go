package status

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	widest     = 100 // columns of a table
	widestName = 24
	widestTag  = 18
	gap        = "  "
)

// Text returns the report as tables that fit a terminal of 100 columns: environments
// that do not fit beside each other come in a table below. A service is a line
// with what runs, and where anything is known of it, one with since when.
func (r *Report) Text() string {
	var b strings.Builder
	if r.Commit != "" {
		fmt.Fprintf(&b, "%s at %s, %s\n\n", r.Branch, r.Commit[:10], date(r.Date))
	}
	names := column{head: "SERVICE"}
	for _, s := range r.Services {
		names.add(cut(s.Name, widestName), "")
	}
	var columns []column
	for i, e := range r.Environments {
		c := column{head: e.Name}
		for _, s := range r.Services {
			c.add(s.Environments[i].lines())
		}
		columns = append(columns, c)
	}
	for len(columns) > 0 {
		width, n := names.width(), 0
		for n < len(columns) && (n == 0 || width+len(gap)+columns[n].width() <= widest) {
			width += len(gap) + columns[n].width()
			n++
		}
		table(&b, append([]column{names}, columns[:n]...))
		if columns = columns[n:]; len(columns) > 0 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// column is an environment's cells, of two lines each.
type column struct {
	head  string
	cells [][2]string
}

func (c *column) add(first, second string) { c.cells = append(c.cells, [2]string{first, second}) }

func (c *column) width() int {
	w := utf8.RuneCountInString(c.head)
	for _, cell := range c.cells {
		w = max(w, utf8.RuneCountInString(cell[0]), utf8.RuneCountInString(cell[1]))
	}
	return w
}

func table(b *strings.Builder, columns []column) {
	line := func(text func(c *column) string) {
		var l strings.Builder
		for i := range columns {
			c := &columns[i]
			t := text(c)
			l.WriteString(t + strings.Repeat(" ", c.width()-utf8.RuneCountInString(t)) + gap)
		}
		if text := strings.TrimRight(l.String(), " "); text != "" {
			b.WriteString(text + "\n")
		}
	}
	line(func(c *column) string { return c.head })
	for i := range columns[0].cells {
		line(func(c *column) string { return c.cells[i][0] })
		line(func(c *column) string { return c.cells[i][1] })
	}
}

// lines returns what a cell says: what runs and how far it is behind; since when, and
// what is proposed.
func (c *Cell) lines() (first, second string) {
	var what, more []string
	switch {
	case len(c.Tags) == 0 && c.Users == nil:
		return "-", ""
	case len(c.Tags) == 1:
		what = append(what, short(c.Tag))
	case len(c.Tags) > 1:
		what = append(what, fmt.Sprintf("%d tags", len(c.Tags)))
		more = append(more, short(c.Tags[0].Tag)+", "+short(c.Tags[1].Tag))
		if len(c.Tags) > 2 {
			more = append(more, "…")
		}
	}
	switch c.Relation {
	case Behind:
		what = append(what, fmt.Sprintf("-%d", c.Behind))
	case Ahead:
		what = append(what, fmt.Sprintf("+%d", c.Ahead))
	case Diverged:
		what = append(what, fmt.Sprintf("-%d+%d", c.Behind, c.Ahead))
	case Differs:
		what = append(what, "differs")
	}
	if c.Held != nil {
		what = append(what, "held")
	}
	switch {
	case c.Since != nil:
		more = append(more, date(c.Since))
	case c.Before != nil:
		more = append(more, "≤ "+date(c.Before))
	}
	if c.Users != nil {
		if spread := c.Users.String(); len(what) == 0 {
			what = append(what, spread)
		} else {
			more = append(more, spread)
		}
	}
	for _, p := range c.PullRequests {
		more = append(more, fmt.Sprintf("#%d", p.Number))
	}
	return strings.Join(what, " "), strings.Join(more, " ")
}

// String returns a spread as people say it: 3 of 12 on 9f2c1ab.
func (s Spread) String() string {
	if s.On == s.Of {
		return fmt.Sprintf("%d on %s", s.Of, short(s.Tag))
	}
	return fmt.Sprintf("%d of %d on %s", s.On, s.Of, short(s.Tag))
}

// short returns a tag in a table: hashes and digests are cut as git cuts them.
func short(tag string) string {
	hash := strings.TrimPrefix(strings.TrimPrefix(tag, "sha256:"), "sha-")
	if len(hash) >= 40 && strings.Trim(hash, "0123456789abcdef") == "" {
		return tag[:len(tag)-len(hash)] + hash[:7]
	}
	return cut(tag, widestTag)
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func date(t *time.Time) string { return t.Format(time.DateOnly) }
