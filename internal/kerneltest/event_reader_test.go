package kerneltest

import (
	"os"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// While porttrace reads which files a process has open, the kernel holds each of them for a moment, so
// it can be porttrace that closes the process's socket at last. No connection may be taken for its own.
func TestClosedByReader(t *testing.T) { retry(t, testClosedByReader) }

func testClosedByReader(t *attempt) {
	n := newStormNetns(t)
	storm := lab.Storm{Count: fewer(60_000, 2_000), For: jobLimit}
	tr := begin(t, live.Options{ScanInterval: time.Millisecond}, n)
	p := spawn(t, n, "storm", &storm)
	var made lab.StormResult
	noError(t, p.Decode(&made), p.Release())
	tr.end(nil)

	connections := uint64(made.Connections)
	if got, want := tallyOf(&tr.row(p.PID()).Totals), (tally{opens: connections, closesOut: connections, closesIn: connections}); !tr.isAbout(got, want) {
		t.Errorf("the storm is shown with %+v, it counted %+v", got, want)
	}
	if got := tallyOf(&tr.row(os.Getpid()).Totals); got != (tally{}) {
		t.Errorf("the tracer is shown with %+v", got)
	}
}
