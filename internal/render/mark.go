package render

import (
	"strconv"
	"text/template/parse"
)

// mark rewrites the parsed templates so that what an action prints becomes a
// value of the manifest: {{ X }} becomes {{ X | value n }}, as html/template adds
// its escapers.
func (t *Templates) mark() {
	t.rewrite(func(m *marker, list *parse.ListNode) { m.list(list) })
}

// rewrite calls f with each parsed template.
func (t *Templates) rewrite(f func(*marker, *parse.ListNode)) {
	for _, tmpl := range t.set.Templates() {
		if tmpl.Tree != nil && tmpl.Root != nil {
			f(&marker{t, tmpl.Tree}, tmpl.Root)
		}
	}
}

// marker rewrites one parsed template.
type marker struct {
	*Templates
	tree *parse.Tree
}

func (m *marker) list(list *parse.ListNode) {
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, m.command("value", n.Pos, m.action(n.Pos, n.Pipe.String())))
			}
		case *parse.IfNode:
			m.branches(&n.BranchNode)
		case *parse.WithNode:
			m.branches(&n.BranchNode)
		case *parse.RangeNode:
			m.branches(&n.BranchNode)
		}
	}
}

func (m *marker) branches(n *parse.BranchNode) {
	m.list(n.List)
	if n.ElseList != nil {
		m.list(n.ElseList)
	}
}

// action notes an action, and is its number, as an argument.
func (m *marker) action(at parse.Pos, text string) parse.Node {
	n := len(m.actions)
	m.actions = append(m.actions, action{place: m.sources[m.tree.ParseName].place(at), text: text})
	return &parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n)}
}

// command is a call of a function.
func (m *marker) command(function string, at parse.Pos, args ...parse.Node) *parse.CommandNode {
	name := parse.NewIdentifier(function).SetTree(m.tree).SetPos(at)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: append([]parse.Node{name}, args...)}
}
