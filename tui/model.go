package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/colorprofile"

	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/clip"
	"github.com/porttrace/porttrace/tui/prompt"
	"github.com/porttrace/porttrace/tui/theme"
)

// Model is the one tea.Model of the program. All state that outlives a frame is
// here or in the panes.
type Model struct {
	snapshots <-chan *snapshot.Snapshot
	done      <-chan struct{}
	focus     *snapshot.Focus
	selected  string // the filter of the command line
	title     string
	keys      *keyMap
	styles    *styles
	theme     theme.Theme
	dark      bool // the background of the terminal
	profile   colorprofile.Profile

	width, height int

	judges judges
	past   past
	latest *snapshot.Snapshot // the newest that came
	shown  *snapshot.Snapshot // the one on the screen; older while paused
	paused bool

	latestJudged judged
	judged       // of shown
	ended        bool

	recording recorderState
	keeping   keeperState

	panes  []pane
	tab    int
	filter filter
	trail  []*detail // the details that were opened, one from the other; empty while a table is shown
	under  subject   // what the row under the cursor leads to, when it was drawn last; nil: nothing
	side   *detail   // what the row under the cursor is, beside a table or a detail; nil if not shown
	help   *scroll   // nil unless the help is shown
	menu   *menu     // nil unless something is chosen from a list
	prompt *prompt.Prompt
	asking bool    // the prompt is open
	after  tea.Cmd // what a command of the prompt wants done
	bell   bell
	note   note    // what a key has done, until the next
	free   bool    // the mouse is the terminal's
	replay *replay // nil while the screen is live
	layout layout  // of the frame drawn last
	// focused are the port spaces whose maps were asked for last.
	focused []snapshot.SpaceID
}

func newModel(ctx context.Context, opts Options) *Model {
	m := &Model{
		snapshots: opts.Snapshots,
		done:      ctx.Done(),
		focus:     opts.Focus,
		selected:  printable.String(opts.Selection),
		title:     printable.String(opts.Title),
		keys:      newKeys(opts.Player != nil),
		theme:     opts.Theme,
		dark:      true,
		profile:   colorprofile.TrueColor,
		panes:     []pane{newSpaces(), newProcesses(), newDestinations(), newFailures(), newEvents()},
	}
	m.restyle()
	m.prompt = m.newPrompt()
	m.say(warn, printable.String(opts.Warning))
	if opts.Player != nil {
		m.replay = &replay{player: opts.Player, whole: opts.Player.Timeline()}
	}
	m.recording.recorder, m.keeping.keeper = opts.Recorder, opts.Keeper
	return m
}

// Init waits for the first snapshot, and asks for the background of the terminal.
func (m *Model) Init() tea.Cmd { return tea.Batch(m.wait, tea.RequestBackgroundColor) }

// restyle takes the colours of the terminal, or of another theme.
func (m *Model) restyle() {
	braille := m.styles != nil && m.styles.braille
	m.styles = newStyles(m.theme, m.dark, m.profile)
	m.styles.braille = braille
}

// Update takes one message. It does no I/O.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var next tea.Cmd
	switch msg := msg.(type) {
	case snapshotMsg:
		m.receive(msg)
		next = tea.Batch(m.wait, m.ring())
	case effectsMsg:
		m.takeEffects(msg)
	case endedMsg:
		m.ended = true
	case tea.BackgroundColorMsg:
		m.dark = msg.IsDark()
		m.restyle()
	case tea.ColorProfileMsg:
		m.profile = msg.Profile
		m.restyle()
	case clip.Msg:
		m.say(good, string(msg))
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.KeyPressMsg:
		next = m.press(msg)
	case tea.MouseClickMsg:
		m.click(msg.Mouse())
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	}
	if m.replay != nil {
		m.replay.update(m.width)
	}
	if simulate := m.simulate(); simulate != nil {
		next = tea.Batch(next, simulate)
	}
	m.settle()
	m.setFocus()
	return m, next
}

// receive keeps the newest snapshot and shows it unless the display is frozen.
func (m *Model) receive(msg snapshotMsg) {
	if msg.snapshot == nil {
		return
	}
	m.latest, m.latestJudged = msg.snapshot, msg.judged
	m.followRecording()
	m.followKept()
	if m.replay == nil {
		m.past.keep(moment(msg))
	}
	if !m.paused || m.shown == nil {
		m.showLatest()
	}
}

func (m *Model) showLatest() {
	m.shown, m.judged = m.latest, m.latestJudged
	m.refresh()
}

// refresh updates what is on the screen from the snapshot shown. The other panes, and a table behind
// a detail, are updated when they are shown.
func (m *Model) refresh() {
	if m.shown == nil {
		return
	}
	if m.page() == nil || m.filter.text() != "" { // how many rows match is seen beside a detail, too
		m.panes[m.tab].begin(m.shown, &m.verdict)
		m.panes[m.tab].set(m.shown, m.filter.query)
	}
	for _, d := range m.trail {
		m.renew(d)
	}
}

// renew shows the newest values in a detail.
func (m *Model) renew(d *detail) {
	if page, ok := d.subject.(*why); ok {
		page.judged(m.judged)
	}
	d.set(m.shown)
}

// page returns the detail on the screen, nil while a table is shown.
func (m *Model) page() *detail {
	if len(m.trail) == 0 {
		return nil
	}
	return m.trail[len(m.trail)-1]
}

// chosen returns what the row under the cursor leads to, nil if there is none.
func (m *Model) chosen() subject {
	if page := m.page(); page != nil {
		return page.open()
	}
	return m.panes[m.tab].open()
}

// subjectHere returns what the keys for a row are about: the detail, or the row under the cursor.
func (m *Model) subjectHere() subject {
	if page := m.page(); page != nil {
		return page.subject
	}
	if m.shown == nil {
		return nil
	}
	return m.panes[m.tab].open()
}

// enter opens a detail from what is shown now.
func (m *Model) enter(to subject) {
	if to == nil || len(m.trail) >= maxTrail {
		return
	}
	d := &detail{subject: to, replay: m.replay}
	m.renew(d)
	d.draw(m.width, m.height, m.styles) // whether it has doors decides whether there is a pane beside it
	m.trail = append(m.trail, d)
}

// maxTrail bounds how deep details open one another.
const maxTrail = 32
