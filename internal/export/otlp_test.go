package export

import (
	"bytes"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/porttrace/porttrace/internal/event"
)

func otlpLines(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewOTLP(&out, "v1")
	for _, one := range each() {
		one.c.Host = "shop-1"
		if err := w.Write(&one.e, one.c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestOTLP: the types that OpenTelemetry generates read each line, and know all of its fields.
func TestOTLP(t *testing.T) {
	t.Parallel()
	out := otlpLines(t)
	golden(t, "events.otlp.jsonl", out)
	if bytes.Count(out, []byte("\n")) != 1 || bytes.ContainsFunc(out, func(r rune) bool { return r > '~' }) {
		t.Error("not one line of ASCII")
	}
	var request logs.LogsData // has the same fields as an ExportLogsServiceRequest
	if err := protojson.Unmarshal(out, &request); err != nil {
		t.Fatal(err)
	}
	host := ""
	for _, a := range request.ResourceLogs[0].Resource.Attributes {
		if a.Key == "host.name" {
			host = a.Value.GetStringValue()
		}
	}
	records := request.ResourceLogs[0].ScopeLogs[0].LogRecords
	if host != "shop-1" || len(records) != len(each()) {
		t.Fatalf("%d records of host %q", len(records), host)
	}
	for i, one := range each() {
		known := map[string]string{}
		for _, a := range records[i].Attributes {
			if _, twice := known[a.Key]; twice {
				t.Errorf("%s is in record %d twice", a.Key, i)
			}
			known[a.Key] = a.Value.GetStringValue()
		}
		failed := one.e.Kind == event.ConnectFail || one.e.Kind == event.BindFail
		if failed != (records[i].SeverityNumber == logs.SeverityNumber_SEVERITY_NUMBER_ERROR) && one.e.Kind != event.SpaceChanged {
			t.Errorf("%s has severity %s", one.e.Kind, records[i].SeverityNumber)
		}
		if failed != (known["error.type"] != "") {
			t.Errorf("%s has error.type %q", one.e.Kind, known["error.type"])
		}
		if wall := one.c.Clock.WallTime(one.e.Time); !wall.IsZero() && records[i].TimeUnixNano != uint64(wall.UnixNano()) {
			t.Errorf("record %d is of %d, want %s", i, records[i].TimeUnixNano, wall)
		}
	}
}

// TestOTLPBatches: a request has up to 512 records, the last one what is left.
func TestOTLPBatches(t *testing.T) {
	t.Parallel()
	var sizes []int
	w := NewOTLP(writerFunc(func(line []byte) {
		var request logs.LogsData
		if err := protojson.Unmarshal(line, &request); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(request.ResourceLogs[0].ScopeLogs[0].LogRecords))
	}), "v1")
	one := each()[0]
	for range 2*OTLPBatch + 1 {
		if err := w.Write(&one.e, one.c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 3 || sizes[0] != OTLPBatch || sizes[1] != OTLPBatch || sizes[2] != 1 {
		t.Errorf("requests of %d records", sizes)
	}
}

// TestOTLPEnds: the source is the end that has sent the SYN.
func TestOTLPEnds(t *testing.T) {
	t.Parallel()
	for direction, want := range map[event.Direction]string{event.Out: "10.0.0.1", event.In: "10.0.0.2", event.Unknown: "10.0.0.1"} {
		e := event.Event{Kind: event.Close, Direction: direction, Src: endpoint4("10.0.0.1:40000"), Dst: endpoint4("10.0.0.2:80")}
		l := LogRecord(&e, Context{})
		l.WalkAttributes(func(a attribute.KeyValue) bool {
			if a.Key == "source.address" && a.Value.AsString() != want {
				t.Errorf("direction %s: the source is %s, want %s", direction, a.Value.AsString(), want)
			}
			return true
		})
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) {
	f(b)
	return len(b), nil
}
