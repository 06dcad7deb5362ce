package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui"
	"github.com/porttrace/porttrace/tui/theme"
)

// themeVariable names a theme, or its file; without it the user's own file is used, if there is one.
const themeVariable = "PORTTRACE_THEME"

// screenEvery is the time between two snapshots of the screen.
const screenEvery = 500 * time.Millisecond

func rootCommand() *cobra.Command {
	var flags liveFlags
	root := &cobra.Command{
		Use:   "porttrace [flags] [-- COMMAND ARGS]",
		Short: "Shows which programs use up ephemeral ports, towards which destinations, and what fails",
		Long: `Shows which programs use up the ephemeral ports of this host, towards which
destinations, which connects and binds fail, why, and what to change. Without
a command it shows the live screen.`,
		Example: `  sudo porttrace                        # the live screen
  sudo porttrace doctor -d 1m           # why calls fail, and what to change
  sudo porttrace record -o night.ptrace # for later, on any machine`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          flags.args,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runScreen(cmd.Context(), &flags)
		},
	}
	flags.register(root)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().BoolP("help", "h", false, "print this help")
	root.PersistentFlags().VarPF(versionFlag{}, "version", "V", "print the version").NoOptDefVal = "true"
	inGroup(root.PersistentFlags(), groupAdvanced, "help", "version")
	root.SetHelpFunc(printHelp)
	root.AddCommand(eventsCommand(), recordCommand(), serveCommand(), replayCommand(), reportCommand(), catCommand(), cutCommand(), doctorCommand(),
		whatifCommand(), explainCommand(), exportCommand(), checkCommand(), demoCommand(), versionCommand())
	root.SetHelpCommand(helpCommand(root))
	root.AddCommand(manCommand(root))
	root.InitDefaultCompletionCmd()
	describeCompletion(commandNamed(root, "completion"))
	for _, c := range append(root.Commands(), root) {
		c.Flags().SortFlags = false
		offerNoFiles(c)
	}
	return root
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// needTerminal returns a usage error without a terminal: what to use instead.
func needTerminal(instead string) error {
	if !isTerminal(os.Stdout) || !isTerminal(os.Stdin) {
		return usagef("the screen needs a terminal: %s", instead)
	}
	return nil
}

func runScreen(ctx context.Context, flags *liveFlags) error {
	if _, err := flags.probeOptions(); err != nil { // wrong usage comes first
		return err
	}
	if err := needTerminal("use porttrace events or porttrace report"); err != nil {
		return err
	}
	session, err := flags.open(ctx)
	if flags.polls(err) {
		return flags.showPolled(ctx, err)
	}
	if err != nil {
		return err
	}
	defer session.close()
	if flags.privileges.user == nil {
		flags.privileges.dirs = []string{"."} // of the keys R and F, which say it if they cannot make a file
	}
	session.startsPrograms = true
	if err := session.begin(); err != nil {
		return err
	}
	screen := tui.Options{Title: "porttrace", Selection: flags.typed()}
	return showScreen(session.ctx, session.source, pipeline.Options{Filter: session.filter}, screen)
}

// showScreen runs the pipeline beside the screen, and whatever the user records or keeps of it.
func showScreen(ctx context.Context, source pipeline.Source, opts pipeline.Options, screen tui.Options) error {
	opts.Snapshots = make(chan *snapshot.Snapshot, 1)
	opts.Every, opts.Cost, opts.Focus = screenEvery, linux.CPUTime, &snapshot.Focus{}
	recorder := newScreenRecorder(ctx, source)
	recorder.connect(&opts)
	defer recorder.print(os.Stderr)
	keeper := newScreenKeeper(ctx, recorder.repeat)
	keeper.connect(&opts)
	defer keeper.print(os.Stderr)
	screen.Snapshots, screen.Focus, screen.Recorder, screen.Keeper = opts.Snapshots, opts.Focus, recorder, keeper
	return beside(ctx, screen, func(ctx context.Context) error {
		defer keeper.close()
		defer recorder.close()
		_, err := pipeline.Aggregate(ctx, source, opts)
		return err
	})
}

// beside runs the screen and, beside it, the function that feeds it. If one ends, so does
// the other; but if feed ends without an error, the screen stays until the user quits.
func beside(ctx context.Context, screen tui.Options, feed func(context.Context) error) error {
	var fault error
	if screen.Theme, fault = theme.Load(os.Getenv(themeVariable)); fault != nil {
		screen.Warning = fault.Error() + "; the default colours are used"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ran := make(chan error, 1)
	screenCtx, closeScreen := context.WithCancel(ctx)
	defer closeScreen()
	go func() {
		err := runSafely(ctx, feed)
		if err != nil {
			closeScreen()
		}
		ran <- err
	}()
	err := tui.Run(screenCtx, screen)
	cancel()
	if err != nil {
		err = fmt.Errorf("showing the screen: %w", err)
	}
	return errors.Join(err, <-ran)
}

// runSafely returns a panic as an error: a crash would leave the terminal in the mode of the
// screen.
func runSafely(ctx context.Context, feed func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a bug in porttrace: %v\n%s", p, debug.Stack())
		}
	}()
	return feed(ctx)
}
