package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
)

// windowFlags choose a part of a recording.
type windowFlags struct{ from, to string }

func (f *windowFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "from", "", "of a recording: only what happened since `TIME`: 03:12 or RFC 3339 (UTC), +1m from the beginning, -30s from the end, 50%")
	cmd.Flags().StringVar(&f.to, "to", "", "of a recording: only what happened until `TIME`")
}

// within returns the part in stream time; 0 is no bound.
func (f *windowFlags) within(r *recording) (from, to event.Time, err error) {
	begin, end := r.Span()
	all := playback.State{Begin: begin, End: end, Clock: r.Clock()}
	if f.from != "" {
		if from, err = all.Bound(f.from); err != nil {
			return 0, 0, momentError(r, "--from", f.from, err)
		}
	}
	if f.to != "" {
		if to, err = all.Bound(f.to); err != nil {
			return 0, 0, momentError(r, "--to", f.to, err)
		}
	}
	if to != 0 && to < from {
		return 0, 0, usagef("--to %s is before --from %s", f.to, f.from)
	}
	return from, to, nil
}

func momentError(r *recording, flag, text string, err error) error {
	if errors.Is(err, playback.ErrMoment) {
		return usagef("%s: %s is no time: give %s", flag, text, playback.Moments)
	}
	return usagef("%s %s: %w%s", flag, text, err, newestIncident(r.name))
}
