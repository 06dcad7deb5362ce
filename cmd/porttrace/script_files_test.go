package main

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// truncateCommand truncates a recording, as a crash does.
func truncateCommand(ts *testscript.TestScript, neg bool, args []string) {
	file, n, out := fileAndNumber(ts, neg, args)
	writeFile(ts, out, file[:n])
}

// flipCommand damages a recording, as a bad disk does.
func flipCommand(ts *testscript.TestScript, neg bool, args []string) {
	file, n, out := fileAndNumber(ts, neg, args)
	file[n] ^= 0xff
	writeFile(ts, out, file)
}

func fileAndNumber(ts *testscript.TestScript, neg bool, args []string) (file []byte, n int, out string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut FILE N OUT, flip FILE N OUT")
	}
	file, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err = strconv.Atoi(args[1])
	ts.Check(err)
	if n < 0 {
		n += len(file)
	}
	if n < 0 || n >= len(file) {
		ts.Fatalf("%s has %d bytes only", args[0], len(file))
	}
	return file, n, args[2]
}

func writeFile(ts *testscript.TestScript, name string, content []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), content, 0o644))
}

// sums are the totals of a report that events can be counted for.
type sums struct {
	Opens           uint64 `json:"opens"`
	Closes          uint64 `json:"closes"`
	ConnectFailures uint64 `json:"connect_failures"`
	BindFailures    uint64 `json:"bind_failures"`
}

func (s *sums) add(kind string, count uint64) {
	switch kind {
	case "open":
		s.Opens += count
	case "close":
		s.Closes += count
	case "connect_fail":
		s.ConnectFailures += count
	case "bind_fail":
		s.BindFailures += count
	}
}

// agreeCommand compares the sums of export with those of report. Without any event the
// comparison fails.
func agreeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: agree REPORT EVENTS")
	}
	var report struct {
		Totals sums `json:"totals"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &report))
	var events sums
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		e := struct {
			Kind  string `json:"kind"`
			Count uint64 `json:"count"`
		}{Count: 1}
		ts.Check(json.Unmarshal([]byte(line), &e))
		events.add(e.Kind, e.Count)
	}
	if events != report.Totals || events == (sums{}) {
		ts.Fatalf("the events sum up to %+v, the report has %+v", events, report.Totals)
	}
}
