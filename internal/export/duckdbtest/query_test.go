//go:build cgo

// Package duckdbtest asks DuckDB what docs/reference.md asks of a Parquet export, and compares the
// answers with counts of the lines of the JSON export.
package duckdbtest

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
)

const root = "../../.."

// line has the fields of the JSON export that the queries need.
type line struct {
	Time         time.Time
	Kind, Exe    string
	PID          uint32
	Sport, Dport uint16
	Opens        int64
	DurationUS   int64 `json:"duration_us"`
	TimeWait     any   `json:"time_wait"`
}

// export exports a recording as a Parquet file and as lines.
func export(t *testing.T, program, recording string) (table string, lines []line) {
	t.Helper()
	table = filepath.Join(t.TempDir(), "night.parquet")
	if out, err := exec.Command(program, "export", recording, "-f", "parquet", "-o", table).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(program, "export", recording).Output()
	if err != nil {
		t.Fatal(err)
	}
	for text := range bytes.Lines(out) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		l.Time = l.Time.Truncate(time.Microsecond) // as DuckDB keeps a time with a zone
		lines = append(lines, l)
	}
	return table, lines
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "porttrace")
	command := exec.Command("go", "build", "-C", root, "-buildvcs=false", "-o", program, "./cmd/porttrace")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// documented is the query of docs/reference.md, for the table.
func documented(t *testing.T, table string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/reference.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(text)
	if found == nil || !bytes.Contains(found[1], []byte("night.parquet")) {
		t.Fatal("docs/reference.md has no query of night.parquet")
	}
	return strings.ReplaceAll(string(found[1]), "night.parquet", table)
}

// TestDuckDB: the file opens as it is, and has what the lines have.
func TestDuckDB(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	program := build(t)
	for _, recording := range []string{
		"record/testdata/versions/v1-exact-6.12", "incidents/recorded/testdata/billing", "incidents/recorded/testdata/proxy",
		"incidents/recorded/testdata/prices", "incidents/recorded/testdata/crawler", "incidents/recorded/testdata/web",
	} {
		t.Run(filepath.Base(recording), func(t *testing.T) {
			table, lines := export(t, program, filepath.Join(root, "internal", recording+".ptrace"))
			compareTotals(t, db, table, lines)
			want := opensBeforeFailure(lines)
			got := make(map[string]int64)
			rows, err := db.Query(documented(t, table))
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var exe sql.NullString
				var opens int64
				if err := rows.Scan(&exe, &opens); err != nil {
					t.Fatal(err)
				}
				got[exe.String] = opens
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, want) {
				t.Errorf("opens in the last minute before the first failure: %v, by the lines %v", got, want)
			}
			t.Log(got)
		})
	}
}

// opensBeforeFailure counts the opens of each executable in the last minute before the first failure.
func opensBeforeFailure(lines []line) map[string]int64 {
	opens := make(map[string]int64)
	var failure time.Time
	for _, l := range lines {
		if (l.Kind == "connect_fail" || l.Kind == "bind_fail") && (failure.IsZero() || l.Time.Before(failure)) {
			failure = l.Time
		}
	}
	for _, l := range lines {
		if !l.Time.Before(failure) || l.Time.Before(failure.Add(-time.Minute)) {
			continue
		}
		switch l.Kind {
		case "open":
			opens[l.Exe]++
		case "folded":
			if l.Opens > 0 {
				opens[l.Exe] += l.Opens
			}
		}
	}
	return opens
}

// compareTotals compares sums over all rows, and the bounds of the times.
func compareTotals(t *testing.T, db *sql.DB, table string, lines []line) {
	t.Helper()
	type totals struct{ rows, pids, ports, durations, waits, first, last int64 }
	var got, want totals
	if err := db.QueryRow(`SELECT count(*), sum(pid), sum(sport) + sum(dport), coalesce(sum(duration_us), 0)::BIGINT,
		count(*) FILTER (time_wait), min(epoch_ns(time)), max(epoch_ns(time)) FROM '`+table+`'`).Scan(
		&got.rows, &got.pids, &got.ports, &got.durations, &got.waits, &got.first, &got.last); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if at := l.Time.UnixNano(); want.rows == 0 {
			want.first, want.last = at, at
		} else {
			want.first, want.last = min(want.first, at), max(want.last, at)
		}
		want.rows++
		want.pids += int64(l.PID)
		want.ports += int64(l.Sport) + int64(l.Dport)
		want.durations += l.DurationUS
		if l.TimeWait == true {
			want.waits++
		}
	}
	if got != want {
		t.Errorf("DuckDB has %+v, the lines %+v", got, want)
	}
}
