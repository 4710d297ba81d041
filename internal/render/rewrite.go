package render

import (
	"strconv"
	"strings"
	"text/template/parse"

	"k8srepo/internal/problem"
)

// The parsed templates are rewritten before they run, as html/template adds its
// escapers: see prepare and placeholders; and trace, for a second set that is traced.

// rewrite calls f with each parsed template.
func (t *Templates) rewrite(f func(*rewriter, *parse.ListNode)) {
	for _, tmpl := range t.set.Templates() {
		if tmpl.Tree != nil && tmpl.Root != nil {
			f(&rewriter{t, tmpl.Tree}, tmpl.Root)
		}
	}
}

// rewriter rewrites one parsed template.
type rewriter struct {
	*Templates
	tree *parse.Tree
}

// prepare makes a parsed template report where it runs: hooks become nodes of their
// own, and each list of nodes begins with one that counts its steps. A call of include
// that is alone on its line becomes one of template.
func (w *rewriter) prepare(root *parse.ListNode) {
	w.prepareList(root, root.Pos)
	enter := w.hookNode(root.Pos, hook{kind: enterHook, place: w.place(root.Pos)})
	leave := w.hookNode(root.Pos, hook{kind: leaveHook})
	root.Nodes = append(append([]parse.Node{enter}, root.Nodes...), leave)
}

func (w *rewriter) place(at parse.Pos) problem.Place {
	if s := w.sources[w.tree.ParseName]; s != nil {
		return s.place(at)
	}
	return problem.Place{} // in the text of a value
}

func (w *rewriter) hookNode(at parse.Pos, h hook) *parse.TextNode {
	return &parse.TextNode{NodeType: parse.NodeText, Pos: at, Text: []byte(w.hook(h))}
}

// isHook reports whether a node is a hook.
func isHook(n parse.Node) bool {
	text, ok := n.(*parse.TextNode)
	return ok && strings.HasPrefix(string(text.Text), hookPrefix)
}

// prepareList is prepare for a list, which belongs to what is at pos.
func (w *rewriter) prepareList(list *parse.ListNode, pos parse.Pos) {
	nodes := []parse.Node{nil} // the step hook
	cost := 2
	block := false
	for _, node := range list.Nodes {
		cost += nodeCost(node)
		switch n := node.(type) {
		case *parse.TextNode:
			parts := w.splitHooks(n)
			nodes = append(nodes, parts...)
			if last := parts[len(parts)-1]; isHook(last) {
				block = w.hookOf(last).kind == blockStartHook
			}
			continue
		case *parse.ActionNode:
			if block {
				node = w.blockCall(n)
			}
			w.prepareNumbers(n.Pipe)
		case *parse.IfNode:
			w.prepareBranch(&n.BranchNode)
			w.addTruth(n.Pipe)
		case *parse.WithNode:
			w.prepareBranch(&n.BranchNode)
			w.addTruth(n.Pipe)
		case *parse.RangeNode:
			w.prepareBranch(&n.BranchNode)
		case *parse.TemplateNode:
			w.prepareNumbers(n.Pipe)
		}
		block = false
		nodes = append(nodes, node)
	}
	nodes[0] = w.hookNode(list.Pos, hook{kind: stepHook, place: w.place(pos), cost: cost})
	list.Nodes = nodes
}

// yesOrNo are functions whose result is a boolean.
var yesOrNo = map[string]bool{"eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true, "not": true, "hasKey": true, "has": true,
	"contains": true, "hasPrefix": true, "hasSuffix": true, "empty": true, "regexMatch": true}

// addTruth makes an if or a with take a number that is written as 0.0 for zero.
func (w *rewriter) addTruth(pipe *parse.PipeNode) {
	last := pipe.Cmds[len(pipe.Cmds)-1]
	if name, ok := last.Args[0].(*parse.IdentifierNode); !ok || !yesOrNo[name.Ident] {
		pipe.Cmds = append(pipe.Cmds, w.command("truth", pipe.Pos))
	}
}

func (w *rewriter) prepareBranch(n *parse.BranchNode) {
	w.prepareNumbers(n.Pipe)
	w.prepareList(n.List, n.Pos)
	if n.ElseList != nil {
		w.prepareList(n.ElseList, n.Pos)
	}
}

// prepareNumbers makes numbers that Go would print in another way than they are
// written, such as 1.10, print as they are written.
func (w *rewriter) prepareNumbers(pipe *parse.PipeNode) {
	if pipe == nil {
		return
	}
	for _, cmd := range pipe.Cmds {
		for i, arg := range cmd.Args {
			switch n := arg.(type) {
			case *parse.NumberNode:
				if n.IsFloat && !n.IsInt && !n.IsUint && strconv.FormatFloat(n.Float64, 'f', -1, 64) != n.Text {
					text := &parse.StringNode{NodeType: parse.NodeString, Pos: n.Pos, Quoted: strconv.Quote(n.Text), Text: n.Text}
					cmd.Args[i] = w.pipe("number", n.Pos, text)
				}
			case *parse.PipeNode:
				w.prepareNumbers(n)
			}
		}
		if name, ok := cmd.Args[0].(*parse.IdentifierNode); ok && (name.Ident == "and" || name.Ident == "or" || name.Ident == "not") {
			for i, arg := range cmd.Args[1:] {
				cmd.Args[i+1] = w.pipe("truth", arg.Position(), arg)
			}
		}
	}
}

// splitHooks makes nodes of the hooks in a text.
func (w *rewriter) splitHooks(n *parse.TextNode) []parse.Node {
	var nodes []parse.Node
	text, at := string(n.Text), n.Pos
	add := func(part string) {
		if part != "" {
			nodes = append(nodes, &parse.TextNode{NodeType: parse.NodeText, Pos: at, Text: []byte(part)})
			at += parse.Pos(len(part))
		}
	}
	for text != "" {
		before, _, found := strings.Cut(text, hookPrefix)
		add(before)
		if !found {
			break
		}
		text = text[len(before):]
		end := strings.Index(text, hookEnd) + len(hookEnd)
		add(text[:end])
		text = text[end:]
	}
	return nodes
}

func (w *rewriter) hookOf(n parse.Node) hook { return w.hooks[hookNumber(n.(*parse.TextNode).Text)] }

// hookNumber reads the number of a hook.
func hookNumber(text []byte) int {
	n := 0
	for _, c := range text[len(hookPrefix) : len(text)-len(hookEnd)] {
		n = n*10 + int(c-'0')
	}
	return n
}

// blockCall is {{ include NAME DOT }}, alone on its line, as {{ template NAME DOT }};
// as a call that writes into the text where the name is not a constant.
func (w *rewriter) blockCall(n *parse.ActionNode) parse.Node {
	args := n.Pipe.Cmds[0].Args
	name, isText := args[1].(*parse.StringNode)
	if !isText || len(args) > 3 {
		args[0] = parse.NewIdentifier("includeBlock").SetTree(w.tree).SetPos(n.Pos)
		return n
	}
	call := &parse.TemplateNode{NodeType: parse.NodeTemplate, Pos: n.Pos, Line: n.Line, Name: name.Text}
	if len(args) == 3 {
		command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: args[2].Position(), Args: args[2:]}
		call.Pipe = &parse.PipeNode{NodeType: parse.NodePipe, Pos: args[2].Position(), Line: n.Line, Cmds: []*parse.CommandNode{command}}
	}
	return call
}

// nodeCost returns how many steps a node counts, less the lists in it: about as many as it
// takes times 100 nanoseconds.
func nodeCost(n parse.Node) int {
	switch n := n.(type) {
	case *parse.ActionNode:
		return 3 + pipeCost(n.Pipe)
	case *parse.IfNode:
		return 6 + pipeCost(n.Pipe)
	case *parse.WithNode:
		return 6 + pipeCost(n.Pipe)
	case *parse.RangeNode:
		return 6 + pipeCost(n.Pipe)
	case *parse.TemplateNode:
		return 12 + pipeCost(n.Pipe)
	}
	return 1
}

func pipeCost(pipe *parse.PipeNode) int {
	if pipe == nil {
		return 0
	}
	cost := 0
	for _, cmd := range pipe.Cmds {
		cost += 2
		for _, arg := range cmd.Args {
			if inner, ok := arg.(*parse.PipeNode); ok {
				cost += pipeCost(inner)
			}
			cost += 3
		}
	}
	return cost
}

// placeholders makes what an action prints a value of the manifest: {{ X }} becomes
// {{ X | value n }}.
func (w *rewriter) placeholders(list *parse.ListNode) {
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, w.command("value", n.Pos, w.action(n.Pos, n.Pipe.String())))
			}
		case *parse.IfNode:
			w.placeholdersIn(&n.BranchNode)
		case *parse.WithNode:
			w.placeholdersIn(&n.BranchNode)
		case *parse.RangeNode:
			w.placeholdersIn(&n.BranchNode)
		}
	}
}

func (w *rewriter) placeholdersIn(n *parse.BranchNode) {
	w.placeholders(n.List)
	if n.ElseList != nil {
		w.placeholders(n.ElseList)
	}
}

// action notes an action, and is its number, as an argument.
func (w *rewriter) action(at parse.Pos, text string) parse.Node {
	n := len(w.actions)
	w.actions = append(w.actions, action{place: w.place(at), text: text})
	return &parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n)}
}

// command returns a call of a function.
func (w *rewriter) command(function string, at parse.Pos, args ...parse.Node) *parse.CommandNode {
	name := parse.NewIdentifier(function).SetTree(w.tree).SetPos(at)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: append([]parse.Node{name}, args...)}
}

// pipe returns a call as an argument: (function args).
func (w *rewriter) pipe(function string, at parse.Pos, args ...parse.Node) *parse.PipeNode {
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{w.command(function, at, args...)}}
}
