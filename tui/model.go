package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Model is the one tea.Model of the program. All state that outlives a frame is
// here or in the panes.
type Model struct {
	snapshots <-chan *snapshot.Snapshot
	done      <-chan struct{}
	title     string
	keys      *keyMap
	styles    *styles

	width, height int

	latest *snapshot.Snapshot // the newest that came
	shown  *snapshot.Snapshot // the one on the screen; older while paused
	paused bool

	latestFindings, findings []doctor.Finding // of latest and of shown
	ended                    bool

	panes  []pane
	tab    int
	filter filter
	detail *detail // nil while a table is shown
	why    *detail // why and what to do, on top of the table or the detail; else nil
	help   *scroll // nil unless the help is shown
	replay *replay // nil while the screen is live
}

func newModel(ctx context.Context, opts Options) *Model {
	m := &Model{
		snapshots: opts.Snapshots,
		done:      ctx.Done(),
		title:     printable.String(opts.Title),
		keys:      newKeys(opts.Player != nil),
		styles:    newStyles(),
		panes:     []pane{newSpaces(), newProcesses(), newDestinations(), newFailures()},
	}
	if opts.Player != nil {
		m.replay = &replay{player: opts.Player}
	}
	return m
}

// Init waits for the first snapshot.
func (m *Model) Init() tea.Cmd { return m.wait }

// Update takes one message. It does no I/O.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var next tea.Cmd
	switch msg := msg.(type) {
	case snapshotMsg:
		m.receive(msg.snapshot, msg.findings)
		next = m.wait
	case effectsMsg:
		m.takeEffects(msg)
	case endedMsg:
		m.ended = true
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.KeyPressMsg:
		next = m.press(msg)
	}
	if m.replay != nil {
		m.replay.update(m.width)
	}
	if simulate := m.simulate(); simulate != nil {
		next = tea.Batch(next, simulate)
	}
	m.settle()
	return m, next
}

// receive keeps the newest snapshot and shows it unless the display is frozen.
func (m *Model) receive(s *snapshot.Snapshot, findings []doctor.Finding) {
	if s == nil {
		return
	}
	m.latest, m.latestFindings = s, findings
	if !m.paused || m.shown == nil {
		m.shown, m.findings = s, findings
		m.refresh()
	}
}

// refresh updates what is on the screen from the snapshot shown. The other panes are
// updated when they are shown.
func (m *Model) refresh() {
	if m.shown == nil {
		return
	}
	m.panes[m.tab].set(m.shown, m.filter.text)
	if m.detail != nil {
		m.detail.set(m.shown)
	}
	if m.why != nil {
		m.why.subject.(*why).judged(m.findings)
		m.why.set(m.shown)
	}
}

// page returns the detail on the screen, nil while a table is shown.
func (m *Model) page() *detail {
	if m.why != nil {
		return m.why
	}
	return m.detail
}
