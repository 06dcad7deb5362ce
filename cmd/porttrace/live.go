package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/probe"
)

// liveFlags are what every command that traces this host takes.
type liveFlags struct {
	filterFlags
	hooks []string
	ring  int

	program []string // after --
}

func (f *liveFlags) register(cmd *cobra.Command) {
	f.filterFlags.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.hooks, "hooks", hookNames(probe.DefaultHooks), "what may be attached")
	flags.IntVar(&f.ring, "ring-bytes", 0, "size of each ring buffer: a power of two (0: the default)")
}

// args allows operands only after --, where they are a command to trace.
func (f *liveFlags) args(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	switch {
	case dash < 0 && len(args) > 0, dash > 0:
		return usagef("unknown command %q", args[0])
	case dash == 0 && len(args) == 0:
		return usagef("a command is missing after --")
	}
	f.program = args
	if dash == 0 && len(f.pids) > 0 {
		return usagef("--pid and -- COMMAND exclude each other: the command is what is traced")
	}
	return f.checkPIDs()
}

func hookNames(hooks []probe.Hook) []string {
	var names []string
	for _, h := range hooks {
		names = append(names, string(h))
	}
	return names
}

func (f *liveFlags) parseHooks() ([]probe.Hook, error) {
	var hooks []probe.Hook
	for _, name := range f.hooks {
		if !slices.Contains(probe.Hooks, probe.Hook(name)) {
			return nil, usagef("--hooks %s: it must be of %s", name, strings.Join(hookNames(probe.Hooks), ", "))
		}
		hooks = append(hooks, probe.Hook(name))
	}
	if !slices.Contains(hooks, probe.Tracepoint) {
		return nil, usagef("--hooks must name %s: everything rests on it", probe.Tracepoint)
	}
	return hooks, nil
}

// tracer is a source that says how it sees.
type tracer interface {
	pipeline.Source
	Signals() event.Signals
	Close()
}

// untraceable says that this host cannot be traced, or not by this user.
type untraceable struct{ error }

func (u untraceable) Unwrap() error { return u.error }

// session is the attached tracer with what the flags ask for.
type session struct {
	ctx    context.Context // ends with the traced command, too
	source tracer
	filter *filter.Filter
	child  *child
	cancel context.CancelFunc
}

// open checks the flags, then attaches, then says so on a line of its own. A command
// waits at its first instruction for begin.
func (f *liveFlags) open(ctx context.Context, say io.Writer) (*session, error) {
	hooks, err := f.parseHooks()
	if err != nil {
		return nil, err
	}
	if f.ring != 0 && (f.ring < 4096 || f.ring > 1<<30 || f.ring&(f.ring-1) != 0) {
		return nil, usagef("--ring-bytes %d: it must be a power of two of at least 4096 and at most 1073741824", f.ring)
	}
	for _, name := range f.netns {
		inode, err := netns.Resolve(name)
		if err != nil {
			return nil, err
		}
		f.filter.Netns = append(f.filter.Netns, inode)
	}
	s := &session{}
	s.ctx, s.cancel = context.WithCancel(ctx)
	opts := live.Options{Probe: probe.Options{Hooks: hooks, RingBytes: f.ring}}
	if err := f.findTargets(s, &opts.Probe); err != nil {
		s.close()
		return nil, err
	}
	if s.filter, err = filter.Parse(f.filter); err != nil {
		s.close()
		return nil, usageError{err}
	}
	source, err := live.Open(opts)
	if err != nil {
		s.close()
		return nil, untraceable{err}
	}
	s.source = source
	fmt.Fprintln(say, attachedLine(s.source.Signals()))
	if host, err := live.Host(); err == nil && host.PIDNS != "" {
		fmt.Fprintln(say, host.PIDNS)
	}
	return s, nil
}

// begin lets the command run, once there is a place for what is seen of it: one whose
// recording cannot be written is not to be run for nothing.
func (s *session) begin() {
	if s.child != nil {
		s.child.release(s.cancel)
	}
}

// findTargets resolves --pid, or starts the command, stopped at its first instruction.
func (f *liveFlags) findTargets(s *session, opts *probe.Options) error {
	if len(f.program) > 0 {
		child, err := startStopped(f.program)
		if err != nil {
			return err
		}
		s.child = child
		f.filter.PIDs, f.filter.Children = []uint32{uint32(child.pid)}, true
	}
	opts.Children = f.filter.Children
	for _, pid := range f.filter.PIDs {
		id, err := live.Target(pid)
		if err != nil {
			return err
		}
		opts.Targets = append(opts.Targets, id)
	}
	return nil
}

func (s *session) close() {
	s.cancel()
	if s.source != nil {
		s.source.Close()
	}
	if s.child != nil {
		s.child.end()
	}
}

func attachedLine(signals event.Signals) string {
	var modes []string
	for _, s := range signals {
		modes = append(modes, s.Name+" "+string(s.Mode))
	}
	return "tracing: " + strings.Join(modes, ", ")
}
