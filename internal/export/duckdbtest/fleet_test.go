//go:build cgo

package duckdbtest

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// failed is what the first query of docs/fleet.md answers for, without the time.
type failed struct {
	Host, Program, Daddr, Reason string
	Dport                        uint16
}

// fleetHosts are recordings of one day, each of which stands for a host.
var fleetHosts = []string{"proxy", "billing", "prices", "crawler"}

// fleetQueries returns the queries of docs/fleet.md, for the files below a directory.
func fleetQueries(t *testing.T, dir, date string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/fleet.md"))
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, found := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllSubmatch(text, -1) {
		query := strings.ReplaceAll(string(found[1]), "'events/", "'"+dir+"/")
		queries = append(queries, strings.ReplaceAll(query, "2026-11-28", date))
	}
	if len(queries) != 3 {
		t.Fatalf("docs/fleet.md has %d queries", len(queries))
	}
	return queries
}

// day returns the date of a recording, and its failures by the lines of the JSON export.
func day(t *testing.T, program, recording, host string, calls map[failed]int64) (date string, rows int) {
	t.Helper()
	out, err := exec.Command(program, "export", recording).Output()
	if err != nil {
		t.Fatal(err)
	}
	for text := range bytes.Lines(out) {
		var l struct {
			failed
			Time, Kind string
			Count      int64
		}
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		rows++
		date = l.Time[:len("2026-11-28")]
		if l.Kind == "connect_fail" || l.Kind == "bind_fail" {
			l.Host = host
			calls[l.failed] += max(l.Count, 1)
		}
	}
	return date, rows
}

// TestFleet: the worked example of docs/fleet.md, on one machine. Files of several hosts in Hive
// partitions answer what the lines of the JSON export answer.
func TestFleet(t *testing.T) {
	program, dir := build(t), t.TempDir()
	want := make(map[failed]int64)
	var date string
	for _, host := range fleetHosts {
		recording := filepath.Join(root, "internal/incidents/recorded/testdata", host+".ptrace")
		day, rows := day(t, program, recording, host, want)
		if date != "" && date != day {
			t.Fatalf("the recordings are of %s and %s", date, day)
		}
		date = day
		whole := filepath.Join(t.TempDir(), host+".parquet")
		exportTo(t, program, recording, whole)
		checkSize(t, whole, rows)
		part := filepath.Join(dir, "date="+date, "host="+host)
		if err := os.MkdirAll(part, 0o755); err != nil {
			t.Fatal(err)
		}
		exportTo(t, program, recording, filepath.Join(part, "03.parquet"), "--kind", kinds(t))
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	queries := fleetQueries(t, dir, date)
	if got := failures(t, db, queries[0]); fmt.Sprint(got) != fmt.Sprint(want) || len(want) == 0 {
		t.Errorf("failures: got %v, want %v", got, want)
	}
	compareDestinations(t, db, queries[1], want)
	warned := answers(t, db, queries[2])
	if len(warned) == 0 {
		t.Error("no host was nearly full before a call failed")
	}
	for _, row := range warned {
		if seconds, is := row[3].(float64); !is || seconds <= 0 || !slices.Contains(fleetHosts, row[0].(string)) {
			t.Errorf("got %v", row)
		}
	}
}

// kinds are those that docs/fleet.md has each host export.
func kinds(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/fleet.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`porttrace export \S+ --kind (\S+) `).FindSubmatch(text)
	if found == nil {
		t.Fatal("docs/fleet.md has no line that exports")
	}
	return string(found[1])
}

func exportTo(t *testing.T, program, recording, file string, args ...string) {
	t.Helper()
	args = append([]string{"export", recording, "-f", "parquet", "-o", file}, args...)
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// checkSize compares the bytes of a row with those of docs/fleet.md.
func checkSize(t *testing.T, file string, rows int) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	bytes := float64(info.Size()) / float64(rows)
	if bytes > 20 || rows > 5000 && bytes > 9 {
		t.Errorf("%s: %d rows of %.1f bytes", file, rows, bytes)
	}
	t.Logf("%d rows of %.1f bytes", rows, bytes)
}

func failures(t *testing.T, db *sql.DB, query string) map[failed]int64 {
	t.Helper()
	got := make(map[failed]int64)
	for _, row := range answers(t, db, query) {
		text := func(v any) string { s, _ := v.(string); return s }
		port, _ := row[3].(uint16)
		got[failed{text(row[0]), text(row[1]), text(row[2]), text(row[4]), port}] += row[5].(int64)
	}
	return got
}

// compareDestinations: on how many hosts no port was left towards a destination.
func compareDestinations(t *testing.T, db *sql.DB, query string, calls map[failed]int64) {
	t.Helper()
	want := make(map[string]int64)
	for f, n := range calls {
		if f.Reason == "range_exhausted" {
			want[fmt.Sprint(f.Daddr, " ", f.Dport)] += n
		}
	}
	got := make(map[string]int64)
	for _, row := range answers(t, db, query) {
		got[fmt.Sprint(row[0], " ", row[1])] += row[3].(int64)
	}
	if len(want) == 0 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("destinations: got %v, want %v", got, want)
	}
}

func answers(t *testing.T, db *sql.DB, query string) [][]any {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%v in\n%s", err, query)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var list [][]any
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		list = append(list, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
