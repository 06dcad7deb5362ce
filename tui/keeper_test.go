package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// fakeKeeper has what a test says.
type fakeKeeper struct {
	asked int
	state Kept
}

func (f *fakeKeeper) Keep()      { f.asked++ }
func (f *fakeKeeper) Kept() Kept { return f.state }

func TestKeep(t *testing.T) {
	t.Parallel()
	m := screen(160, 40, fixture())
	at := fixture().At
	keeper := &fakeKeeper{state: Kept{Begin: at.Add(-48 * time.Second), End: at, Bytes: 3 << 20, Length: 5 * time.Minute, MaxBytes: 4 << 20}}
	m.keeping.keeper = keeper
	become := func(written Written, err error) {
		keeper.state.Written, keeper.state.Err = written, err
		keeper.state.Changes++
		give(m, fixture())
	}
	shows := func(wanted string) {
		t.Helper()
		if got := text(m); !strings.Contains(got, wanted) {
			t.Errorf("no %q in\n%s", wanted, got)
		}
	}
	press(m, "F")
	shows("writing the last minutes")
	become(Written{File: "a\x1b.ptrace", Lasts: 48 * time.Second, Bytes: 3 << 20, Lacks: keeper.state.Lacks()}, nil)
	shows(`kept 48s, 3.0 MiB: porttrace replay a\x1b.ptrace (nothing before: no more than 4.0 MiB is kept)`)
	press(m, "c")
	shows("the last 48s, 3.0 MiB (F writes them to a file; 5m00s or more are kept, at most 4.0 MiB)")
	become(Written{}, errors.New("cannot record in /: no space left on device"))
	shows("cannot record in /: no space left on device")
	keeper.state.Paused = true
	press(m, "esc", "c")
	shows("48s, 3.0 MiB from before too much happened for 4.0 MiB (F writes them to a file, R records)")
	if lacks := keeper.state.Lacks(); lacks != "nothing since: too much happens for 4.0 MiB" {
		t.Error(lacks)
	}
	keeper.state.Bytes = 0
	press(m, "esc", "c")
	shows("nothing: too much happens, or exists, for 4.0 MiB; R records")
	if keeper.asked != 1 {
		t.Errorf("asked %d times", keeper.asked)
	}
}

// Only what a bound has dropped is lacking.
func TestLacks(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]Kept{
		"since the start": {End: 10, All: true, Length: time.Minute},
		"all its time":    {End: event.Time(70 * time.Second), Length: time.Minute},
	} {
		if got := k.Lacks(); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestNothingKept(t *testing.T) {
	t.Parallel()
	if got := text(screen(80, 24, fixture(), "F")); !strings.Contains(got, "nothing is kept here") {
		t.Errorf("%s", got)
	}
	if got := text(replayed(80, 24, recording(), fixture(), "F")); !strings.Contains(got, "this is a recording already") {
		t.Errorf("%s", got)
	}
}
