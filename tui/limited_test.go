package tui

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestLimited: of pairs whose events are only counted the screen has a dim mark, c says whose and
// since when, the row that its lifetimes are a sample's, and its page how much is not listed.
func TestLimited(t *testing.T) {
	t.Parallel()
	s := fixture()
	if all := text(screen(140, 40, s)); strings.Contains(all, "only counted") {
		t.Fatalf("nothing is limited:\n%s", all)
	}
	p := &s.Processes[0]
	p.Unlisted, p.LifetimeP50 = 1_234_000, 2*time.Millisecond
	s.DetailLimits = []snapshot.DetailLimit{
		{Proc: p.Info, Proto: event.TCP, Direction: event.Out, End: event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr("10.0.0.2")), Port: 443}, Limit: 10_000, Since: s.Wall.Add(-time.Minute), Times: 3, Counted: 1_234_000},
		{Proc: p.Info, Proto: event.TCP, Direction: event.In, End: event.Endpoint{Port: 80}, Limit: 10_000, Since: s.Wall.Add(-time.Hour), Until: s.Wall.Add(-time.Minute), Counted: 7},
	}
	s.Limited = snapshot.LimitedPairs{All: 1_008, Now: 1, Counted: 1_235_007}
	s.Health.Limited = 1_235_010
	m := screen(140, 50, s)
	if !strings.Contains(text(m), "1 pair only counted (c)") {
		t.Errorf("no mark:\n%s", text(m))
	}
	press(m, "c")
	for _, want := range []string{
		"1,235,010 events counted, not listed: 1,008 pairs of process and address, of more than 10,000 events/s", ", 3 times  ",
		"→ 10.0.0.2:443: 1,234,000 events", "← [::]:80: 7 events", "and 1,006 more pairs: 1,000 events", "the ring was full",
	} {
		if !strings.Contains(text(m), want) {
			t.Errorf("no %q in\n%s", want, text(m))
		}
	}
	sheet := newSheet(120, m.styles)
	processOf(s, p.Info.ID).write(sheet)
	page := strings.Join(sheet.lines, "\n")
	for _, want := range []string{"not listed", "lifetimes are those of the others"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for _, c := range totalColumns(func(p *snapshot.Process) *snapshot.Totals { return &p.Totals }) {
		if c.name == "lifetime_p50" && !strings.HasPrefix(c.cell(p, 9), "~") {
			t.Errorf("the row shows a lifetime of %s", c.cell(p, 9))
		}
	}
}
