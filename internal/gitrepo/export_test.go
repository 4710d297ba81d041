package gitrepo

// SetBounds gives a Remote other bounds than package limit's, so that reaching them
// costs a test little.
func (r *Remote) SetBounds(pack, answer int64, entries int) {
	r.bounds = bounds{pack, answer, entries}
}

// Bounds returns what SetBounds sets.
func (r *Remote) Bounds() (pack, answer int64, entries int) {
	return r.bounds.pack, r.bounds.answer, r.bounds.entries
}
