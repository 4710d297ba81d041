package inventory

import "io/fs"

// CompileSchema is schema.Compile, which a test of this package cannot import.
var CompileSchema Compiler

func loadAll(fsys fs.FS) (*Inventory, error) { return Load(fsys, CompileSchema) }
