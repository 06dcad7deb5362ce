package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/playback"
)

// windowFlags choose a part of a recording.
type windowFlags struct {
	from, to string
	typed    string // another flag that has both
}

func (f *windowFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "from", "", "of a recording: only what happened since `TIME`: 03:12 or RFC 3339 (UTC), +1m from the beginning, -30s from the end, 50%")
	cmd.Flags().StringVar(&f.to, "to", "", "of a recording: only what happened until `TIME`")
}

// within returns the part in stream time; 0 is no bound. What is not recorded of it is said: a job that exports each hour
// shall have the rest of the first one.
func (f *windowFlags) within(r *recording) (from, to event.Time, err error) {
	begin, end := r.Span()
	all := playback.State{Begin: begin, End: end, Clock: r.Clock()}
	first, err := all.Bound(f.from)
	if err != nil {
		return 0, 0, momentError("--from", f.from, err)
	}
	last, err := all.Bound(f.to)
	if err != nil {
		return 0, 0, momentError("--to", f.to, err)
	}
	part, err := all.Between(first, last)
	switch {
	case errors.Is(err, playback.ErrBackwards):
		return 0, 0, usagef("--to %s is before --from %s", f.to, f.from)
	case err != nil:
		return 0, 0, usagef("%s: %w%s", f, err, newestIncident(r.name))
	case part.Short:
		fmt.Fprintf(os.Stderr, "cut short: %s: %s%s\n", f, all.Recorded(), newestIncident(r.name))
	}
	return part.From, part.To, nil
}

// String returns the flags as they are typed.
func (f *windowFlags) String() string {
	if f.typed != "" {
		return f.typed
	}
	var typed []string
	if f.from != "" {
		typed = append(typed, "--from "+f.from)
	}
	if f.to != "" {
		typed = append(typed, "--to "+f.to)
	}
	return strings.Join(typed, " ")
}

func momentError(flag, text string, err error) error {
	if errors.Is(err, playback.ErrMoment) {
		return usagef("%s: %s is no time: give %s", flag, text, playback.Moments)
	}
	return usagef("%s %s: %w", flag, text, err)
}
