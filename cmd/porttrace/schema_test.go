package main

import (
	"bytes"
	"flag"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/porttrace/porttrace/internal/lab/schema"
)

var update = flag.Bool("update", false, "write the schemas of this package")

const schemas = "../../docs/schema"

func TestSchemas(t *testing.T) {
	t.Parallel()
	words := filepath.Join(schemas, "fields.txt")
	check := schema.New(t, words, ".", "../../internal/event")
	schema.Current(t, filepath.Join(schemas, "check.json"),
		check.Document(t, checkSchema, "porttrace check --json", check.Of(reflect.TypeFor[checked]())), *update)
	explain := schema.New(t, words, ".")
	root := schema.Object{
		"if":   schema.Object{"required": []string{"causes"}},
		"then": explain.Of(reflect.TypeFor[explainedList]()), "else": explain.Of(reflect.TypeFor[explained]()),
	}
	schema.Current(t, filepath.Join(schemas, "explain.json"),
		explain.Document(t, explainSchema, "porttrace explain --json, of one cause and of all", root), *update)
}

// validCommand checks each JSON value of a file against a schema of docs/schema. Here, other than for
// users, a field that the schema does not have is wrong.
func validCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: valid SCHEMA FILE")
	}
	text, err := schema.Read(filepath.Join(schemas, args[0]+".json"))
	ts.Check(err)
	closed(text)
	compiler := jsonschema.NewCompiler()
	ts.Check(compiler.AddResource("schema.json", text))
	compiled, err := compiler.Compile("schema.json")
	ts.Check(err)
	n := 0
	for value, err := range schema.Values(bytes.NewBufferString(ts.ReadFile(args[1]))) {
		ts.Check(err)
		if err := compiled.Validate(value); err != nil {
			ts.Fatalf("value %d: %v", n, err)
		}
		n++
	}
	if n == 0 {
		ts.Fatalf("%s has no value", args[1])
	}
}

// closed lets objects have no fields but those of the schema.
func closed(part any) {
	switch part := part.(type) {
	case map[string]any:
		if _, object := part["required"]; object && part["type"] == "object" {
			part["additionalProperties"] = false
		}
		for _, inner := range part {
			closed(inner)
		}
	case []any:
		for _, inner := range part {
			closed(inner)
		}
	}
}
