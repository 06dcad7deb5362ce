package report

import (
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/schema"
)

func TestSchemas(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		id, title string
		of        reflect.Type
	}{
		"report": {Schema, "porttrace report --json", reflect.TypeFor[document]()},
		"doctor": {DoctorSchema, "porttrace doctor --json", reflect.TypeFor[diagnosis]()},
	} {
		m := schema.New(t, "../../docs/schema/fields.txt", ".", "../event")
		schema.Current(t, "../../docs/schema/"+name+".json", m.Document(t, one.id, one.title, m.Of(one.of)), *update)
	}
}
