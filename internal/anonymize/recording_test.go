package anonymize_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/report"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// recordings returns all incidents, and the recordings of the demo.
func recordings(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, incident := range recorded.Incidents() {
		file, err := recorded.File(incident.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[incident.Name] = file
	}
	versions, err := filepath.Glob("../record/testdata/versions/*.ptrace")
	if err != nil || len(versions) == 0 {
		t.Fatal("no recordings of the demo", err)
	}
	for _, name := range versions {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = file
	}
	return all
}

func open(t *testing.T, file []byte) *record.Reader {
	t.Helper()
	r, err := record.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// anonymous returns an anonymous copy of a recording.
func anonymous(t *testing.T, file []byte, secret string) []byte {
	t.Helper()
	var out bytes.Buffer
	writer, err := record.NewCopy(record.Pipe{Writer: &out})
	if err != nil {
		t.Fatal(err)
	}
	stream, _ := newAnonymizer(t, secret).Source(open(t, file), nil)
	err = pipeline.Run(t.Context(), stream, pipeline.Options{Scans: true, Tee: writer.Add, AfterBatch: writer.EndBatch})
	if err = cmp.Or(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// originals are what identifies in a recording.
type originals struct {
	texts map[string]bool // whole ones, and each part of a path, a command line and a unit
	addrs map[event.Addr]bool
}

// everywhere are words of names that an anonymous output has all the same: directories and kinds of
// units that every host has, and words of porttrace's own texts and of its formats.
var everywhere = strings.Fields("root sbin system.slice user.slice init.scope bash host worker http null porttrace process proxy")

// isPort reports whether a word can be a port, which stays as such, as of an option --port.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

func originalsOf(t *testing.T, file []byte) originals {
	o := originals{map[string]bool{}, map[event.Addr]bool{}}
	add := func(s string) {
		// Shorter ones are everywhere by chance.
		if len(s) > 3 && !slices.Contains(everywhere, s) && !isPort(s) && doctor.KnownPart(s) != s {
			o.texts[s] = true
		}
	}
	for _, e := range readAll(t, open(t, file)) {
		walk(reflect.ValueOf(e), "Event", func(field, s string) {
			if stays[field] != "" {
				return
			}
			if base := filepath.Base(s); s != "/usr/bin/"+base && s != "/usr/sbin/"+base {
				add(s)
			}
			for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" /=:,", r) }) {
				add(part)
			}
		}, func(a event.Addr) {
			if ip := a.IP(); !ip.IsLoopback() && !ip.IsUnspecified() {
				o.addrs[a] = true
			}
		})
	}
	return o
}

// in returns what of the originals is in a text or a file.
func (o *originals) in(out []byte) (found []string) {
	for s := range o.texts {
		if bytes.Contains(out, []byte(s)) {
			found = append(found, fmt.Sprintf("%q", s))
		}
	}
	for a := range o.addrs {
		raw := a[:]
		if a.Is4() {
			raw = a[12:]
		}
		if bytes.Contains(out, []byte(a.String())) || bytes.Contains(out, raw) {
			found = append(found, a.String())
		}
	}
	slices.Sort(found)
	return found
}

// decompressed returns what is in the frames of a recording.
func decompressed(t *testing.T, file []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all, err := d.DecodeAll(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// outputs returns all that can be made of a recording, by its format.
func outputs(t *testing.T, file []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"recording": decompressed(t, file)}
	var text, jsonl, otlp, table bytes.Buffer
	csv := &bytes.Buffer{}
	rows, err := export.NewCSV(csv)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := export.NewParquet(&table, "test")
	if err != nil {
		t.Fatal(err)
	}
	records := export.NewOTLP(&otlp, "test")
	writers := []export.Writer{export.NewText(&text, time.UTC), export.NewJSON(&jsonl), rows, columns, records}
	err = pipeline.Run(t.Context(), open(t, file), pipeline.Options{Scans: true, Thresholds: true, Tee: func(e *event.Event, w *event.World) error {
		if !slices.Contains(event.PrintedKinds(), e.Kind) {
			return nil
		}
		c := export.Context{Netns: w.Netns(e.Netns).Name, Host: w.Host.Name, Clock: w.Clock, Process: w.Process(e.Proc)}
		if e.Holder != nil {
			c.Holder = w.Process(e.Holder.Proc)
		}
		for _, writer := range writers {
			if err := writer.Write(e, c); err != nil {
				return err
			}
		}
		return nil
	}})
	if err = cmp.Or(err, columns.Close(), records.Close()); err != nil {
		t.Fatal(err)
	}
	out["text"], out["json"], out["csv"], out["otlp"] = text.Bytes(), jsonl.Bytes(), csv.Bytes(), otlp.Bytes()
	out["parquet"] = columnsOf(t, table.Bytes())
	for name, report := range reports(t, file) {
		out["report "+name] = report
	}
	return out
}

// judged returns the last snapshot of a recording and what doctor found.
func judged(t *testing.T, file []byte, each func(*snapshot.Snapshot)) (*snapshot.Snapshot, []doctor.Finding) {
	t.Helper()
	var history doctor.History
	last, err := pipeline.Aggregate(t.Context(), open(t, file), pipeline.Options{EveryStream: time.Second, Observe: func(s *snapshot.Snapshot) {
		each(s)
		history.Add(s)
	}})
	if err != nil {
		t.Fatal(err)
	}
	history.Add(last)
	return last, history.Findings()
}

func reports(t *testing.T, file []byte) map[string][]byte {
	t.Helper()
	var series report.Series
	last, findings := judged(t, file, series.Add)
	for i := range findings {
		doctor.Effects(last, &findings[i])
	}
	opts := report.TextOptions{Verbose: true, Recording: "FILE"}
	var text, json, html, markdown, diagnosis bytes.Buffer
	err := cmp.Or(
		report.Text(&text, last, findings, opts), report.JSON(&json, last, findings, snapshot.ByProgram, nil),
		report.HTML(&html, last, findings, &series, opts), report.Markdown(&markdown, last, findings, opts),
		report.DoctorText(&diagnosis, &report.Diagnosis{Snapshot: last, Findings: findings}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"text": text.Bytes(), "json": json.Bytes(), "html": html.Bytes(), "markdown": markdown.Bytes(), "doctor": diagnosis.Bytes(),
	}
}

// TestNothingRemains: no name and no address of a recording is in anything that is made of its
// anonymous copy. The same search finds some in all that is made of the recordings themselves.
func TestNothingRemains(t *testing.T) {
	t.Parallel()
	findable := map[string]bool{}
	for name, file := range recordings(t) {
		o := originalsOf(t, file)
		for format, out := range outputs(t, file) {
			findable[format] = findable[format] || len(o.in(out)) > 0
		}
		for format, out := range outputs(t, anonymous(t, file, secret)) {
			if found := o.in(out); len(found) > 0 {
				t.Errorf("%s: %s: %s", name, format, strings.Join(found, ", "))
			}
		}
	}
	for format, is := range findable {
		if !is {
			t.Errorf("%s: nothing is found in the originals either", format)
		}
	}
}

// TestStructureStays: the copy has the same events in the same order, which differ in texts,
// addresses and user ids alone. Every text differs, unless it is one that may stay.
func TestStructureStays(t *testing.T) {
	t.Parallel()
	for name, file := range recordings(t) {
		stream, _ := newAnonymizer(t, secret).Source(open(t, file), nil)
		before, after := readAll(t, open(t, file)), readAll(t, stream)
		if len(before) != len(after) {
			t.Fatalf("%s: %d events, then %d", name, len(before), len(after))
		}
		for i := range before {
			now := textsOf(&after[i])
			for field, s := range textsOf(&before[i]) {
				if s != "" && now[field] == s && !mayStay(s) {
					t.Fatalf("%s: %s is still %q", name, field, s)
				}
			}
			withoutUser(&before[i])
			withoutUser(&after[i])
			blank(&before[i])
			blank(&after[i])
			if !reflect.DeepEqual(before[i], after[i]) {
				t.Fatalf("%s: event %d\n%+v\n%+v", name, i, before[i], after[i])
			}
		}
	}
}

// textsOf returns the texts of an event by their fields, each with a number, without those that stay.
func textsOf(e *event.Event) map[string]string {
	texts := map[string]string{}
	walk(reflect.ValueOf(*e), "Event", func(field, s string) {
		if stays[field] == "" {
			texts[fmt.Sprint(field, len(texts))] = s
		}
	}, func(event.Addr) {})
	return texts
}

// mayStay reports whether all parts of a text are on most hosts.
func mayStay(s string) bool {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '/' || r == ' ' })
	return !slices.ContainsFunc(parts, func(part string) bool {
		return doctor.KnownPart(part) != part && !slices.Contains(everywhere, part) && part != "usr" && part != "bin"
	})
}

func withoutUser(e *event.Event) {
	if p, is := e.Fact.(*event.Process); is {
		same := *p
		same.UID = 0
		e.Fact = &same
	}
}

// TestKeyDecides: the same key gives the same file, another one another.
func TestKeyDecides(t *testing.T) {
	t.Parallel()
	file, err := recorded.File("web")
	if err != nil {
		t.Fatal(err)
	}
	one := anonymous(t, file, secret)
	if !bytes.Equal(one, anonymous(t, file, secret)) {
		t.Error("the same key gives two files")
	}
	if bytes.Equal(one, anonymous(t, file, "another "+secret)) {
		t.Error("another key gives the same file")
	}
}

// figures is what a finding says apart from names and addresses.
type figures struct {
	cause      doctor.Cause
	severity   doctor.Severity
	confidence doctor.Confidence
	since      time.Time
	evidence   []string
	victims    []uint64
	advice     []string
	port       uint16
}

func figuresOf(f *doctor.Finding) figures {
	to := figures{cause: f.Cause, severity: f.Severity, confidence: f.Confidence, since: f.Since, port: f.Subject.Remote.Port}
	for _, e := range f.Evidence {
		to.evidence = append(to.evidence, fmt.Sprintf("%v %s %s", e.Value, e.Unit, e.At))
	}
	for _, v := range f.Victims {
		to.victims = append(to.victims, v.Failures)
	}
	for _, a := range f.Advice {
		to.advice = append(to.advice, fmt.Sprintf("%s, command %v, effect %q", a.Safety, a.Command != "", a.Effect))
	}
	return to
}

// TestFindingsStay: doctor finds the same causes in the same order, with the same figures and as
// much advice with the same effects.
func TestFindingsStay(t *testing.T) {
	t.Parallel()
	all := 0
	for name, file := range recordings(t) {
		read := func(file []byte) (list []figures) {
			last, findings := judged(t, file, func(*snapshot.Snapshot) {})
			for i := range findings {
				doctor.Effects(last, &findings[i])
				list = append(list, figuresOf(&findings[i]))
			}
			return list
		}
		before, after := read(file), read(anonymous(t, file, secret))
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s:\n%+v\n%+v", name, before, after)
		}
		all += len(before)
	}
	if all == 0 {
		t.Error("there are no findings in any recording")
	}
}

// columnsOf returns the cells of a Parquet file, as another implementation reads them.
func columnsOf(t *testing.T, file []byte) []byte {
	t.Helper()
	opened, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]parquet.Row, opened.NumRows())
	if _, err := parquet.NewReader(opened).ReadRows(rows); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, row := range rows {
		fmt.Fprintln(&out, row)
	}
	return out.Bytes()
}
