package tui

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// tape is a recording of the demo: the screens of what really happens come from one.
type tape struct {
	name string
	harm func(file []byte) []byte // nil leaves it whole
}

var (
	exact    = tape{name: "v1-spaces-exact-6.12.ptrace"}
	inferred = tape{name: "v1-spaces-inferred-6.18.ptrace"}
	damaged  = tape{exact.name, func(file []byte) []byte { file[40_000] ^= 0xff; return file }}
	cutShort = tape{exact.name, func(file []byte) []byte { return file[:60_000] }}
)

// whole is beyond the end of every tape.
const whole = time.Hour

func (t tape) reader() *record.Reader {
	file, err := os.ReadFile("../internal/record/testdata/versions/" + t.name)
	if err != nil {
		panic(err)
	}
	if t.harm != nil {
		file = t.harm(file)
	}
	r, err := record.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		panic(err)
	}
	return r
}

// tapes are the snapshots so far: making one takes longer than drawing it.
var tapes sync.Map

// at is what is seen so long after the beginning.
func (t tape) at(after time.Duration) source {
	return func(tb testing.TB) *snapshot.Snapshot {
		tb.Helper()
		once, _ := tapes.LoadOrStore(fmt.Sprintf("%s %p %s", t.name, t.harm, after), sync.OnceValue(func() *snapshot.Snapshot {
			r := t.reader()
			begin, _ := r.Span()
			s, err := pipeline.Aggregate(context.Background(), r, pipeline.Options{To: begin.Add(after)})
			if err != nil {
				panic(err)
			}
			return s
		}))
		return once.(func() *snapshot.Snapshot)()
	}
}

// deck is a player that stands there.
func (t tape) deck(after time.Duration) func() *deck {
	return func() *deck {
		r := t.reader()
		begin, end := r.Span()
		return &deck{spans: r.Timeline(), playback: playback.State{
			Begin: begin, End: end, At: min(begin.Add(after), end), Clock: r.Clock(), Speed: 1,
		}}
	}
}
