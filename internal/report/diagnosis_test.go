package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func diagnose(all bool) *Diagnosis {
	return &Diagnosis{
		Snapshot: busy(), Findings: doctor.Sorted(fixtureFindings(), all),
		Lacks: []string{"the counters of the kernel were read once only: tw_overflow, listen_overflow and tcp_memory are not judged"},
	}
}

func TestDoctorGolden(t *testing.T) {
	t.Parallel()
	ignored := diagnose(true)
	ignored.Findings, ignored.Ignored = doctor.Ignore(ignored.Findings, []string{"churn", "leak"})
	quiet := &Diagnosis{Snapshot: &snapshot.Snapshot{Wall: started.Add(time.Second), Started: started, Elapsed: time.Second}}
	for name, d := range map[string]*Diagnosis{"doctor": diagnose(false), "doctor_all_ignored": ignored, "doctor_quiet": quiet} {
		var text, object bytes.Buffer
		if err := errors.Join(DoctorText(&text, d), DoctorJSON(&object, d)); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", text.Bytes())
		golden(t, name+".json", object.Bytes())
		if bytes.ContainsAny(text.Bytes(), "\x1b\xff") {
			t.Errorf("%s: a hostile name reaches the terminal", name)
		}
		checkWidth(t, name, text.String())
	}
}

// checkWidth holds all lines but those to copy to the width of a terminal.
func checkWidth(t *testing.T, name, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if i > 0 && utf8.RuneCountInString(line) > textWidth && !strings.HasPrefix(line, "          ") && !strings.HasPrefix(line, "   Hide:") {
			t.Errorf("%s: %q is too long", name, line)
		}
	}
}

func TestReportWithFindings(t *testing.T) {
	t.Parallel()
	var text, object bytes.Buffer
	s := busy()
	if err := errors.Join(Text(&text, s, fixtureFindings(), TextOptions{By: snapshot.ByProcess}), JSON(&object, s, fixtureFindings(), snapshot.ByProcess, nil)); err != nil {
		t.Fatal(err)
	}
	golden(t, "findings.txt", text.Bytes())
	golden(t, "findings.json", object.Bytes())
	headline := strings.Index(text.String(), "\n\n") + 2
	if after := text.String()[headline:]; strings.Index(after, "CRITICAL: nginx(812)") > strings.Index(after, "seen  ") {
		t.Errorf("the findings do not follow the headline:\n%s", text.String())
	}
}

// TestOneFinding: the report and doctor have the same objects, with the fields of the contract.
func TestOneFinding(t *testing.T) {
	t.Parallel()
	var ofReport, ofDoctor bytes.Buffer
	if err := errors.Join(JSON(&ofReport, busy(), fixtureFindings(), snapshot.ByProcess, nil), DoctorJSON(&ofDoctor, diagnose(false))); err != nil {
		t.Fatal(err)
	}
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal(ofReport.Bytes(), &a), json.Unmarshal(ofDoctor.Bytes(), &b)); err != nil {
		t.Fatal(err)
	}
	one, _ := json.Marshal(a["findings"])
	other, _ := json.Marshal(b["findings"])
	if !bytes.Equal(one, other) || len(a["findings"].([]any)) != 2 {
		t.Errorf("report: %s\ndoctor: %s", one, other)
	}
	for path, names := range map[string]string{
		"":                  "schema verdict error window findings lacks ignored",
		"window":            "start end seconds",
		"findings":          "id severity cause confidence summary netns netns_name since until evidence victims advice wrong",
		"findings.evidence": "text value unit time pid comm",
		"findings.victims":  "pid ppid start_time comm exe container unit uid failures last",
		"findings.advice":   "action command undo risk safety effect",
	} {
		object := find(t, b, path)
		for _, name := range strings.Fields(names) {
			if _, ok := object[name]; !ok {
				t.Errorf("%q has no %s", path, name)
			}
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	second := &snapshot.Snapshot{Wall: started.Add(time.Second), Started: started, Elapsed: time.Second}
	truncated, damaged := *second, *second
	truncated.Gaps = []snapshot.Gap{{Begin: started, Truncated: true}}
	damaged.Gaps = []snapshot.Gap{{Begin: started, End: started}, {Begin: started, Truncated: true}}
	one := *second
	one.Totals.Opens, one.Totals.ConnectFailures, one.Totals.BindFailures = 1, 1, 1
	warning := []doctor.Finding{{Severity: doctor.Info}, {Severity: doctor.Warning}}
	for _, tc := range []struct {
		name string
		d    Diagnosis
		want Verdict
		line string
	}{
		{"fine", Diagnosis{Snapshot: second}, Fine, "OK: no finding in 1s"},
		{"one of each", Diagnosis{Snapshot: &one}, Fine, "OK: no finding in 1s: 1 connection opened, 1 connect and 1 bind seen to fail"},
		{"info only", Diagnosis{Snapshot: second, Findings: warning[:1]}, Fine, "OK: no finding in 1s"},
		{"warning", Diagnosis{Snapshot: second, Findings: warning}, Warning, "WARNING: "},
		{"critical", Diagnosis{Snapshot: second, Findings: append([]doctor.Finding{{Severity: doctor.Critical, Summary: "none|left"}}, warning...)}, Critical, "CRITICAL: none/left; 1 more finding"},
		{"truncated", Diagnosis{Snapshot: &truncated}, Fine, "OK: "},
		{"damaged", Diagnosis{Snapshot: &damaged, Ignored: 2}, Unknown, "UNKNOWN: a part of the time is damaged; in the rest there is no finding (2 ignored)\n"},
		{"damaged, but bad enough", Diagnosis{Snapshot: &damaged, Findings: warning}, Warning, "WARNING: "},
		{"no time", Diagnosis{Snapshot: &snapshot.Snapshot{}}, Unknown, "UNKNOWN: nothing was traced"},
	} {
		if got := tc.d.Verdict(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
		var text bytes.Buffer
		if err := DoctorText(&text, &tc.d); err != nil || !strings.HasPrefix(text.String(), tc.line) {
			t.Errorf("%s: %s (%v)", tc.name, text.String(), err)
		}
	}
}

// TestUndoOnOneLine has the way back behind its name where it fits.
func TestUndoOnOneLine(t *testing.T) {
	t.Parallel()
	fits := strings.Repeat("x", textWidth-len("      undo:   "))
	for undo, want := range map[string]string{
		"":                      "",
		"put the old code back": "      undo:   put the old code back\n",
		fits:                    "      undo:   " + fits + "\n",
		fits + "x":              "      undo:\n          " + fits + "x\n",
		"one\ntwo":              "      undo:\n          one\n          two\n",
	} {
		var out bytes.Buffer
		if writeUndo(&out, undo); out.String() != want {
			t.Errorf("%q: %q, want %q", undo, out.String(), want)
		}
	}
}

// Where nothing is missing the calls that failed are named: a service that is down is trouble, too.
func TestFailedForOtherReasons(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{Wall: started.Add(12 * time.Second), Started: started, Elapsed: 12 * time.Second}
	s.Failures = []snapshot.Failure{{
		Proc: event.Process{ID: event.ProcID{PID: 812, Start: 1}, Comm: "shop"}, Proto: event.TCP, Op: event.OpConnect, Errno: event.ECONNREFUSED, Reason: event.Refused,
		Target: endpoint("10.0.0.2:80"), Count: 369, Last: s.Wall,
	}}
	s.Totals.Opens, s.Totals.ConnectFailures = 369, 369
	for _, tc := range []struct {
		d     Diagnosis
		named bool
	}{{Diagnosis{Snapshot: s}, true}, {Diagnosis{Snapshot: s, Findings: []doctor.Finding{{Severity: doctor.Warning}}}, false}} {
		var out bytes.Buffer
		if err := DoctorText(&out, &tc.d); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "shop(812) could not connect to 10.0.0.2:80: connection refused\n    (ECONNREFUSED), 369 times") != tc.named {
			t.Errorf("got:\n%s", &out)
		}
		if strings.Contains(out.String(), "porttrace events -x") != tc.named {
			t.Errorf("got:\n%s", &out)
		}
	}
}
