// Package schema makes the JSON Schemas of docs/schema from the Go types that are encoded. It is
// used by tests alone.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Object is a JSON Schema, or a part of one.
type Object = map[string]any

// Maker makes schemas of types.
type Maker struct {
	comments map[string]string // of fields: Type.Field
	words    map[string]string // what a field is that has no comment, by its name in JSON
	defs     Object
	missing  []string
}

// New returns a Maker that knows the comments of the packages in these folders, and the words of a
// file with lines of "name: description".
func New(t *testing.T, words string, folders ...string) *Maker {
	t.Helper()
	m := &Maker{comments: make(map[string]string), words: make(map[string]string), defs: Object{}}
	text, err := os.ReadFile(words)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, what, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			m.words[name] = what
		}
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		for _, file := range files {
			m.read(t, file)
		}
	}
	return m
}

// read takes the comments at the end of the lines of fields.
func (m *Maker) read(t *testing.T, file string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if fields, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					m.comments[spec.Name.Name+"."+name.Name] = strings.TrimSpace(field.Comment.Text())
				}
			}
		}
		return true
	})
}

// Document returns the schema of the type as a file: an object, of which each field is described.
// Fields may be added to what is encoded, so unknown ones are allowed.
func (m *Maker) Document(t *testing.T, id, title string, root Object) []byte {
	t.Helper()
	for _, name := range m.missing {
		t.Errorf("%s has no description: a comment at the end of its line, or a line of docs/schema/fields.txt", name)
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"], root["$comment"], root["$defs"] = title, id, m.defs
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Of returns the schema of the type; a struct is in the definitions of the document.
func (m *Maker) Of(t reflect.Type) Object {
	switch t.Kind() {
	case reflect.Pointer:
		inner := m.Of(t.Elem())
		if inner["$ref"] != nil {
			return Object{"anyOf": []Object{inner, {"type": "null"}}}
		}
		inner["type"] = []any{inner["type"], "null"}
		return inner
	case reflect.Bool:
		return Object{"type": "boolean"}
	case reflect.String:
		return Object{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return Object{"type": "number"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Object{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Object{"type": "integer", "minimum": 0}
	case reflect.Slice:
		return Object{"type": "array", "items": m.Of(t.Elem())}
	case reflect.Array:
		return Object{"type": "array", "items": m.Of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Struct:
		return m.ofStruct(t)
	}
	panic(fmt.Sprintf("no schema of %s", t))
}

func (m *Maker) ofStruct(t reflect.Type) Object {
	ref := Object{"$ref": "#/$defs/" + t.Name()}
	if m.defs[t.Name()] != nil {
		return ref
	}
	properties, depths := Object{}, make(map[string]int)
	required := []string{}
	m.defs[t.Name()] = Object{}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" || name == "-" || !field.IsExported() {
			continue
		}
		if depth, found := depths[name]; found && depth <= len(field.Index) {
			continue // hidden by a field that is less deep, as encoding/json has it
		} else if !found && !strings.Contains(options, "omitempty") {
			required = append(required, name)
		}
		depths[name] = len(field.Index)
		property := m.Of(field.Type)
		property["description"] = m.describe(t, field, name)
		properties[name] = property
	}
	m.defs[t.Name()] = Object{"type": "object", "properties": properties, "required": required}
	return ref
}

// describe returns what the field is: by its comment, and by its name.
func (m *Maker) describe(t reflect.Type, field reflect.StructField, name string) string {
	owner := t // the struct that has the field itself
	for _, i := range field.Index[:len(field.Index)-1] {
		if owner = owner.Field(i).Type; owner.Kind() == reflect.Pointer {
			owner = owner.Elem()
		}
	}
	words := m.words[owner.Name()+"."+name]
	if words == "" {
		words = m.words[name]
	}
	comment := m.comments[owner.Name()+"."+field.Name]
	switch {
	case words == "" && comment == "":
		m.missing = append(m.missing, owner.Name()+"."+name)
	case words == "":
		return comment
	case comment == "":
		return words
	}
	return words + "; " + comment
}

// Current compares a schema with its file, or writes it.
func Current(t *testing.T, path string, got []byte, update bool) {
	t.Helper()
	if update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not that of the types: make golden writes it", path)
	}
}

// Read returns a schema for a validator.
func Read(path string) (any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for value, err := range Values(bytes.NewReader(text)) {
		return value, err
	}
	return nil, io.ErrUnexpectedEOF
}

// Values returns the JSON values of a text, with numbers as they are written.
func Values(from io.Reader) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		decoder := json.NewDecoder(from)
		decoder.UseNumber()
		for {
			var value any
			err := decoder.Decode(&value)
			if errors.Is(err, io.EOF) || !yield(value, err) || err != nil {
				return
			}
		}
	}
}
