package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var update = flag.Bool("update", false, "write the golden files")

var started = time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)

func endpoint(s string) event.Endpoint {
	ap := netip.MustParseAddrPort(s)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

// busy is a host where one program runs out of ports, with a name made to harm.
func busy() *snapshot.Snapshot {
	shop := event.Process{
		ID: event.ProcID{PID: 4242, Start: 99_000}, PPID: 1, UID: 1000, Comm: "shop-api", Exe: "/usr/bin/shop-api",
		Container: strings.Repeat("0a1b2c3d", 8), Unit: "shop.service", Pod: "shop/api-5f7d9c-x2x/api",
	}
	hostile := event.Process{ID: event.ProcID{PID: 666, Start: 1}, Comm: "\x1b[2J\n\xff\u009b\u202e", Unit: "web.service"}
	web, mail := endpoint("10.0.0.2:80"), endpoint("[fd00::25]:25")
	shopTotals := snapshot.Totals{
		Opens: 12_000, ClosesOut: 11_900, FailedOpens: 20, ConnectFailures: 1220, TimeWaitEntered: 11_800, TimeWaitOut: 11_000,
		SynSent: 3, CloseWait: 2, LifetimeP50: 1_234_567,
	}
	last := started.Add(9500 * time.Millisecond)
	return &snapshot.Snapshot{
		Wall: started.Add(10 * time.Second), Started: started, Elapsed: 10 * time.Second,
		Host: event.Host{Name: "web-1", Kernel: "6.18.44", Arch: "amd64", PIDNS: "container 0a1b2c3d"},
		Signals: event.Signals{
			{Name: "open", Mode: event.Exact, Hook: "fexit inet_hash_connect"},
			{Name: "bind", Mode: event.Off, Reason: "needs trampolines"},
		},
		Health: event.Health{
			Events: 24_000, LostDetails: 7, Limited: 23_009, Unattributed: 1, CPU: 123_456_789, Memory: 31 << 20,
			Maps: 12 << 20, ProgramTime: 1_200_000_000, ProgramRuns: 400_000,
		},
		DetailLimits: []snapshot.DetailLimit{
			{Proc: shop, Netns: 4026531833, NetnsName: "host", Proto: event.TCP, Direction: event.Out, End: web, Limit: 10_000, Since: started, Counted: 23_000},
			{Proc: hostile, Netns: 4026531833, NetnsName: "host", Proto: event.TCP, Direction: event.In, End: event.Endpoint{Port: 443}, Limit: 10_000, Since: started, Until: last, Counted: 9},
		},
		Notices: []snapshot.Notice{
			{At: last, Text: "the last traced process has ended"},
		},
		Gaps: []snapshot.Gap{
			{Begin: started.Add(4 * time.Second), End: started.Add(5500 * time.Millisecond)},
			{Begin: started.Add(10 * time.Second), Truncated: true},
		},
		Totals: snapshot.Totals{
			Opens: 12_010, ClosesOut: 11_900, ClosesIn: 40, ClosesUnknown: 2, FailedOpens: 20, ConnectFailures: 1220, Binds: 1,
			BindFailures: 5, TimeWaitEntered: 11_840, TimeWaitOut: 11_000, TimeWaitIn: 40, TimeWaitOther: 17, BeforeStart: 9, SynSent: 3, CloseWait: 2,
		},
		Clock: event.Clock{Mono: 1, Boot: int64(2000 * time.Second), Wall: started.Add(10 * time.Second).UnixNano()},
		Rates: snapshot.Rates{Opens: 1200.4, Closes: 1190, Failures: 122.5},
		Processes: []snapshot.Process{
			{
				Info: shop, Totals: shopTotals, Rates: snapshot.Rates{Opens: 1200, Closes: 1190, Failures: 122},
				First: started, Last: last, Files: &event.FileUse{Open: 1010, Limit: 1024}, EarlyBinds: 12,
				Destinations: []snapshot.Pair{{Proc: shop.ID, Comm: shop.Comm, Netns: 4026531833, NetnsName: "host", Proto: event.TCP, Remote: web, Totals: shopTotals}},
			},
			{Info: hostile, Totals: snapshot.Totals{Opens: 10, BindFailures: 5}, First: started, Last: last},
		},
		OtherProcesses: &snapshot.Process{Totals: snapshot.Totals{Opens: 3}},
		Destinations: []snapshot.Destination{
			{
				Netns: 4026531833, NetnsName: "host", Proto: event.TCP, Remote: web, Totals: shopTotals,
				Rates: snapshot.Rates{Opens: 1200}, First: started, Last: last,
				Processes: []snapshot.Pair{{Proc: shop.ID, Comm: shop.Comm, Remote: web, Totals: shopTotals}},
			},
			{Netns: 4026532177, Proto: event.TCP, Remote: mail, Totals: snapshot.Totals{Opens: 10}, First: started, Last: last},
		},
		Failures: []snapshot.Failure{
			{
				Proc: shop, Netns: 4026531833, NetnsName: "host", Proto: event.TCP, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL,
				Reason: event.RangeExhausted, Inferred: event.FieldErrno, Target: web, Local: endpoint("10.0.0.1:0"),
				Count: 1200, Rate: 122.25, First: started, Last: last,
			},
			{
				Proc: hostile, Netns: 4026531833, NetnsName: "host", Proto: event.TCP, Op: event.OpBind, Errno: event.EADDRINUSE,
				Reason: event.PortTaken, Target: event.Endpoint{Port: 443}, Count: 5, First: started, Last: last,
			},
		},
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

func TestGolden(t *testing.T) {
	t.Parallel()
	calm, full := busy(), busy()
	calm.PortSpaces, full.PortSpaces, full.Namespaces = calmSpaces(), fullSpaces(), fixtureNamespaces()
	quiet := &snapshot.Snapshot{Wall: started.Add(time.Second), Started: started, Elapsed: time.Second}
	census := *quiet
	census.Namespaces = countedNamespaces()
	for name, s := range map[string]*snapshot.Snapshot{"busy": busy(), "calm": calm, "full": full, "quiet": quiet, "census": &census} {
		var text, verbose, object bytes.Buffer
		if err := Text(&text, s, nil, TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := Text(&verbose, s, nil, TextOptions{By: snapshot.ByProcess, Verbose: true}); err != nil {
			t.Fatal(err)
		}
		golden(t, name+"_verbose.txt", verbose.Bytes())
		checkTextWidth(t, name, text.String())
		if err := JSON(&object, s, nil, snapshot.ByProcess, nil); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", text.Bytes())
		golden(t, name+".json", object.Bytes())
		if bytes.ContainsAny(text.Bytes(), "\x1b\xff") || bytes.ContainsAny(verbose.Bytes(), "\x1b\xff") {
			t.Errorf("%s: a hostile name reaches the terminal", name)
		}
		if bytes.ContainsFunc(object.Bytes(), func(r rune) bool { return r > '~' || r < ' ' && r != '\n' }) {
			t.Errorf("%s: the JSON is not printable ASCII", name)
		}
	}
}

// checkTextWidth holds all lines but those to copy to the width of a table.
func checkTextWidth(t *testing.T, name, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(line) > tableWidth && !strings.HasPrefix(line, "          ") {
			t.Errorf("%s: %q is too long", name, line)
		}
	}
}

// TestDocumentedFields holds the report to its contract.
func TestDocumentedFields(t *testing.T) {
	t.Parallel()
	const (
		identity = "pid ppid start_time comm exe container unit uid "
		counts   = "opens closes live syn_sent close_wait time_wait connect_failures bind_failures lifetime_p50_us "
	)
	var out bytes.Buffer
	full := busy()
	full.PortSpaces, full.Namespaces = fullSpaces(), fixtureNamespaces()
	if err := JSON(&out, full, nil, snapshot.ByUnit, nil); err != nil {
		t.Fatal(err)
	}
	var report map[string]any
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if report["schema"] != "porttrace.report/v1" {
		t.Errorf("schema %v", report["schema"])
	}
	for path, names := range map[string]string{
		"":                       "schema host window totals processes destinations port_spaces failures findings health",
		"host":                   "name kernel signals",
		"host.signals":           "name mode hook reason",
		"window":                 "start end seconds",
		"totals":                 "opens closes time_wait_entered connect_failures bind_failures",
		"processes":              identity + counts + "open_files file_limit early_binds own_ports destinations",
		"processes.destinations": counts + "netns netns_name family proto daddr dport",
		"groups":                 "name unknown processes " + counts + "destinations",
		"destinations":           counts + "netns netns_name family proto daddr dport",
		"failures":               identity + "op errno reason count first last netns netns_name family proto saddr sport daddr dport",
		"port_spaces": "kind netns netns_name family proto saddr daddr dport range_low range_high capacity in_use live syn_sent " +
			"close_wait time_wait bound headroom reusable time_wait_expiring peak open_rate sustainable_rate textbook_rate eta_seconds " +
			"eta_low_seconds eta_high_seconds eta_model exhausted exhausted_since sustainable_rough search_p50_us search_p99_us second_parity_share per_socket_range",
		"port_spaces.holders": identity + "ports live close_wait time_wait bound before_start",
		"port_spaces.victims": identity + "failures last",
		"namespaces": "netns netns_name range_low range_high reserved capacity tw_reuse time_wait max_time_wait bound last_scan last_scan_us " +
			"counters orphans max_orphans tcp_mem_pages tcp_mem conntrack nonlocal_bind unprivileged_port_start time_wait_setting_seconds",
		"namespaces.counters": "time_waits time_waits_recycled time_wait_overflows listen_overflows listen_drops memory_aborts " +
			"attempt_fails syn_retransmits request_drops request_cookies memory_pressures",
		"namespaces.conntrack": "entries max insert_failed drops early_drops nat",
		"namespaces.listeners": "saddr sport pid comm exe",
		"health":               "events lost lost_details unattributed complete gaps cpu_seconds memory_bytes",
		"health.gaps":          "start end cause",
	} {
		object := find(t, report, path)
		for _, name := range strings.Fields(names) {
			if _, ok := object[name]; !ok {
				t.Errorf("%q has no %s", path, name)
			}
		}
	}
}

// find follows a path of names, into the first element of each list.
func find(t *testing.T, object map[string]any, path string) map[string]any {
	t.Helper()
	for name := range strings.SplitSeq(path, ".") {
		if name == "" {
			break
		}
		value := object[name]
		if list, ok := value.([]any); ok {
			value = list[0]
		}
		next, ok := value.(map[string]any)
		if !ok {
			t.Fatalf("%s: %s is a %T", path, name, value)
		}
		object = next
	}
	return object
}

func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := JSON(&out, &snapshot.Snapshot{}, nil, snapshot.ByProcess, nil); err != nil {
		t.Fatal(err)
	}
	var report map[string]any
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"processes", "groups", "destinations", "port_spaces", "namespaces", "failures", "findings", "notices"} {
		if list, ok := report[name].([]any); !ok || len(list) != 0 {
			t.Errorf("%s is %v, want []", name, report[name])
		}
	}
	if health := find(t, report, "health"); !reflect.DeepEqual(health["gaps"], []any{}) {
		t.Errorf("gaps is %v, want []", health["gaps"])
	}
}

func TestLongTables(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{Processes: make([]snapshot.Process, topRows+3)}
	for i := range s.Processes {
		s.Processes[i].Opens = 1 // idle ones are not listed
	}
	var out bytes.Buffer
	if err := Text(&out, s, nil, TextOptions{By: snapshot.ByProcess}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\n  and 3 more\n") {
		t.Errorf("rows left out in silence:\n%s", out.String())
	}
}

func TestManyGaps(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{Gaps: make([]snapshot.Gap, maxGaps+3), OlderGaps: 77}
	s.Gaps[len(s.Gaps)-1] = snapshot.Gap{Begin: started, Truncated: true}
	var out bytes.Buffer
	if err := Text(&out, s, nil, TextOptions{By: snapshot.ByProcess}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n  missing from "); n != maxGaps {
		t.Errorf("%d lines of gaps", n)
	}
	for _, want := range []string{
		"\n  80 earlier parts of the recording are missing\n  missing",
		"\n  missing from 2026-11-21 03:12:00 to an unknown time: the recording is truncated\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing: %q\n%s", want, out.String())
		}
	}
}

// TestSeveralTargets: connects that were counted without their targets are not towards the zero address.
func TestSeveralTargets(t *testing.T) {
	t.Parallel()
	s := busy()
	s.Failures = []snapshot.Failure{{
		Proc: event.Process{ID: event.ProcID{PID: 99}, Comm: "scanner"}, Proto: event.TCP, Op: event.OpConnect, Errno: event.ECONNREFUSED,
		Reason: event.Refused, Count: 69_850, First: started, Last: started.Add(9 * time.Second),
	}}
	var text, object bytes.Buffer
	if err := errors.Join(Text(&text, s, nil, TextOptions{}), JSON(&object, s, nil, snapshot.ByProgram, nil)); err != nil {
		t.Fatal(err)
	}
	if failures := string(section(text.Bytes(), "Failures")); !strings.Contains(failures, "refused  several addresses") || strings.Contains(failures, "[::]") {
		t.Errorf("%s", failures)
	}
	var decoded struct {
		Programs []struct{ Addr string } `json:"failures_by_program"`
	}
	if err := json.Unmarshal(object.Bytes(), &decoded); err != nil || len(decoded.Programs) != 1 || decoded.Programs[0].Addr != "" {
		t.Errorf("%+v %v", decoded, err)
	}
}

// TestSweep: a sweep is one sentence, and what has no row is in the sum of the rest.
func TestSweep(t *testing.T) {
	t.Parallel()
	s := busy()
	s.OtherFailures = &snapshot.Failure{Count: 195_904, Rate: 4_865, First: started, Last: started.Add(9 * time.Second)}
	s.Sweeps = []snapshot.Sweep{{Failure: snapshot.Failure{
		Proc: event.Process{ID: event.ProcID{PID: 99}, Comm: "scanner"}, Proto: event.TCP, Op: event.OpConnect, Errno: event.ECONNREFUSED,
		Reason: event.Refused, Count: 200_000, Rate: 4_867, First: started, Last: started.Add(9 * time.Second),
	}, Targets: 7_000, Estimated: true}}
	var text, object bytes.Buffer
	if err := errors.Join(Text(&text, s, nil, TextOptions{Verbose: true}), JSON(&object, s, nil, snapshot.ByProcess, nil)); err != nil {
		t.Fatal(err)
	}
	failures := string(section(text.Bytes(), "Failures"))
	for _, want := range []string{
		"195,904  4,865.0  all others",
		"  scanner(99) cannot connect to about 7,000 targets: connection refused (ECONNREFUSED), 4,867/s; 200,000 times in all\n",
	} {
		if !strings.Contains(failures, want) {
			t.Errorf("no %q in\n%s", want, failures)
		}
	}
	var report struct {
		Other struct {
			Count uint64 `json:"count"`
		} `json:"other_failures"`
		Sweeps []struct {
			Targets   int    `json:"targets"`
			Estimated bool   `json:"targets_estimated"`
			Comm      string `json:"comm"`
		} `json:"sweeps"`
	}
	if err := json.Unmarshal(object.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if report.Other.Count != 195_904 || len(report.Sweeps) != 1 || report.Sweeps[0].Targets != 7_000 || !report.Sweeps[0].Estimated {
		t.Errorf("got %+v", report)
	}
}

// TestGroups writes the processes of a loop of short programs as one.
func TestGroups(t *testing.T) {
	t.Parallel()
	s := busy()
	for i := range 100 {
		curl := event.Process{ID: event.ProcID{PID: uint32(7000 + i)}, Comm: "curl", Exe: "/usr/bin/curl", Unit: "cron.service"}
		s.Processes = append(s.Processes, snapshot.Process{
			Info: curl, Totals: snapshot.Totals{Opens: 1, ClosesOut: 1, LifetimeP50: time.Duration(i+1) * time.Millisecond},
			Rates: snapshot.Rates{Opens: 0.2}, First: started, Last: started.Add(time.Second),
		})
	}
	s.Processes = append(s.Processes, snapshot.Process{Totals: snapshot.Totals{Opens: 4}})
	grouped(s)
	for _, by := range snapshot.Groupings()[1:] {
		var text, object bytes.Buffer
		if err := errors.Join(Text(&text, s, nil, TextOptions{By: by}), JSON(&object, s, nil, by, nil)); err != nil {
			t.Fatal(err)
		}
		golden(t, "by_"+string(by)+".txt", section(text.Bytes(), "Processes by "))
		golden(t, "by_"+string(by)+".json", groupsOf(t, object.Bytes()))
	}
}

// section is the part of a text under the title that begins so.
func section(text []byte, title string) []byte {
	from := bytes.Index(text, []byte(title))
	to := bytes.Index(text[from:], []byte("\n\n"))
	return text[from : from+to+1]
}

// groupsOf are those of a report, without the processes beside them.
func groupsOf(t *testing.T, object []byte) []byte {
	t.Helper()
	var report struct {
		By        string            `json:"group_by"`
		Groups    json.RawMessage   `json:"groups"`
		Processes []json.RawMessage `json:"processes"`
	}
	if err := json.Unmarshal(object, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Processes) != 103 {
		t.Errorf("by %s: %d processes are listed one by one", report.By, len(report.Processes))
	}
	return append(report.Groups, '\n')
}

// TestPIDNamespaceIsNamedOnce: older recordings have the whole sentence in the fact.
func TestPIDNamespaceIsNamedOnce(t *testing.T) {
	t.Parallel()
	for _, fact := range []string{"pid namespace 7, not the host's", "pids are those of pid namespace 7, not the host's"} {
		var out bytes.Buffer
		s := snapshot.Snapshot{Host: event.Host{PIDNS: fact}}
		if err := Text(&out, &s, nil, TextOptions{By: snapshot.ByProcess}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "\npids are those of pid namespace 7, not the host's\n") {
			t.Errorf("%q becomes\n%s", fact, &out)
		}
	}
}
