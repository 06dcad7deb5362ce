package export

import (
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/schema"
)

// TestSchema: docs/schema/event.json is that of a line of JSON; a port space has fields of its own.
func TestSchema(t *testing.T) {
	t.Parallel()
	m := schema.New(t, "../../docs/schema/fields.txt", ".")
	root := schema.Object{
		"if":   schema.Object{"properties": schema.Object{"kind": schema.Object{"const": "port_space"}}},
		"then": m.Of(reflect.TypeFor[space]()), "else": m.Of(reflect.TypeFor[record]()),
	}
	schema.Current(t, "../../docs/schema/event.json", m.Document(t, "porttrace.event/v1",
		"a line of porttrace export and events, --format jsonl; CSV and Parquet have the same names", root), *update)
}
