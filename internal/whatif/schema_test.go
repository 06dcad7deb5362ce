package whatif

import (
	"flag"
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/schema"
)

var update = flag.Bool("update", false, "write the schema")

func TestSchema(t *testing.T) {
	t.Parallel()
	m := schema.New(t, "../../docs/schema/fields.txt", ".")
	schema.Current(t, "../../docs/schema/whatif.json", m.Document(t, "porttrace.whatif",
		"porttrace whatif --json; with --all-profiles an array of these", m.Of(reflect.TypeFor[answerJSON]())), *update)
}
