package doctor

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// judged returns what a History finds in a recording, with a snapshot every half second of it, and
// the last one.
func judged(t *testing.T, name string) ([]Finding, *snapshot.Snapshot) {
	t.Helper()
	reader, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	state := pipeline.NewState(nil)
	var history History
	var last *snapshot.Snapshot
	for next := event.Time(0); ; {
		batch, err := reader.Read(context.Background())
		if addErr := state.Add(batch, nil); addErr != nil {
			t.Fatal(addErr)
		}
		if batch.Now >= next || err != nil {
			next = batch.Now.Add(time.Second / 2)
			last = state.Snapshot(batch.Now)
			history.Add(last)
		}
		if errors.Is(err, io.EOF) {
			return history.Findings(), last
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Recordings that are older than the doctor are judged as far as they hold facts, and it is said
// what they lack.
func TestOldRecordings(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../record/testdata/versions/*.ptrace")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, name := range append(files, "../../cmd/porttrace/demo.ptrace") {
		findings, last := judged(t, name)
		if strings.Contains(name, "v1-spaces") {
			f := only(t, findings)
			if f.ID != "churn:shop-api:10.99.0.1:80" || f.Severity != Critical || f.Confidence != Proved {
				t.Errorf("%s: %s %s", name, f.Severity, f.ID)
			}
			if len(f.Victims) != 2 || programOf(&f.Victims[0].Proc) != "shop-api" || programOf(&f.Victims[1].Proc) != "report-job" {
				t.Errorf("%s: victims %+v", name, f.Victims)
			}
		} else if strings.Contains(name, "versions") && len(urgent(findings)) > 0 {
			t.Errorf("%s: %s", name, Headline(findings))
		}
		if lacks := Lacks(last); strings.Contains(name, "versions") && !slices.ContainsFunc(lacks, func(l string) bool { return strings.HasPrefix(l, "no conntrack counters") }) {
			t.Errorf("%s lacks %q", name, lacks)
		}
	}
}
