package tui

import (
	"context"
	"fmt"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/theme"
)

// framesPerSecond bounds what redrawing costs the traced host.
const framesPerSecond = 30

// Options are what the screen needs from its caller.
type Options struct {
	// Snapshots delivers the newest state. One slot that is overwritten is
	// enough: the screen never needs the ones in between. When it is closed, the
	// source has ended and the last snapshot stays on the screen.
	Snapshots <-chan *snapshot.Snapshot
	// Focus is set to the port spaces that are viewed, whose maps the snapshots should have.
	Focus *snapshot.Focus
	// Player steers the replay of a recording; without it the screen is live.
	Player Player
	// Recorder records what the live screen shows; nil: nothing can be recorded.
	Recorder Recorder
	// Keeper has the last minutes of what the live screen shows; nil: nothing is kept.
	Keeper Keeper
	// Input and Output are the terminal, unless they are set.
	Input  io.Reader
	Output io.Writer
	// Theme has the colours.
	Theme theme.Theme
	// Warning is shown until the first key.
	Warning string
	// Selection is the filter of the command line, as it was typed; empty without one.
	Selection string
	// Title is the title of the terminal's window; empty does not change it.
	Title string
}

// Run shows the snapshots until the user quits, the terminal vanishes or the
// context ends, none of which is an error. The terminal is as it was before when Run returns. Run
// takes no signals: a caller that wants them to end it cancels the context.
func Run(ctx context.Context, opts Options) error {
	// The command that waits for a snapshot has to end with the program.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opts.Input = inputOr(opts.Input, cancel)
	_, err := tea.NewProgram(newModel(ctx, opts), programOptions(ctx, opts)...).Run()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("showing the screen: %w", err)
	}
	return nil
}

func programOptions(ctx context.Context, opts Options) []tea.ProgramOption {
	list := []tea.ProgramOption{
		tea.WithContext(ctx),
		tea.WithoutSignalHandler(),
		tea.WithFPS(framesPerSecond),
		tea.WithEnvironment(environment()),
		tea.WithInput(opts.Input),
	}
	if opts.Output != nil {
		list = append(list, tea.WithOutput(opts.Output))
	}
	return list
}

// environment makes any value of NO_COLOR count, as no-color.org asks for; the
// library takes only those that read as true.
func environment() []string {
	env := os.Environ()
	if os.Getenv("NO_COLOR") != "" {
		env = append(env, "NO_COLOR=1")
	}
	return env
}
