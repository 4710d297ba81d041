package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"k8srepo/internal/limit"
)

// objectCost is what an object takes beside its content, about, in memory: packs of
// countless tiny objects are bounded too.
const objectCost = 256

// packReader reads one pack into a Remote's store. Unlike go-git's own it never holds more
// than the bounds allow, and no object of more than limit.MaxFile: such a file is
// left out, and reading it is an error that says so.
type packReader struct {
	remote *Remote
	size   int64 // of all that was unpacked

	content map[Hash][]byte // of what may be a base
	kind    map[Hash]plumbing.ObjectType
	at      map[int64]Hash // objects by their offset in the pack; the zero Hash was left out

	waitsForOffset map[int64][]delta // for a base that is a delta itself, and waits
	waitsForHash   map[Hash][]delta  // for a base further on in the pack
	waiting        int
}

// delta is an object as the difference to another one.
type delta struct {
	offset int64
	data   []byte
	base   int64 // the offset of its base, once that is here
}

// readPack reads a pack.
func (r *Remote) readPack(ctx context.Context, pack io.Reader) error {
	p := &packReader{
		remote:  r,
		content: map[Hash][]byte{}, kind: map[Hash]plumbing.ObjectType{}, at: map[int64]Hash{},
		waitsForOffset: map[int64][]delta{}, waitsForHash: map[Hash][]delta{},
	}
	scanner := packfile.NewScanner(pack)
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	for range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.next(scanner); err != nil {
			return err
		}
	}
	if p.waiting > 0 && !r.leftOut {
		return errors.New("the base of a difference is missing")
	}
	_, err = scanner.Checksum()
	return err
}

// next reads the next object of the pack.
func (p *packReader) next(scanner *packfile.Scanner) error {
	h, err := scanner.NextObjectHeader()
	if err != nil {
		return err
	}
	if err := p.grow(h.Length); err != nil {
		return err
	}
	isDelta := h.Type == plumbing.OFSDeltaObject || h.Type == plumbing.REFDeltaObject
	if h.Length > limit.MaxFile {
		return p.leaveOut(scanner, h, isDelta)
	}
	var data bytes.Buffer
	data.Grow(int(h.Length))
	if n, _, err := scanner.NextObject(&data); err != nil || n != h.Length {
		return fmt.Errorf("an object of %d bytes is cut short: %w", h.Length, orEOF(err))
	}
	switch h.Type {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
		return p.store(h.Offset, h.Type, data.Bytes())
	case plumbing.OFSDeltaObject:
		base, known := p.at[h.OffsetReference]
		if !known {
			p.waiting++
			p.waitsForOffset[h.OffsetReference] = append(p.waitsForOffset[h.OffsetReference], delta{offset: h.Offset, data: data.Bytes()})
			return nil
		}
		return p.patch(base, delta{offset: h.Offset, data: data.Bytes()})
	case plumbing.REFDeltaObject:
		if !p.has(h.Reference) {
			p.waiting++
			p.waitsForHash[h.Reference] = append(p.waitsForHash[h.Reference], delta{offset: h.Offset, data: data.Bytes()})
			return nil
		}
		return p.patch(h.Reference, delta{offset: h.Offset, data: data.Bytes()})
	}
	return fmt.Errorf("an object of type %d", h.Type)
}

func orEOF(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// grow counts what is about to be unpacked.
func (p *packReader) grow(n int64) error {
	max := p.remote.bounds.pack
	if p.size += n + objectCost; n > max || p.size > max {
		return &limit.Error{What: "what the server's pack unpacks to", Max: max}
	}
	return nil
}

// leaveOut passes over an object that is too large, and keeps its name.
func (p *packReader) leaveOut(scanner *packfile.Scanner, h *packfile.ObjectHeader, isDelta bool) error {
	p.remote.leftOut = true
	p.at[h.Offset] = Hash{}
	if isDelta {
		_, _, err := scanner.NextObject(io.Discard)
		return err
	}
	name := plumbing.NewHasher(h.Type, h.Length)
	if n, _, err := scanner.NextObject(name); err != nil || n != h.Length {
		return fmt.Errorf("an object of %d bytes is cut short: %w", h.Length, orEOF(err))
	}
	p.remote.tooLarge(name.Sum())
	return nil
}

// has reports whether an object may be a base, and has its content ready if so. What is
// in the store may be one in a thin pack.
func (p *packReader) has(h Hash) bool {
	if _, ok := p.content[h]; ok {
		return true
	}
	o, err := p.remote.store.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return false
	}
	reader, err := o.Reader()
	if err != nil {
		return false
	}
	defer reader.Close()
	data := make([]byte, o.Size())
	if _, err := io.ReadFull(reader, data); err != nil {
		return false
	}
	p.content[h], p.kind[h] = data, o.Type()
	return true
}

// patch makes an object of its base and its difference, and keeps it.
func (p *packReader) patch(base Hash, d delta) error {
	data, err := p.patched(base, d)
	if err != nil || data == nil {
		return err
	}
	return p.store(d.offset, p.kind[base], data)
}

// patched returns a base with a difference. It is nil for what is left out: too large, or its
// base is.
func (p *packReader) patched(base Hash, d delta) ([]byte, error) {
	if base.IsZero() {
		p.at[d.offset] = Hash{}
		return nil, nil
	}
	target, err := targetSize(d.data)
	if err != nil {
		return nil, err
	}
	if err := p.grow(target); err != nil {
		return nil, err
	}
	if target > limit.MaxFile {
		p.remote.leftOut, p.at[d.offset] = true, Hash{}
		return nil, nil
	}
	return packfile.PatchDelta(p.content[base], d.data)
}

// targetSize returns the size of what a difference makes: the second number in it.
func targetSize(d []byte) (int64, error) {
	size := int64(0)
	for range 2 {
		size = 0
		for shift := 0; ; shift += 7 {
			if len(d) == 0 || shift > 56 {
				return 0, packfile.ErrInvalidDelta
			}
			b := d[0]
			d = d[1:]
			size |= int64(b&0x7f) << shift
			if b&0x80 == 0 {
				break
			}
		}
	}
	return size, nil
}

// store keeps an object, and makes those that have waited for it.
func (p *packReader) store(offset int64, kind plumbing.ObjectType, data []byte) error {
	ready, err := p.keep(offset, kind, data)
	for err == nil && len(ready) > 0 {
		d := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		base := p.at[d.base]
		var more []delta
		if data, err = p.patched(base, d); err == nil && data != nil {
			more, err = p.keep(d.offset, p.kind[base], data)
		}
		ready = append(ready, more...)
	}
	return err
}

// keep keeps an object, and returns the differences that it is the base of.
func (p *packReader) keep(offset int64, kind plumbing.ObjectType, data []byte) ([]delta, error) {
	o := &object{kind: kind, data: data, hash: plumbing.ComputeHash(kind, data)}
	if _, err := p.remote.store.SetEncodedObject(o); err != nil {
		return nil, err
	}
	p.at[offset], p.content[o.hash], p.kind[o.hash] = o.hash, data, kind
	ready := append(p.waitsForOffset[offset], p.waitsForHash[o.hash]...)
	for i := range ready {
		ready[i].base = offset
	}
	p.waiting -= len(ready)
	delete(p.waitsForOffset, offset)
	delete(p.waitsForHash, o.hash)
	return ready, nil
}

// object is an object in memory, as plumbing.MemoryObject is, without a copy of its content.
type object struct {
	kind plumbing.ObjectType
	data []byte
	hash Hash
}

func (o *object) Hash() Hash                      { return o.hash }
func (o *object) Type() plumbing.ObjectType       { return o.kind }
func (o *object) Size() int64                     { return int64(len(o.data)) }
func (o *object) SetType(plumbing.ObjectType)     {}
func (o *object) SetSize(int64)                   {}
func (o *object) Reader() (io.ReadCloser, error)  { return io.NopCloser(bytes.NewReader(o.data)), nil }
func (o *object) Writer() (io.WriteCloser, error) { return nil, errors.ErrUnsupported }
