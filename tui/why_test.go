package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// whyViews are pages about findings that no recording has, one for each kind of row.
var whyViews = []struct {
	name     string
	snapshot func() *snapshot.Snapshot
	findings func() []doctor.Finding
	keys     []string
}{
	{"space", fixture, fixtureFindings, []string{"w"}},
	{"space-end", fixture, fixtureFindings, []string{"w", "end"}},
	{"from-detail", fixture, fixtureFindings, []string{"2", "enter", "w"}},
	{"group", looping, fixtureFindings, []string{"2", ":", "group executable", "enter", "w"}},
	{"destination", fixture, fixtureFindings, []string{"3", "end", "up", "w"}},
	{"other-failure", fixture, fixtureFindings, []string{"4", "down", "w"}},
	{"failure", fixture, fixtureFindings, []string{"4", "w"}},
	{"event", fixture, fixtureFindings, []string{"5", "w"}},
	{"healthy", calm, nothingFound, []string{"w"}},
	{"no-row", empty, nothingFound, []string{"4", "w"}},
	{"hostile", hostile, hostileFindings, []string{"w"}},
	{"warning", fixture, func() []doctor.Finding { return fixtureFindings()[:1] }, []string{"2"}},
}

func TestWhy(t *testing.T) {
	for _, tc := range whyViews {
		t.Run(tc.name, func(t *testing.T) {
			m := judgedScreen(100, 40, tc.snapshot(), tc.findings(), tc.keys...)
			requireFit(t, m, 100, 40)
			golden.RequireEqual(t, trimmed(text(m)))
		})
	}
}

func nothingFound() []doctor.Finding { return nil }

func TestWhyIsInert(t *testing.T) {
	t.Parallel()
	for _, width := range []int{8, 20, 80, 130, 300} {
		for _, tc := range whyViews {
			m := judgedScreen(width, 40, hostile(), hostileFindings(), tc.keys...)
			requireFit(t, m, width, 40)
			requireInert(t, m, tc.name)
		}
	}
}

// TestWhyBack: Esc goes back the way one came.
func TestWhyBack(t *testing.T) {
	t.Parallel()
	m := judgedScreen(80, 24, fixture(), fixtureFindings(), "2")
	table := text(m)
	press(m, "enter")
	detail := text(m)
	press(m, "w")
	page := text(m)
	press(m, "w")
	if text(m) != page || page == detail || !strings.Contains(page, "CAUSE") {
		t.Errorf("the page:\n%s", page)
	}
	if press(m, "esc"); text(m) != detail {
		t.Errorf("not back at the detail:\n%s", text(m))
	}
	if press(m, "esc"); text(m) != table {
		t.Errorf("not back at the table:\n%s", text(m))
	}
	if press(m, "w", "3"); !strings.Contains(text(m), "[3 Dest") {
		t.Errorf("not at another table:\n%s", text(m))
	}
}

// TestWhyFollows: the page shows the findings of the newest snapshot, or of the one at which the
// display was frozen.
func TestWhyFollows(t *testing.T) {
	t.Parallel()
	m := judgedScreen(120, 40, fixture(), fixtureFindings(), "w", "p")
	before, _, _ := strings.Cut(text(m), "PAUSED")
	later := fixture()
	later.Wall = later.Wall.Add(time.Second)
	m.Update(snapshotMsg{later, judgedAs(later, nil)})
	if got, _, _ := strings.Cut(text(m), "PAUSED"); got != before {
		t.Errorf("frozen, but it went on:\n%s", got)
	}
	press(m, "p")
	if got := text(m); strings.Contains(got, "CAUSE") || !strings.Contains(got, "SEEN         OUT OF PORTS") {
		t.Errorf("what is over is still there:\n%s", got)
	}
	later = fixture()
	later.PortSpaces = later.PortSpaces[1:]
	m.Update(snapshotMsg{later, judgedAs(later, fixtureFindings())})
	if got := text(m); !strings.Contains(got, "no longer in the table") || !strings.Contains(got, "CAUSE        churn") {
		t.Errorf("the row is gone:\n%s", got)
	}
}

// TestWhyEffects: effects come from a command, once for a page and again when the load is another.
func TestWhyEffects(t *testing.T) {
	t.Parallel()
	m := judgedScreen(120, 60, fixture(), fixtureFindings())
	_, next := m.Update(tea.KeyPressMsg{Code: 'w', Text: "w"})
	if next == nil || !strings.Contains(text(m), "effect  is being computed") {
		t.Fatalf("nothing is being computed:\n%s", text(m))
	}
	if _, again := m.Update(tea.WindowSizeMsg{Width: 120, Height: 60}); again != nil {
		t.Error("computed twice at a time")
	}
	page := m.page().subject.(*why)
	f := &page.found[0]
	known := map[adviceKey]string{keyOfAdvice(f, &f.Advice[1]): "survives: 28,000/s"}
	m.Update(effectsMsg{&why{}, known})
	if !page.effects.underway {
		t.Error("took the effects of another page")
	}
	m.Update(effectsMsg{page, known})
	if got := text(m); !strings.Contains(got, "effect  survives: 28,000/s") || !strings.Contains(got, "effect  survives: about 30 ports") {
		t.Errorf("no effects:\n%s", got)
	}
	for _, tc := range []struct {
		after time.Duration
		want  bool
	}{
		{time.Second, false},
		{3 * time.Second, true}, // the first advice has no effect yet
		{6 * time.Second, false},
		{13 * time.Second, true},
	} {
		later := fixture()
		later.Wall = later.Wall.Add(tc.after)
		m.Update(snapshotMsg{later, judgedAs(later, fixtureFindings())})
		if page.effects.underway != tc.want {
			t.Errorf("computed again after %s: %v", tc.after, !tc.want)
		}
		if page.effects.underway {
			known[keyOfAdvice(f, &f.Advice[0])] = "survives: 30 ports"
			m.Update(effectsMsg{page, known})
		}
	}
	before := fixtureFindings()[1].Advice
	msg, _ := computeEffects(page, fixture(), page.found)().(effectsMsg)
	if msg.page != page || len(msg.known) == 0 || !slices.Equal(page.found[0].Advice, before) {
		t.Errorf("computed %+v, and changed what is on the screen", msg)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	findings := fixtureFindings()
	scraping, churn, range_ := &findings[0], &findings[1], &findings[2]
	taken := &doctor.Finding{Cause: doctor.PortTaken, Subject: doctor.Subject{Netns: 1, Port: 443}}
	blue := uint32(4_026_532_901)
	for _, tc := range []struct {
		name string
		f    *doctor.Finding
		row  about
		want fit
	}{
		{"its process", churn, about{procs: []event.ProcID{web.ID}}, exactly},
		{"its process elsewhere", churn, about{procs: []event.ProcID{web.ID}, netns: []uint32{blue}}, unrelated},
		{"a victim", churn, about{procs: []event.ProcID{curl.ID}}, exactly},
		{"another process", churn, about{procs: []event.ProcID{proxy.ID}, netns: []uint32{1}}, unrelated},
		{"another process towards the same end", churn, about{procs: []event.ProcID{proxy.ID}, netns: []uint32{1}, towards: []event.Endpoint{cache}}, unrelated},
		{"its destination", churn, about{netns: []uint32{1}, remote: cache}, exactly},
		{"another destination of its process", churn, about{netns: []uint32{1}, remote: database, procs: []event.ProcID{web.ID}}, unrelated},
		{"another local address", churn, about{netns: []uint32{1}, remote: cache, local: local("10.0.0.7")}, unrelated},
		{"a failure that it explains", churn, about{netns: []uint32{1}, remote: cache, causes: causesOf(event.RangeExhausted)}, exactly},
		{"one that it does not explain", churn, about{netns: []uint32{1}, remote: cache, causes: causesOf(event.Refused)}, unrelated},
		{"the namespace", range_, about{netns: []uint32{blue}, remote: api}, nearby},
		{"another namespace", range_, about{netns: []uint32{1}}, unrelated},
		{"a process in both", range_, about{netns: []uint32{1, blue}, procs: []event.ProcID{scraper.ID}}, nearby},
		{"a port", taken, about{netns: []uint32{1}, port: 443}, exactly},
		{"another port", taken, about{netns: []uint32{1}, port: 80}, unrelated},
		{"no port", taken, about{netns: []uint32{1}}, unrelated},
		{"no row", scraping, about{}, unrelated},
	} {
		if got := tc.row.fitOf(tc.f); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// TestMatching: what is about the row itself comes before what is worse nearby.
func TestMatching(t *testing.T) {
	t.Parallel()
	findings := fixtureFindings()
	findings[2].Severity = doctor.Critical
	row := about{netns: []uint32{4_026_532_901}, procs: []event.ProcID{scraper.ID}, remote: api}
	var got []doctor.Cause
	for _, f := range row.matching(findings) {
		got = append(got, f.Cause)
	}
	if want := []doctor.Cause{doctor.HalfOpen, doctor.NarrowRange}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
