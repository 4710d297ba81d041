package ghtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed schema.graphql
var schemaText string

// schemas are GitHub's, and that of one without the mutations of refs.
var schemas = sync.OnceValues(func() (now, before *ast.Schema) {
	now = gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText})
	var lines []string
	for line := range strings.Lines(schemaText) {
		if !strings.HasPrefix(line, "  updateRefs(") && !strings.HasPrefix(line, "  createRef(") {
			lines = append(lines, line)
		}
	}
	return now, gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: strings.Join(lines, "")})
})

// document is a GraphQL request.
type document struct {
	schema    *ast.Schema
	query     *ast.QueryDocument
	operation *ast.OperationDefinition
	variables map[string]any
	errors    gqlerror.List // why it does not fit the schema
}

func parseDocument(body []byte, o Options) *document {
	d := &document{}
	now, before := schemas()
	if d.schema = now; o.OldRefs {
		d.schema = before
	}
	var in struct {
		Query         string
		OperationName string
		Variables     map[string]any
	}
	if err := json.Unmarshal(body, &in); err != nil {
		d.errors = gqlerror.List{gqlerror.Wrap(err)}
		return d
	}
	if d.query, d.errors = loadQuery(d.schema, in.Query); len(d.errors) > 0 {
		return d
	}
	d.operation = d.query.Operations.ForName(in.OperationName)
	if d.operation == nil {
		d.errors = gqlerror.List{gqlerror.Errorf("no operation")}
		return d
	}
	var err error
	if d.variables, err = validator.VariableValues(d.schema, d.operation, in.Variables); err != nil {
		d.errors = gqlerror.List{gqlerror.Wrap(err)}
	}
	return d
}

// queries are the documents that fit a schema, by the schema and the text.
var queries sync.Map

type queryKey struct {
	schema *ast.Schema
	text   string
}

func loadQuery(schema *ast.Schema, text string) (*ast.QueryDocument, gqlerror.List) {
	key := queryKey{schema, text}
	if known, ok := queries.Load(key); ok {
		return known.(*ast.QueryDocument), nil
	}
	query, errs := gqlparser.LoadQueryWithRules(schema, text, rules.NewDefaultRules())
	if len(errs) == 0 {
		queries.Store(key, query)
	}
	return query, errs
}

// kind returns "graphql" and the name of the first field.
func (d *document) kind() string {
	if d.operation == nil || len(d.operation.SelectionSet) == 0 {
		return "graphql"
	}
	if field, ok := d.operation.SelectionSet[0].(*ast.Field); ok {
		return "graphql " + field.Name
	}
	return "graphql"
}

// graphqlError is an error of GitHub's: a type, beside what GraphQL itself has.
type graphqlError struct {
	Type       string         `json:"type,omitempty"`
	Path       []string       `json:"path,omitempty"`
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions,omitempty"`
}

func (e *graphqlError) Error() string { return e.Message }

// graphqlObject is an object of some type, whose fields are worked out on demand.
type graphqlObject struct {
	name  string
	field func(name string, args map[string]any) (any, error)
}

func (x *exchange) answerGraphQL() {
	d := x.document
	if x.login == "" {
		x.fail(http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
		return
	}
	if len(d.errors) > 0 {
		old := x.server.options.OldRefs && (strings.Contains(d.errors.Error(), "updateRefs") || strings.Contains(d.errors.Error(), "createRef"))
		if !old {
			x.server.t.Errorf("ghtest: a document that does not fit GitHub's schema: %v\n%s", d.errors, x.body)
		}
		var errs []*graphqlError
		for _, e := range d.errors {
			errs = append(errs, &graphqlError{Message: e.Message, Extensions: map[string]any{"code": "undefinedField"}})
		}
		x.json(http.StatusOK, object{"errors": errs})
		return
	}
	root := &graphqlObject{"Query", x.queryField}
	if d.operation.Operation == ast.Mutation {
		root = &graphqlObject{"Mutation", x.mutationField}
	}
	var errs []*graphqlError
	data := x.selection(root, d.operation.SelectionSet, nil, &errs)
	answer := object{"data": data}
	if len(errs) > 0 {
		answer["errors"] = errs
	}
	x.json(http.StatusOK, answer)
}

// selection works out the fields of an object, in order.
func (x *exchange) selection(o *graphqlObject, set ast.SelectionSet, at []string, errs *[]*graphqlError) object {
	out := object{}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.InlineFragment:
			if x.isA(o, s.TypeCondition) {
				merge(out, x.selection(o, s.SelectionSet, at, errs))
			}
		case *ast.FragmentSpread:
			if x.isA(o, s.Definition.TypeCondition) {
				merge(out, x.selection(o, s.Definition.SelectionSet, at, errs))
			}
		case *ast.Field:
			here := append(slices.Clone(at), s.Alias)
			if s.Name == "__typename" {
				out[s.Alias] = o.name
				continue
			}
			value, err := o.field(s.Name, s.ArgumentMap(x.document.variables))
			if err != nil {
				e, ok := err.(*graphqlError)
				if !ok {
					x.server.t.Errorf("ghtest: %s.%s: %v", o.name, s.Name, err)
					e = &graphqlError{Message: err.Error()}
				}
				e.Path = here
				*errs = append(*errs, e)
			}
			out[s.Alias] = x.value(s, value, here, errs)
		}
	}
	return out
}

func (x *exchange) value(s *ast.Field, value any, at []string, errs *[]*graphqlError) any {
	switch v := value.(type) {
	case *graphqlObject:
		if v == nil {
			return nil
		}
		return x.selection(v, s.SelectionSet, at, errs)
	case []*graphqlObject:
		list := []any{}
		for _, o := range v {
			list = append(list, x.selection(o, s.SelectionSet, at, errs))
		}
		return list
	case nil:
		if s.Definition.Type.NonNull {
			x.server.t.Errorf("ghtest: %s must not be null", strings.Join(at, "."))
		}
	}
	return value
}

// merge adds fields to an object; those of the same name are the same field.
func merge(to, from object) {
	for name, value := range from {
		a, ok := to[name].(object)
		if b, both := value.(object); ok && both {
			merge(a, b)
			continue
		}
		to[name] = value
	}
}

func (x *exchange) isA(o *graphqlObject, condition string) bool {
	schema := x.document.schema
	return condition == "" || slices.ContainsFunc(schema.GetPossibleTypes(schema.Types[condition]), func(d *ast.Definition) bool { return d.Name == o.name })
}

// unknownField returns the error for a field that is in the schema and not implemented here.
func unknownField(name string) (any, error) { return nil, fmt.Errorf("%s is not done here", name) }
