package gittest

import (
	"crypto/sha1"
	"encoding/binary"
	"slices"
	"sync"
)

// packer gathers the objects of a pack.
type packer struct {
	repo   *Repo
	filter string
	leave  map[string]bool // what is there already
	chosen map[string]bool
	order  []string
	kinds  map[string]string
	raws   map[string]string
	failed bool // an object is not loose
}

func (p *packer) read(hash string) (kind, raw string) {
	if kind, ok := p.kinds[hash]; ok {
		return kind, p.raws[hash]
	}
	kind, raw, ok := p.repo.loose(hash)
	p.failed = p.failed || !ok
	p.kinds[hash], p.raws[hash] = kind, raw
	return kind, raw
}

func (p *packer) add(hash string) {
	if !p.chosen[hash] && !p.leave[hash] {
		p.chosen[hash] = true
		p.order = append(p.order, hash)
	}
}

// tree visits what is below a tree.
func (p *packer) tree(hash string, visit func(e treeEntry) (deeper bool)) {
	if _, raw := p.read(hash); !p.failed {
		for _, e := range parseTree(raw) {
			if e.mode != "160000" && visit(e) && e.mode == modeTree {
				p.tree(e.hash, visit)
			}
		}
	}
}

// want adds an object that was asked for by its hash, and what is in it.
func (p *packer) want(hash string) {
	p.add(hash)
	if kind, _ := p.read(hash); kind == "tree" {
		p.below(hash)
	}
}

// below adds what the filter leaves of a tree.
func (p *packer) below(tree string) {
	if p.filter == "tree:0" {
		return
	}
	p.tree(tree, func(e treeEntry) bool {
		if p.leave[e.hash] || p.chosen[e.hash] {
			return false
		}
		if e.mode == modeTree || p.filter != "blob:none" {
			p.add(e.hash)
		}
		return true
	})
}

// know notes what a client has: the history of a commit, up to what is shallow there or packed
// here, and the files of the commit.
func (p *packer) know(commit string, shallow map[string]bool) {
	for queue := []string{commit}; len(queue) > 0; queue = queue[1:] {
		if p.leave[queue[0]] {
			continue
		}
		p.leave[queue[0]] = true
		if _, raw, loose := p.repo.loose(queue[0]); loose && !shallow[queue[0]] {
			queue = append(queue, parents(raw)...)
		}
	}
	_, raw := p.read(commit)
	p.leave[header(raw, "tree")] = true
	p.tree(header(raw, "tree"), func(e treeEntry) bool { p.leave[e.hash] = true; return true })
}

// commits adds what was wanted: of commits so much of their history. It returns those
// whose parents stay behind.
func (p *packer) commits(wants []string, depth int, clientShallow map[string]bool) (shallow []string) {
	for _, want := range wants {
		if kind, _ := p.read(want); kind != "commit" {
			p.want(want)
			continue
		}
		level := []string{want}
		for n := 1; len(level) > 0 && !p.failed; n++ {
			var next []string
			for _, hash := range level {
				_, raw := p.read(hash)
				p.add(hash)
				if tree := header(raw, "tree"); p.filter != "tree:0" && !p.leave[tree] && !p.leave[hash] {
					p.add(tree)
					p.below(tree)
				}
				switch before := parents(raw); {
				case depth > 0 && n == depth && len(before) > 0:
					if !clientShallow[hash] && !slices.Contains(shallow, hash) {
						shallow = append(shallow, hash)
					}
				default:
					for _, parent := range before {
						if !p.chosen[parent] && (depth > 0 || !p.leave[parent]) {
							next = append(next, parent)
						}
					}
				}
			}
			level = next
		}
	}
	return shallow
}

// pack returns the pack of what was chosen, each object whole.
func (p *packer) pack() []byte {
	out := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(p.order)))
	for _, hash := range p.order {
		kind, raw := p.read(hash)
		out = appendObject(out, hash, content{kind, raw})
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// deflations are the objects that packs had so far, compressed, by hash.
var deflations sync.Map

func deflated(hash, raw string) []byte {
	if known, ok := deflations.Load(hash); ok {
		return known.([]byte)
	}
	packed := deflate(raw)
	if len(raw) <= maxKept {
		deflations.Store(hash, packed)
	}
	return packed
}
