package status

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sync"
	"time"
)

//go:embed page.html.tmpl
var page string

// pageTemplate is parsed when it is first used: every command of tagbump has this package.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"short": short,
		"date":  date,
		"iso":   func(t *time.Time) string { return t.Format(time.RFC3339) },
		"count": func(n int, what string) string {
			if n == 1 {
				return "1 " + what
			}
			return fmt.Sprintf("%d %ss", n, what)
		},
	}).Parse(page))
})

// HTML writes the report as one page that needs nothing beside itself. The same
// report makes the same bytes.
func (r *Report) HTML(w io.Writer) error { return pageTemplate().Execute(w, r) }

// InStep returns how many services are neither behind nor different in any environment.
func (r *Report) InStep() int {
	n := 0
	for _, s := range r.Services {
		if s.Behind == 0 && s.Differs == 0 {
			n++
		}
	}
	return n
}
