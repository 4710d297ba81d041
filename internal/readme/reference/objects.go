package reference

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Object is a struct type of the module whose JSON has a part of the page: what a command prints,
// or an object that is in several of these.
type Object struct {
	Title   string // what has it, as a heading
	Package string // its folder, such as cmd/tagbump
	Type    string
}

// Types are the struct types of a module's packages, with their comments.
type Types struct {
	top    string
	read   map[string]map[string]*declared // package folder → type
	titles map[*declared]string            // of those that have a part of the page
}

// declared is a type of the module, with what is needed to follow its fields.
type declared struct {
	spec    *ast.TypeSpec
	doc     string
	imports map[string]string // name → package folder of the module
}

// NewTypes returns the types of the module whose root is the folder top. They are read when they
// are needed.
func NewTypes(top string) *Types {
	return &Types{top, map[string]map[string]*declared{}, map[*declared]string{}}
}

// pkg returns the types of a package.
func (t *Types) pkg(folder string) (map[string]*declared, error) {
	if known, ok := t.read[folder]; ok {
		return known, nil
	}
	files, err := filepath.Glob(filepath.Join(t.top, folder, "*.go"))
	if err != nil {
		return nil, err
	}
	types := map[string]*declared{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		imports := map[string]string{}
		for _, i := range parsed.Imports {
			if inside, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), "k8srepo/"); ours {
				imports[path.Base(inside)] = inside
			}
		}
		for _, decl := range parsed.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok || general.Tok != token.TYPE {
				continue
			}
			for _, spec := range general.Specs {
				spec := spec.(*ast.TypeSpec)
				text := spec.Doc.Text()
				if text == "" {
					text = general.Doc.Text()
				}
				types[spec.Name.Name] = &declared{spec, text, imports}
			}
		}
	}
	t.read[folder] = types
	return types, nil
}

// Objects describes objects: each key, its type, and the comment that the code has on it.
// Where one of them is in another, there is a link.
func (t *Types) Objects(objects []Object) (string, error) {
	all := make([]*declared, len(objects))
	for i, o := range objects {
		types, err := t.pkg(o.Package)
		if err != nil {
			return "", err
		}
		if all[i] = types[o.Type]; all[i] == nil {
			return "", fmt.Errorf("%s has no type %s", o.Package, o.Type)
		}
		t.titles[all[i]] = o.Title
	}
	var b strings.Builder
	for i, o := range objects {
		d := all[i]
		fmt.Fprintf(&b, "\n## %s\n\n", o.Title)
		b.WriteString(prose(d.doc, o.Type))
		table := NewTable(&b, "key", "value", "meaning")
		if err := t.rows(table, "", o.Package, d, nil); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// prose returns a type's comment as Markdown.
func prose(text, name string) string {
	var p comment.Parser
	var printer comment.Printer
	text = string(printer.Markdown(p.Parse(text)))
	for _, verb := range []string{"is", "are"} {
		text = strings.TrimPrefix(text, name+" "+verb+" ")
	}
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "\n"
}

// rows adds a row for each key of a struct of a package, and below it those of the objects in it.
// prefix is the path of the struct, above the structs around it.
func (t *Types) rows(table Table, prefix, folder string, d *declared, above []*declared) error {
	fields, ok := d.spec.Type.(*ast.StructType)
	if !ok {
		return fmt.Errorf("%s is no struct", d.spec.Name.Name)
	}
	if slices.Contains(above, d) {
		return nil // it holds itself
	}
	above = append(above, d)
	for _, field := range fields.Fields.List {
		in, inside, kind, err := t.typeOf(folder, d, field.Type)
		if err != nil {
			return err
		}
		if len(field.Names) == 0 { // embedded: its keys are this object's
			if err := t.rows(table, prefix, inside, in, above); err != nil {
				return err
			}
			continue
		}
		tag := ""
		if field.Tag != nil {
			tag = reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" || name == "-" {
			continue
		}
		meaning := strings.TrimSpace(field.Comment.Text() + " " + field.Doc.Text())
		if strings.Contains(options, "omit") {
			kind += ", optional"
		}
		title, linked := t.titles[in]
		if linked {
			kind = strings.Replace(kind, "object", "["+strings.ToLower(title)+"](#"+strings.ReplaceAll(strings.ToLower(title), " ", "-")+")", 1)
		}
		table.Row(Code(prefix+name), kind, meaning)
		if in == nil || linked {
			continue
		}
		below := prefix + name + "."
		if strings.HasPrefix(kind, "list") {
			below = prefix + name + "[]."
		} else if strings.HasPrefix(kind, "map") {
			below = prefix + name + ".NAME."
		}
		if err := t.rows(table, below, inside, in, above); err != nil {
			return err
		}
	}
	return nil
}

// typeOf returns what a field's value is in JSON, such as "list of string", and the struct type
// that it leads to, with its package; nil where it leads to none. The field is of d, in a package.
func (t *Types) typeOf(folder string, d *declared, e ast.Expr) (in *declared, inside, kind string, err error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return t.typeOf(folder, d, e.X)
	case *ast.ArrayType:
		in, inside, kind, err := t.typeOf(folder, d, e.Elt)
		return in, inside, "list of " + kind, err
	case *ast.MapType:
		in, inside, kind, err := t.typeOf(folder, d, e.Value)
		return in, inside, "map to " + kind, err
	case *ast.SelectorExpr:
		name := e.X.(*ast.Ident).Name
		if inside, ours := d.imports[name]; ours {
			return t.named(inside, e.Sel.Name)
		}
		if name == "time" && e.Sel.Name == "Time" {
			return nil, "", "time (RFC 3339)", nil
		}
		return nil, "", "", fmt.Errorf("%s.%s is not known", name, e.Sel.Name)
	case *ast.Ident:
		return t.named(folder, e.Name)
	}
	return nil, "", "", fmt.Errorf("%T is not known", e)
}

// named is typeOf for a type of a package, by its name.
func (t *Types) named(folder, name string) (in *declared, inside, kind string, err error) {
	basic := map[string]string{"string": "string", "bool": "true or false", "int": "number", "int64": "number", "float64": "number", "any": "anything"}
	if kind, ok := basic[name]; ok {
		return nil, "", kind, nil
	}
	types, err := t.pkg(folder)
	if err != nil {
		return nil, "", "", err
	}
	d := types[name]
	if d == nil {
		return nil, "", "", fmt.Errorf("%s has no type %s", folder, name)
	}
	if _, isStruct := d.spec.Type.(*ast.StructType); isStruct {
		return d, folder, "object", nil
	}
	_, _, kind, err = t.typeOf(folder, d, d.spec.Type)
	return nil, "", kind, err
}

// Versioned returns the struct types below folders that have a key "version", as "folder.Type":
// each is an object that some command prints.
func (t *Types) Versioned(folders ...string) ([]string, error) {
	var list []string
	for _, top := range folders {
		err := filepath.WalkDir(filepath.Join(t.top, top), func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() || e.Name() == "testdata" {
				return err
			}
			folder, err := filepath.Rel(t.top, name)
			if err != nil {
				return err
			}
			types, err := t.pkg(filepath.ToSlash(folder))
			if err != nil {
				return err
			}
			for typeName, d := range types {
				if fields, ok := d.spec.Type.(*ast.StructType); ok && hasKey(fields, "version") {
					list = append(list, filepath.ToSlash(folder)+"."+typeName)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func hasKey(fields *ast.StructType, key string) bool {
	for _, f := range fields.Fields.List {
		if f.Tag == nil {
			continue
		}
		name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		if name == key {
			return true
		}
	}
	return false
}
