package export

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// The messages of OpenTelemetry's logs as its JSON encoding has them: names in lowerCamelCase,
// numbers of 64 bits as strings: the SDK writes no files in that form. A test reads the output with the
// generated types of OpenTelemetry.
type (
	otlpRequest struct {
		ResourceLogs []otlpResourceLogs `json:"resourceLogs"`
	}
	otlpResourceLogs struct {
		Resource  otlpResource    `json:"resource"`
		ScopeLogs []otlpScopeLogs `json:"scopeLogs"`
		SchemaURL string          `json:"schemaUrl"`
	}
	otlpResource struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpScopeLogs struct {
		Scope      otlpScope    `json:"scope"`
		LogRecords []otlpRecord `json:"logRecords"`
	}
	otlpScope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	otlpRecord struct {
		Time       string          `json:"timeUnixNano"`
		Observed   string          `json:"observedTimeUnixNano"`
		Severity   int             `json:"severityNumber"`
		Text       string          `json:"severityText"`
		Body       otlpValue       `json:"body"`
		Attributes []otlpAttribute `json:"attributes"`
		EventName  string          `json:"eventName"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		String *string `json:"stringValue,omitempty"`
		Int    *string `json:"intValue,omitempty"`
		Bool   *bool   `json:"boolValue,omitempty"`
	}
)

// OTLPBatch is how many records a request has at most, as the SDKs of OpenTelemetry have it.
const OTLPBatch = 512

// OTLP is a Writer of OpenTelemetry log records.
type OTLP struct {
	out     io.Writer
	version string
	host    string
	records []otlpRecord
	line    bytes.Buffer
}

// NewOTLP returns a Writer of a log record for each event. Each Write to w is one
// ExportLogsServiceRequest as a line of JSON in ASCII, with up to 512 records; the last ones come
// with Close. version is that of porttrace.
func NewOTLP(w io.Writer, version string) *OTLP { return &OTLP{out: w, version: version} }

func (w *OTLP) Write(e *event.Event, c Context) error {
	w.host = c.Host
	l := LogRecord(e, c)
	w.records = append(w.records, encodeRecord(&l))
	if len(w.records) < OTLPBatch {
		return nil
	}
	return w.Close()
}

// Close writes the records that are kept. The Writer can be used after it.
func (w *OTLP) Close() error {
	if len(w.records) == 0 {
		return nil
	}
	request := otlpRequest{ResourceLogs: []otlpResourceLogs{{
		Resource:  otlpResource{encodeAttributes(OTLPResource(w.host, w.version))},
		ScopeLogs: []otlpScopeLogs{{Scope: otlpScope{"porttrace", w.version}, LogRecords: w.records}},
		SchemaURL: OTLPSchema,
	}}}
	w.line.Reset()
	encoder := json.NewEncoder(&w.line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(&request); err != nil {
		return err
	}
	w.records = w.records[:0]
	_, err := w.out.Write(printable.JSON(w.line.Bytes()))
	return err
}

func encodeRecord(l *log.Record) otlpRecord {
	at := "0" // not known
	if wall := l.Timestamp(); !wall.IsZero() {
		at = strconv.FormatInt(wall.UnixNano(), 10)
	}
	var list []attribute.KeyValue
	l.WalkAttributes(func(a attribute.KeyValue) bool {
		list = append(list, a)
		return true
	})
	return otlpRecord{
		Time: at, Observed: at, Severity: int(l.Severity()), Text: l.SeverityText(), Body: encodeValue(l.Body()),
		Attributes: encodeAttributes(list), EventName: l.EventName(),
	}
}

func encodeAttributes(list []attribute.KeyValue) []otlpAttribute {
	encoded := make([]otlpAttribute, len(list))
	for i, a := range list {
		encoded[i] = otlpAttribute{string(a.Key), encodeValue(a.Value)}
	}
	return encoded
}

func encodeValue(v attribute.Value) otlpValue {
	switch v.Type() {
	case attribute.INT64:
		digits := strconv.FormatInt(v.AsInt64(), 10)
		return otlpValue{Int: &digits}
	case attribute.BOOL:
		is := v.AsBool()
		return otlpValue{Bool: &is}
	}
	text := v.AsString()
	return otlpValue{String: &text}
}
