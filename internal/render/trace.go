package render

import (
	"maps"
	"slices"
	"text/template"
	"text/template/parse"

	"k8srepo/internal/problem"
	"k8srepo/internal/trace"
)

// A tracer is an execution that records where its output comes from. Each
// variable of a template, and its dot, gets a companion that holds the paths that
// lead to its value: {{ $x := .Vars.y }} becomes
//
//	{{ $x-from := path $dot-from "Vars" "y" }}{{ $x := .Vars.y }}
//
// Companions are set in the blocks that their variables are set in, so that
// text/template itself keeps track of them. What is printed is the same.

// traced returns the same templates once more, rewritten to be traced.
func (t *Templates) traced() *Templates {
	again := &Templates{byScope: t.byScope, sources: t.sources, files: t.files, variables: t.variables, hooks: t.hooks[:t.sourceHooks:t.sourceHooks], sourceHooks: t.sourceHooks}
	again.parse(new(problem.List)) // it went well before
	again.rewrite(func(m *rewriter, list *parse.ListNode) {
		m.prepare(list)
		m.trace(list)
		at := list.Pos
		list.Nodes = append([]parse.Node{
			m.set(at, dotFrom, false, m.call("entry", at)),
			m.set(at, companion("$"), false, m.call("entry", at)),
		}, list.Nodes...)
	})
	return again
}

// The names of companions have blanks, which no variable's name has.
const dotFrom = "$ dot"

func companion(variable string) string { return variable + " from" }

// trace rewrites a list of nodes.
func (m *rewriter) trace(list *parse.ListNode) {
	var nodes []parse.Node
	for _, node := range list.Nodes {
		at := node.Position()
		switch n := node.(type) {
		case *parse.TextNode:
			if !isHook(n) {
				nodes = append(nodes, m.do("text", at, m.action(at, "")))
			}
		case *parse.ActionNode:
			number, source := m.action(at, n.Pipe.String()), m.source(n.Pipe)
			nodes = append(nodes, m.do("about", at, number, source))
			for _, v := range n.Pipe.Decl {
				nodes = append(nodes, m.set(at, companion(v.Ident[0]), n.Pipe.IsAssign, source))
			}
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, m.command("value", at, number))
			}
		case *parse.IfNode:
			nodes = append(nodes, m.traceBranches(&n.BranchNode, m.source(n.Pipe), nil)...)
		case *parse.WithNode:
			nodes = append(nodes, m.traceBranches(&n.BranchNode, m.source(n.Pipe), nil)...)
		case *parse.RangeNode:
			nodes = append(nodes, m.traceRange(&n.BranchNode)...)
		case *parse.TemplateNode:
			source := m.call("both", at)
			if n.Pipe != nil {
				source = m.source(n.Pipe)
			}
			nodes = append(nodes, m.do("enter", at, m.action(at, n.Name), source))
		}
		nodes = append(nodes, node)
	}
	list.Nodes = nodes
}

// traceBranches rewrites what is in an if, with or range, and is what goes before
// it. Inside are the first nodes of its body; nil are those of an if or with.
func (m *rewriter) traceBranches(n *parse.BranchNode, source parse.Node, inside []parse.Node) []parse.Node {
	at := n.Pos
	number := m.action(at, n.Pipe.String())
	before := []parse.Node{m.do("about", at, number, source)}
	m.trace(n.List)
	if n.ElseList != nil {
		m.trace(n.ElseList)
	}
	if inside == nil {
		// The companions are set inside, and from what is known outside.
		held := companion(number.String())
		before = append(before, m.set(at, held, false, source))
		for _, v := range n.Pipe.Decl {
			set := m.set(at, companion(v.Ident[0]), false, m.variable(at, held))
			inside = append(inside, set)
			if n.ElseList != nil {
				n.ElseList.Nodes = append([]parse.Node{set}, n.ElseList.Nodes...)
			}
		}
		if n.NodeType == parse.NodeWith {
			inside = append(inside, m.set(at, dotFrom, false, m.variable(at, held)))
		}
	}
	n.List.Nodes = append(inside, n.List.Nodes...)
	return before
}

// traceRange rewrites a range: its companions come from a second run over what
// it ranges over.
func (m *rewriter) traceRange(n *parse.BranchNode) []parse.Node {
	at, source := n.Pos, m.source(n.Pipe)
	over := n.Pipe.CopyPipe()
	over.Decl = nil
	steps := companion("$ steps " + m.action(at, "").String())
	inside := []parse.Node{m.set(at, dotFrom, false, m.call("step", at, m.variable(at, steps)))}
	for i, v := range n.Pipe.Decl {
		which := m.variable(at, dotFrom)
		if i == 0 && len(n.Pipe.Decl) == 2 {
			which = m.call("key", at, m.variable(at, steps))
		}
		inside = append(inside, m.set(at, companion(v.Ident[0]), n.Pipe.IsAssign, which))
	}
	before := m.traceBranches(n, source, inside)
	if n.ElseList != nil { // its variables are what it ranges over
		for _, v := range n.Pipe.Decl {
			n.ElseList.Nodes = append([]parse.Node{m.set(at, companion(v.Ident[0]), n.Pipe.IsAssign, source)}, n.ElseList.Nodes...)
		}
	}
	return append(before, m.set(at, steps, false, m.call("steps", at, source, over)))
}

// source returns the argument that says which paths a pipeline's value comes from.
func (m *rewriter) source(pipe *parse.PipeNode) parse.Node {
	commands := pipe.Cmds
	if n := len(commands); n > 1 {
		if last, isCall := commands[n-1].Args[0].(*parse.IdentifierNode); isCall && last.Ident == "truth" {
			commands = commands[:n-1]
		}
	}
	if len(commands) == 1 {
		args := commands[0].Args
		name, isCall := args[0].(*parse.IdentifierNode)
		switch {
		case len(args) == 1 && !isCall:
			return m.sourceOf(args[0])
		case isCall && (name.Ident == "index" || name.Ident == "get") && len(args) > 1:
			return m.call("path", pipe.Pos, append([]parse.Node{m.sourceOf(args[1])}, args[2:]...)...)
		case isCall && name.Ident == "truth" && len(args) == 2:
			return m.sourceOf(args[1])
		case isCall && name.Ident == "dict":
			pairs := make([]parse.Node, 0, len(args))
			for i, arg := range args[1:] {
				if i%2 == 1 {
					arg = m.sourceOf(arg)
				}
				pairs = append(pairs, arg)
			}
			return m.call("pairs", pipe.Pos, pairs...)
		}
	}
	var sources []parse.Node
	for _, command := range commands {
		for _, arg := range command.Args {
			switch arg.(type) {
			case *parse.DotNode, *parse.FieldNode, *parse.VariableNode, *parse.ChainNode, *parse.PipeNode:
				sources = append(sources, m.sourceOf(arg))
			}
		}
	}
	return m.call("both", pipe.Pos, sources...)
}

func (m *rewriter) sourceOf(arg parse.Node) parse.Node {
	at := arg.Position()
	switch n := arg.(type) {
	case *parse.DotNode:
		return m.variable(at, dotFrom)
	case *parse.FieldNode:
		return m.below(at, m.variable(at, dotFrom), n.Ident)
	case *parse.VariableNode:
		return m.below(at, m.variable(at, companion(n.Ident[0])), n.Ident[1:])
	case *parse.ChainNode:
		return m.below(at, m.sourceOf(n.Node), n.Field)
	case *parse.PipeNode:
		return m.source(n)
	}
	return m.call("both", at)
}

// below returns the source of a field of a field of … a value.
func (m *rewriter) below(at parse.Pos, source parse.Node, names []string) parse.Node {
	if len(names) == 0 {
		return source
	}
	args := []parse.Node{source}
	for _, name := range names {
		args = append(args, &parse.StringNode{NodeType: parse.NodeString, Pos: at, Text: name, Quoted: name})
	}
	return m.call("path", at, args...)
}

func (m *rewriter) variable(at parse.Pos, name string) parse.Node {
	return &parse.VariableNode{NodeType: parse.NodeVariable, Pos: at, Ident: []string{name}}
}

// call returns a call as an argument: (function args).
func (m *rewriter) call(function string, at parse.Pos, args ...parse.Node) parse.Node {
	return m.pipe(function, at, args...)
}

// do returns a call as an action that prints nothing: {{ function args }}.
func (m *rewriter) do(function string, at parse.Pos, args ...parse.Node) parse.Node {
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: m.pipe(function, at, args...)}
}

// set is {{ $name := source }}, or {{ $name = source }}.
func (m *rewriter) set(at parse.Pos, name string, assign bool, source parse.Node) parse.Node {
	pipe := m.pipe("both", at, source)
	if call, ok := source.(*parse.PipeNode); ok {
		pipe.Cmds = call.Cmds
	}
	pipe.IsAssign = assign
	pipe.Decl = []*parse.VariableNode{{NodeType: parse.NodeVariable, Pos: at, Ident: []string{name}}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: pipe}
}

// tracer follows one traced execution: what it prints, and where it comes from.
type tracer struct {
	*execution
	about event        // what is being executed
	entry trace.Trails // the dot of the template that is entered
}

// event is a run of text or a value that comes out.
type event struct {
	offset      int // in out
	length      int // of a value's placeholder
	gone        int // how many line breaks of a text were taken away before what is there
	action      int
	placeholder int // the number of the value, -1 for a text
	from        trace.Trails
}

// traceFunctions returns what traced templates call in addition to the others.
func (t *tracer) traceFunctions() template.FuncMap {
	return template.FuncMap{
		"text": func(n int) string {
			if !t.rec.isText {
				t.rec.events = append(t.rec.events, event{offset: t.rec.out.Len(), action: n, placeholder: -1})
			}
			return ""
		},
		"about": func(n int, source trace.Trails) string {
			if !t.rec.isText {
				t.about = event{action: n, from: source}
			}
			return ""
		},
		"value": func(n int, v any) (string, error) {
			source := t.about.from
			placeholder, err := t.value(n, v)
			if err == nil && !t.rec.isText {
				t.rec.events = append(t.rec.events, event{offset: t.rec.out.Len(), length: len(placeholder), action: n, placeholder: len(t.rec.values) - 1, from: source})
			}
			return placeholder, err
		},
		"enter": func(n int, source trace.Trails) string {
			if t.entry = source; !t.rec.isText {
				t.about = event{action: n, from: source}
			}
			return ""
		},
		"entry": func() trace.Trails { return t.entry },
		"path":  func(source trace.Trails, names ...any) trace.Trails { return source.Below(names...) },
		"pairs": trace.Pairs,
		"both":  func(sources ...trace.Trails) trace.Trails { return slices.Concat(sources...) },
		"steps": newSteps,
		"step":  func(s *steps) trace.Trails { return s.next() },
		"key":   func(s *steps) trace.Trails { return s.key() },
	}
}

// steps go along with a range, in its order.
type steps struct {
	source trace.Trails
	keys   []string // of a map
	isMap  bool
	done   int
}

func newSteps(source trace.Trails, over any) *steps {
	s := &steps{source: source}
	switch m := over.(type) {
	case Vars:
		s.keys, s.isMap = slices.Sorted(maps.Keys(m)), true
	case map[string]any:
		s.keys, s.isMap = slices.Sorted(maps.Keys(m)), true
	case map[string]string:
		s.keys, s.isMap = slices.Sorted(maps.Keys(m)), true
	}
	return s
}

func (s *steps) next() trace.Trails {
	s.done++
	if s.isMap {
		return s.source.Below(s.keys[s.done-1])
	}
	return s.source.Below(s.done - 1)
}

// key returns the source of the key, after next.
func (s *steps) key() trace.Trails {
	if s.isMap {
		return s.source.Below(trace.KeyOf(s.keys[s.done-1]))
	}
	return nil
}
