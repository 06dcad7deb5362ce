package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// judged returns what a History finds in a recording, with a snapshot every half second of it.
func judged(t *testing.T, name string) []Finding {
	t.Helper()
	reader, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	state := pipeline.NewState(nil)
	var h History
	var next event.Time
	for {
		batch, err := reader.Read(context.Background())
		if addErr := state.Add(batch, nil); addErr != nil {
			t.Fatal(addErr)
		}
		if batch.Now >= next || err != nil {
			next = batch.Now.Add(time.Second / 2)
			h.Add(state.Snapshot(batch.Now))
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return h.Findings()
}

func print(fs []Finding) {
	for _, f := range fs {
		fmt.Printf("%s %s %s since %s until %s\n   %s\n", f.Severity, f.Confidence, f.ID, f.Since.UTC().Format("15:04:05.0"), f.Until.UTC().Format("15:04:05.0"), f.Summary)
		for _, e := range f.Evidence {
			fmt.Printf("   - %s\n", e.Text)
		}
		for _, v := range f.Victims {
			fmt.Printf("   victim %s %d\n", named(&v.Proc), v.Failures)
		}
	}
}

func TestTry(t *testing.T) {
	for _, name := range os.Args[len(os.Args)-1:] {
		fmt.Println("==", name)
		print(judged(t, name))
	}
}
