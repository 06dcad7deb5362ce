package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

var update = flag.Bool("update", false, "write the golden files")

// The documented fields, in order.
const (
	always = "time kind pid ppid start_time comm exe container unit uid netns netns_name cookie direction family proto " +
		"saddr sport daddr dport"
	whereTheyApply = "errno op reason time_wait fin_wait2 closed_by reset_by duration_us close_wait_us port_search_ns " +
		"early_bind reused inferred count first last opens closes binds time_wait_entered syns_unanswered holder bound_port unanswered program script limit pod pod_namespace container_name"
	ofSpaces = "state capacity in_use live time_wait bound headroom reusable"
)

var testClock = event.Clock{
	Mono: 1_000_000_000_000, Boot: 1_000_000_000_000, Wall: time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC).UnixNano(),
}

var testProcess = event.Process{
	ID: event.ProcID{PID: 4242, Start: 99_000}, PPID: 1, UID: 1000, Comm: "shop-api", Exe: "/usr/bin/shop-api",
	Container: strings.Repeat("0a1b2c3d", 8), Unit: "shop.service", Pod: "shop/api-5f7d9c-x2x/api",
}

func at(after time.Duration) event.Time { return testClock.Mono.Add(after) }

func endpoint4(s string) event.Endpoint {
	ap := netip.MustParseAddrPort(s)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

// each is one event of every form that the outputs distinguish.
func each() []struct {
	e event.Event
	c Context
} {
	known := Context{Process: &testProcess, Netns: "host", Clock: testClock}
	holding := known
	holding.Holder = &testProcess
	hostile := testProcess
	hostile.Comm, hostile.Exe, hostile.UID = "\x1b[2J\n\xff\"a,b\u202e", "/tmp/<&>\xfe", 0
	scripted := known
	scripted.Process = &event.Process{ID: testProcess.ID, Comm: "python3", Exe: "/usr/bin/python3.11", Script: "/srv/a_long_name_of_a_script.py"}
	local, remote := endpoint4("10.0.0.1:40000"), endpoint4("10.0.0.2:80")
	base := event.Event{
		Netns: 4026531833, Proto: event.TCP, Direction: event.Out, Proc: testProcess.ID, Src: local, Dst: remote, Count: 1,
	}
	with := func(c Context, change func(e *event.Event)) struct {
		e event.Event
		c Context
	} {
		e := base
		change(&e)
		return struct {
			e event.Event
			c Context
		}{e, c}
	}
	return []struct {
		e event.Event
		c Context
	}{
		with(known, func(e *event.Event) { e.Kind, e.Time, e.Cookie = event.Open, at(1), 17 }),
		with(scripted, func(e *event.Event) { e.Kind, e.Time = event.Open, at(2) }),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.PortSearch = event.Open, at(time.Millisecond), 2_612_345
			e.Flags, e.Inferred = event.EarlyBind|event.Reused, event.FieldSport|event.FieldTime
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Duration = event.Close, at(12345678), 12_345_678
			e.ClosedBy, e.Flags = event.Local, event.TimeWait
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Duration, e.CloseWait = event.Close, at(time.Second), 71_000_000_000, 3_210_000_000
			e.ClosedBy, e.Flags, e.Direction = event.Remote, event.InCloseWait, event.In
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.ClosedBy, e.ResetBy = event.Close, at(time.Second), event.Reset, event.Remote
			e.Direction, e.Flags = event.Unknown, event.FinWait2
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Errno, e.Op = event.ConnectFail, at(time.Minute), event.EADDRNOTAVAIL, event.OpConnect
			e.Reason, e.Src.Port, e.Inferred = event.RangeExhausted, 0, event.FieldErrno|event.FieldReason
			e.Count, e.First, e.Last = 1200, at(59*time.Second), at(time.Minute)
		}),
		with(Context{Process: &hostile, Netns: "blue\x07", Clock: testClock}, func(e *event.Event) {
			e.Kind, e.Time, e.Errno, e.Op, e.Reason = event.ConnectFail, at(0), event.ENETUNREACH, event.OpConnect, event.NoIPv6
			e.Src, e.Dst = event.Endpoint{}, endpoint4("[fd00::2]:443")
		}),
		with(Context{}, func(e *event.Event) {
			e.Kind, e.Time, e.Errno, e.Op, e.Reason = event.BindFail, at(0), event.EADDRINUSE, event.OpListen, event.PortTaken
			e.Holder = &event.Holder{State: event.StateListen, Local: endpoint4("0.0.0.0:8080")}
			e.Direction, e.Proc, e.Src, e.Dst = event.Unknown, event.ProcID{}, event.Endpoint{Port: 8080}, event.Endpoint{}
		}),
		with(holding, func(e *event.Event) {
			e.Kind, e.Time, e.Errno, e.Op = event.ConnectFail, at(time.Minute), event.EADDRNOTAVAIL, event.OpConnect
			e.Reason, e.Flags = event.TupleTaken, event.EarlyBind
			e.Holder = &event.Holder{
				Proc: testProcess.ID, State: event.StateTimeWait, Local: local, Remote: remote, Expiry: e.Time.Add(42_500 * time.Millisecond),
			}
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Op, e.Reason = event.ConnectFail, at(time.Minute), event.OpConnect, event.GivenUp
			e.Flags = event.HadPort | event.Unanswered
		}),
		with(known, func(e *event.Event) { e.Kind, e.Time, e.Flags = event.SynUnanswered, at(time.Second), event.Unanswered }),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Proto, e.Direction = event.Bind, at(0), event.UDP, event.Unknown
			e.Src, e.Dst = endpoint4("0.0.0.0:5353"), event.Endpoint{}
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Direction, e.Src.Port = event.SpaceChanged, at(2*time.Minute), event.Unknown, 0
			e.Fact = &event.SpaceUse{State: event.SpaceFull, Occupancy: event.Occupancy{Capacity: 28_232, Live: 112, TimeWait: 28_110, Bound: 10}}
		}),
		with(Context{Clock: testClock}, func(e *event.Event) {
			e.Kind, e.Time, e.Direction, e.Proc = event.SpaceChanged, at(3*time.Minute), event.Unknown, event.ProcID{}
			e.Src, e.Dst = endpoint4("[fd00::1]:0"), endpoint4("[fd00::2]:443")
			e.Fact = &event.SpaceUse{State: event.SpaceHigh, Occupancy: event.Occupancy{Capacity: 100, Live: 80, TimeWait: 20, Reusable: 9}}
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Src, e.Count = event.Folded, at(4*time.Minute), event.Endpoint{}, 0
			e.First, e.Last = at(239*time.Second), at(4*time.Minute)
			e.Fact = &event.Fold{Opens: 106_700, ClosesOut: 106_650, TimeWaitOut: 9}
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Direction, e.Src, e.Dst, e.Count = event.Folded, at(5*time.Minute), event.In, endpoint4("10.0.0.1:80"), event.Endpoint{}, 0
			e.Fact = &event.Fold{ClosesIn: 3}
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Src, e.Count, e.First = event.DetailLimited, at(5*time.Minute), event.Endpoint{}, 10_000, at(5*time.Minute)
		}),
		with(known, func(e *event.Event) {
			e.Kind, e.Time, e.Src, e.Count = event.DetailLimited, at(6*time.Minute), event.Endpoint{}, 10_000
			e.First, e.Last = at(5*time.Minute), at(6*time.Minute)
		}),
		with(Context{Clock: testClock}, func(e *event.Event) {
			*e = event.Event{Kind: event.EventsLost, Time: at(6 * time.Minute), Count: 41}
		}),
	}
}

func writeAll(t *testing.T, w Writer) {
	t.Helper()
	for _, one := range each() {
		if err := w.Write(&one.e, one.c); err != nil {
			t.Fatal(err)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (make golden writes it again):\n%s", path, got)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	writeAll(t, NewText(&out, time.FixedZone("CET", 3600)))
	golden(t, "events.txt", out.Bytes())
	if bytes.ContainsAny(out.Bytes(), "\x1b\x07\xff") || bytes.Count(out.Bytes(), []byte("\n")) != len(each()) {
		t.Error("a hostile name reaches the terminal")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	writeAll(t, NewJSON(&out))
	golden(t, "events.jsonl", out.Bytes())
	if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != len(each()) {
		t.Errorf("%d lines for %d events", lines, len(each()))
	}
	seen := make(map[string]bool)
	for line := range bytes.Lines(out.Bytes()) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			t.Fatal(err)
		}
		for name := range object {
			seen[name] = true
		}
		for _, name := range strings.Fields(always) {
			if _, ok := object[name]; !ok {
				t.Errorf("no %s in %s", name, line)
			}
		}
	}
	for _, name := range strings.Fields(whereTheyApply + " " + ofSpaces) {
		if !seen[name] {
			t.Errorf("no event has %s", name)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := NewCSV(&out)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w)
	golden(t, "events.csv", out.Bytes())
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields(always + " " + whereTheyApply); !slices.Equal(rows[0], want) {
		t.Errorf("header %q, want %q", rows[0], want)
	}
	if len(rows) != 1+len(each()) {
		t.Errorf("%d rows for %d events", len(rows), len(each()))
	}
}

// TestCSVHasNoFormulas: what a traced program calls itself is text to a spreadsheet.
func TestCSVHasNoFormulas(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"": "", "curl": "curl", "-12": "-12", "+3.5": "+3.5", "10.0.0.1": "10.0.0.1", "::1": "::1", "a=b": "a=b",
		"=HYPERLINK(A1)": "'=HYPERLINK(A1)", "+1+cmd|' /C calc'!A0": "'+1+cmd|' /C calc'!A0", "-bash": "'-bash", "-1+1": "'-1+1",
		"@SUM(A1)": "'@SUM(A1)", "-": "'-",
	} {
		if got := cell(value); got != want {
			t.Errorf("%q becomes %q, want %q", value, got, want)
		}
	}
	var out bytes.Buffer
	w, err := NewCSV(&out)
	if err != nil {
		t.Fatal(err)
	}
	c := Context{Process: &event.Process{Comm: "=1+1", Exe: "@x", Unit: "-.service"}}
	if err := w.Write(&event.Event{Kind: event.Open, Proto: event.TCP}, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{",'=1+1,", ",'@x,", ",'-.service,"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// TestFieldsAgree keeps JSON and CSV from drifting apart.
func TestFieldsAgree(t *testing.T) {
	t.Parallel()
	want := strings.Fields(always + " " + whereTheyApply)
	if fields := namesIn[record](); !slices.Equal(fields, want) {
		t.Errorf("%s in JSON, %s documented", fields, want)
	}
	var header []string
	for _, column := range columns {
		header = append(header, column.name)
	}
	if !slices.Equal(header, want) {
		t.Errorf("%s in CSV, %s documented", header, want)
	}
	if fields, want := namesIn[space](), strings.Fields(always+" "+ofSpaces); !slices.Equal(fields, want) {
		t.Errorf("%s in JSON of port spaces, %s documented", fields, want)
	}
}

// namesIn are the names of the fields in JSON.
func namesIn[T any]() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		if !field.Anonymous {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

// FuzzName shows that no name breaks a line, a row or a JSON object.
func FuzzName(f *testing.F) {
	f.Add("curl")
	f.Add("\x1b]0;x\a\r\n\xff\",\u2028\u009b\x7f😀")
	f.Fuzz(func(t *testing.T, name string) {
		c := Context{Process: &event.Process{Comm: name, Exe: name, Unit: name}, Netns: name, Clock: testClock}
		e := event.Event{Kind: event.Open, Time: 1, Proto: event.TCP}
		var text, jsonl, rows bytes.Buffer
		w, err := NewCSV(&rows)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []Writer{NewText(&text, time.UTC), NewJSON(&jsonl), w} {
			if err := w.Write(&e, c); err != nil {
				t.Fatal(err)
			}
		}
		if n := bytes.Count(text.Bytes(), []byte("\n")); n != 1 {
			t.Errorf("%d lines of text", n)
		}
		if n := bytes.Count(rows.Bytes(), []byte("\n")); n != 2 {
			t.Errorf("%d lines of CSV", n)
		}
		if bytes.Count(jsonl.Bytes(), []byte("\n")) != 1 || bytes.ContainsFunc(jsonl.Bytes(), func(r rune) bool { return r > '~' }) {
			t.Errorf("not one line of ASCII: %s", jsonl.Bytes())
		}
		var got struct{ Comm string }
		if err := json.Unmarshal(jsonl.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		// encoding/json puts one U+FFFD for each invalid byte, as this does.
		if want := string([]rune(name)); got.Comm != want {
			t.Errorf("comm %q became %q", name, got.Comm)
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	w := NewJSON(io.Discard)
	one := each()[2]
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(&one.e, one.c); err != nil {
			b.Fatal(err)
		}
	}
}
