package render

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"

	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// checkFields reports the fields and variables that a template names and its
// scope does not have, in branches too that no execution takes.
func checkFields(t *Templates, s *source, scope string, problems *problem.List) {
	c := &checker{templates: t, scope: scope, variables: t.variables, problems: problems, seen: map[string]bool{}}
	dot := reflect.TypeOf(scopeData[scope])
	c.tree(s.file, dot)
}

// checker follows the type of the dot and of variables through a template, as far
// as it is known; nil is an unknown type.
type checker struct {
	templates *Templates
	scope     string
	variables []string // the declared ones
	problems  *problem.List
	seen      map[string]bool // templates called, with the type of their dot
	value     *source         // the text of a value that is checked; nil for templates
}

func (c *checker) tree(name string, dot reflect.Type) {
	tmpl := c.templates.set.Lookup(name)
	key := name
	if dot != nil {
		key += " " + dot.String()
	}
	if tmpl == nil || tmpl.Tree == nil || c.seen[key] {
		return
	}
	c.seen[key] = true
	c.list(tmpl.Tree, tmpl.Root, dot, variables{"$": &dot})
}

func (c *checker) list(tree *parse.Tree, list *parse.ListNode, dot reflect.Type, vars variables) {
	if list == nil {
		return
	}
	branch := func(n *parse.BranchNode, inside func(reflect.Type) reflect.Type) {
		t := c.pipe(tree, n.Pipe, dot, vars)
		inner := maps.Clone(vars)
		elem := inside(t)
		for i, v := range n.Pipe.Decl {
			inner.declare(v.Ident[0], nil)
			if i == len(n.Pipe.Decl)-1 {
				inner.declare(v.Ident[0], elem)
			}
		}
		next := dot
		if n.NodeType != parse.NodeIf {
			next = elem
		}
		c.list(tree, n.List, next, inner)
		c.list(tree, n.ElseList, dot, maps.Clone(vars))
	}
	same := func(t reflect.Type) reflect.Type { return t }
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			t := c.pipe(tree, n.Pipe, dot, vars)
			for _, v := range n.Pipe.Decl {
				if n.Pipe.IsAssign {
					vars.assign(v.Ident[0], t)
				} else {
					vars.declare(v.Ident[0], t)
				}
			}
		case *parse.IfNode:
			branch(&n.BranchNode, same)
		case *parse.WithNode:
			branch(&n.BranchNode, same)
		case *parse.RangeNode:
			branch(&n.BranchNode, elemOf)
		case *parse.TemplateNode:
			var t reflect.Type
			if n.Pipe != nil {
				t = c.pipe(tree, n.Pipe, dot, vars)
			}
			if c.templates.set.Lookup(n.Name) == nil {
				c.report(problem.UnknownTemplate, tree, n.Pos, problem.DidYouMean(n.Name, c.templates.defines()), "unknown template %q", n.Name)
			}
			c.tree(n.Name, t)
		}
	}
}

// defines returns the names of the templates that files define.
func (t *Templates) defines() []string {
	var names []string
	for _, tmpl := range t.set.Templates() {
		if _, isFile := t.sources[tmpl.Name()]; !isFile {
			names = append(names, tmpl.Name())
		}
	}
	slices.Sort(names)
	return names
}

// variables are the types of a template's variables, as far as they are known.
// A block sees its own and those around it: it has a copy of the map, and shares
// the types, so that what it assigns is known outside.
type variables map[string]*reflect.Type

func (v variables) declare(name string, t reflect.Type) { v[name] = &t }

// assign notes a new value: the type is no longer known if it differs.
func (v variables) assign(name string, t reflect.Type) {
	if known := v[name]; known != nil && *known != t {
		*known = nil
	}
}

func (v variables) typeOf(name string) reflect.Type {
	if known := v[name]; known != nil {
		return *known
	}
	return nil
}

// elemOf returns the type of a list's or a map's items.
func elemOf(t reflect.Type) reflect.Type {
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && t != reflect.TypeFor[Vars]() {
		return t.Elem()
	}
	return nil
}

// pipe checks a pipeline, and is its type.
func (c *checker) pipe(tree *parse.Tree, pipe *parse.PipeNode, dot reflect.Type, vars variables) reflect.Type {
	var last reflect.Type
	for _, command := range pipe.Cmds {
		last = nil
		c.include(tree, command, dot, vars)
		for _, arg := range command.Args {
			t := c.arg(tree, arg, dot, vars)
			if len(command.Args) == 1 {
				last = t
			}
		}
	}
	return last
}

func (c *checker) arg(tree *parse.Tree, arg parse.Node, dot reflect.Type, vars variables) reflect.Type {
	switch n := arg.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		at := n.Pos
		if len(n.Ident) > 1 { // the parser has it at the second name
			at -= parse.Pos(len("." + n.Ident[0]))
		}
		return c.chain(tree, at, dot, n.Ident)
	case *parse.VariableNode:
		return c.chain(tree, n.Pos, vars.typeOf(n.Ident[0]), n.Ident[1:])
	case *parse.PipeNode:
		return c.pipe(tree, n, dot, vars)
	case *parse.ChainNode:
		return c.chain(tree, n.Pos, c.arg(tree, n.Node, dot, vars), n.Field)
	}
	return nil
}

// chain checks .A.B.C, which is at pos, on a value of type t, and is the type
// of what it leads to.
func (c *checker) chain(tree *parse.Tree, pos parse.Pos, t reflect.Type, names []string) reflect.Type {
	for i, name := range names {
		if i > 0 {
			pos += parse.Pos(len("." + names[i-1]))
		}
		if t == reflect.TypeFor[Vars]() {
			if !slices.Contains(c.variables, name) {
				hint := "declare it, with a default, in " + inventory.VariablesFile
				if near := problem.Nearest(name, c.variables); near != "" {
					hint = "did you mean \"" + near + "\"? Else " + hint
				}
				c.report(problem.UndeclaredVariable, tree, pos, hint, "unknown variable %q", name)
			}
			return nil
		}
		if t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == nil || t.Kind() != reflect.Struct {
			return nil
		}
		field, ok := t.FieldByName(name)
		if !ok || !field.IsExported() {
			var known []string
			for _, f := range exported(t) {
				known = append(known, "."+f)
			}
			where := strings.ToLower(t.Name())
			if strings.HasSuffix(t.Name(), "Scope") {
				where = strings.TrimSpace("the scope " + c.scope)
			}
			hint := habitOf("." + name)
			if hint == "" {
				hint = problem.DidYouMean("."+name, known)
			}
			c.report(problem.UnknownField, tree, pos, hint, "%s has no .%s", where, name)
			return nil
		}
		t = field.Type
	}
	return t
}

// include checks the template that a call of include runs.
func (c *checker) include(tree *parse.Tree, command *parse.CommandNode, dot reflect.Type, vars variables) {
	name, ok := command.Args[0].(*parse.IdentifierNode)
	if !ok || name.Ident != "include" || len(command.Args) < 2 {
		return
	}
	called, ok := command.Args[1].(*parse.StringNode)
	if !ok {
		return
	}
	if c.templates.set.Lookup(called.Text) == nil {
		c.report(problem.UnknownTemplate, tree, called.Pos, problem.DidYouMean(called.Text, c.templates.defines()), "unknown template %q", called.Text)
		return
	}
	var t reflect.Type
	if len(command.Args) == 3 {
		t = c.arg(tree, command.Args[2], dot, vars)
	}
	c.tree(called.Text, t)
}

// exported returns the fields of a struct that templates see.
func exported(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			names = append(names, t.Field(i).Name)
		}
	}
	return names
}

// scopeFields returns the fields of what a scope has under a name: Service, Env, User, Team.
func scopeFields(name string) []string {
	field, _ := reflect.TypeFor[userServiceScope]().FieldByName(name)
	return exported(field.Type.Elem())
}

func (c *checker) report(code problem.Code, tree *parse.Tree, pos parse.Pos, hint, format string, args ...any) {
	s := c.templates.sources[tree.ParseName]
	if s == nil {
		s = c.value
	}
	p := problem.At(s.place(pos), hint, format, args...).WithCode(code)
	p.Source = s.line(p.Place.Line)
	c.problems.Add(p)
}
