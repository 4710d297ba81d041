package status

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a table, in characters.
const (
	maxWidth = 100
	maxName  = 24
	maxTag   = 18

	gap = "  " // between two columns
)

// Text returns the report as tables that fit a terminal of 100 columns: environments
// that do not fit beside each other come in a table below. A service is a line
// with what runs, and where anything is known of it, one with since when.
func (r *Report) Text() string {
	var b strings.Builder
	if r.Commit != "" {
		fmt.Fprintf(&b, "%s at %s, %s\n\n", r.Branch, r.Commit[:10], date(r.Date))
	}
	names := newColumn("SERVICE")
	for _, s := range r.Services {
		names.add(cut(s.Name, maxName), "")
	}
	var columns []column
	for i, e := range r.Environments {
		c := newColumn(e.Name)
		for _, s := range r.Services {
			c.add(s.Environments[i].lines())
		}
		columns = append(columns, c)
	}
	for len(columns) > 0 {
		width, n := names.width, 0
		for n < len(columns) && (n == 0 || width+len(gap)+columns[n].width <= maxWidth) {
			width += len(gap) + columns[n].width
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
	width int // of the head and the cells, in characters
}

func newColumn(head string) column { return column{head: head, width: utf8.RuneCountInString(head)} }

func (c *column) add(first, second string) {
	c.cells = append(c.cells, [2]string{first, second})
	c.width = max(c.width, utf8.RuneCountInString(first), utf8.RuneCountInString(second))
}

func table(b *strings.Builder, columns []column) {
	line := func(text func(c *column) string) {
		var l strings.Builder
		for i := range columns {
			c := &columns[i]
			t := text(c)
			l.WriteString(t + strings.Repeat(" ", c.width-utf8.RuneCountInString(t)) + gap)
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

// short returns a tag as a table has it: hashes and digests have their first 7 digits, as in
// Git, and other long tags are cut.
func short(tag string) string {
	hash := strings.TrimPrefix(strings.TrimPrefix(tag, "sha256:"), "sha-")
	if len(hash) >= 40 && strings.Trim(hash, "0123456789abcdef") == "" {
		return tag[:len(tag)-len(hash)] + hash[:7]
	}
	return cut(tag, maxTag)
}

// cut returns at most limit characters of a text.
func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

func date(t *time.Time) string { return t.Format(time.DateOnly) }
