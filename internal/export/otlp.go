package export

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// The messages of OpenTelemetry's logs as its JSON encoding has them: names in lowerCamelCase,
// numbers of 64 bits as strings. The generated types of OpenTelemetry would make the program 2.5 MB
// larger; a test reads the output with them.
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

// otlpSchema is the version of the semantic conventions that the names of attributes are of.
const otlpSchema = "https://opentelemetry.io/schemas/1.37.0"

// otlpBatch is how many records a request has at most, as the SDKs of OpenTelemetry have it.
const otlpBatch = 512

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
	w.records = append(w.records, newLog(e, c))
	if len(w.records) < otlpBatch {
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
		Resource:  newOTLPResource(w.host, w.version),
		ScopeLogs: []otlpScopeLogs{{Scope: otlpScope{"porttrace", w.version}, LogRecords: w.records}},
		SchemaURL: otlpSchema,
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

func newOTLPResource(host, version string) otlpResource {
	return otlpResource{otlpAttributes{}.text("service.name", "porttrace").text("service.version", version).
		text("host.name", host).text("os.type", "linux")}
}

// otlpAttributes leave out what is not known.
type otlpAttributes []otlpAttribute

func (a otlpAttributes) text(key, value string) otlpAttributes {
	if value == "" {
		return a
	}
	value = printable.String(value)
	return append(a, otlpAttribute{key, otlpValue{String: &value}})
}

func (a otlpAttributes) number(key string, value uint64) otlpAttributes {
	if value == 0 {
		return a
	}
	return a.optional(key, &value)
}

func (a otlpAttributes) optional(key string, value *uint64) otlpAttributes {
	if value == nil {
		return a
	}
	digits := strconv.FormatUint(*value, 10)
	if *value > math.MaxInt64 { // is no int of OpenTelemetry
		return a.text(key, digits)
	}
	return append(a, otlpAttribute{key, otlpValue{Int: &digits}})
}

func (a otlpAttributes) flag(key string, value *bool) otlpAttributes {
	if value == nil {
		return a
	}
	return append(a, otlpAttribute{key, otlpValue{Bool: value}})
}
