package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/replay"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui"
)

func replayCommand() *cobra.Command {
	var flags filterFlags
	cmd := &cobra.Command{
		Use:   "replay FILE... [flags]",
		Short: "show a recording on the screen: pause, speed, seek",
		Example: `  porttrace replay night.ptrace
  porttrace replay night.ptrace --comm 'php-fpm*'
  porttrace replay night.ptrace --dest 10.0.0.2:6379`,
		Args: recordingFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runReplay(cmd.Context(), args, &flags)
		},
	}
	flags.register(cmd)
	return cmd
}

func runReplay(ctx context.Context, names []string, flags *filterFlags) error {
	if err := flags.check(flags.request); err != nil {
		return err
	}
	confineReader(ctx, "")
	recording, err := flags.openRecording(ctx, names)
	if err != nil {
		return err
	}
	defer recording.close()
	if err := needTerminal("use porttrace report FILE or porttrace export FILE"); err != nil {
		return err
	}
	err = showReplay(ctx, recording.Reader, recording.filter, tui.Options{Title: "porttrace replay " + recording.name, Selection: flags.typed()})
	return cmp.Or(err, recording.reportGaps())
}

// showReplay runs the player beside the screen.
func showReplay(ctx context.Context, from *record.Reader, f *filter.Filter, screen tui.Options) error {
	survey, err := from.Fork()
	if err != nil {
		return err
	}
	opts := replay.Options{
		Survey: survey,
		Filter: f, Snapshots: make(chan *snapshot.Snapshot, 1),
		Focus: &snapshot.Focus{},
		Every: screenEvery / 5, // quick enough for a seek to be followed
	}
	player := replay.NewPlayer(from, opts)
	screen.Snapshots, screen.Player, screen.Focus = opts.Snapshots, player, opts.Focus
	return beside(ctx, screen, player.Run)
}
