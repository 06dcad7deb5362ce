package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/kubelet"
	"github.com/porttrace/porttrace/internal/launch"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/probe"
)

// liveFlags are the flags of every command that traces this host.
type liveFlags struct {
	filterFlags
	privileges     privilegeFlags
	hooks          []string
	sizes          mapSizes
	detailLimit    int
	verbose        bool
	containerLogs  string
	noCommandLines bool // a flag of record alone

	program []string // after --
}

func (f *liveFlags) register(cmd *cobra.Command) {
	f.filterFlags.register(cmd)
	f.registerHooks(cmd)
	f.sizes.register(cmd)
	f.privileges.register(cmd)
	cmd.Flags().IntVar(&f.detailLimit, "detail-limit", probe.DefaultDetailLimit,
		"beyond `N` events a second, only count those of the busiest processes and address:port, but for a sample of connections; 0: never")
	cmd.Flags().StringVar(&f.containerLogs, "container-logs", "",
		"name pods by the kubelet's links in this `DIR` (default "+kubelet.Dirs[0]+", or that below /host)")
	inGroup(cmd.Flags(), groupAdvanced, "detail-limit", "container-logs")
}

// registerVerbose is for the commands that print lines: the screen shows how it traces.
func (f *liveFlags) registerVerbose(cmd *cobra.Command, help string) {
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, help)
	inGroup(cmd.Flags(), groupOutput, "verbose")
}

func (f *liveFlags) registerHooks(cmd *cobra.Command) {
	listVarP(cmd.Flags(), &f.hooks, "hooks", "", names(probe.DefaultHooks),
		"attach only by these `HOOKS`: "+strings.Join(names(probe.Hooks), ", "))
	offer(cmd, "hooks", names(probe.Hooks)...)
	inGroup(cmd.Flags(), groupAdvanced, "hooks")
}

// args allows operands only after --: a command to trace.
func (f *liveFlags) args(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	switch {
	case dash < 0 && len(args) > 0, dash > 0:
		return unexpected(cmd, args)
	case dash == 0 && len(args) == 0:
		return usagef("a command is missing after --")
	}
	f.program = args
	if dash < 0 {
		return f.check(f.request)
	}
	if f.given("pid") {
		return usagef("--pid and -- COMMAND exclude each other: a command is traced instead of a process")
	}
	return f.check(f.request.OfProcess(1)) // which pid it will have is not known yet
}

func (f *liveFlags) probeOptions() (probe.Options, error) {
	hooks, err := f.parseHooks()
	if err != nil {
		return probe.Options{}, err
	}
	if f.detailLimit < 0 {
		return probe.Options{}, usagef("--detail-limit %d: must not be negative", f.detailLimit)
	}
	opts := probe.Options{Hooks: hooks, DetailLimit: f.detailLimit}
	err = f.sizes.set(&opts)
	return opts, err
}

// checkRun returns what is wrong with the flags before anything is attached.
func (f *liveFlags) checkRun() error {
	_, err := f.probeOptions()
	return cmp.Or(err, f.privileges.check())
}

func (f *liveFlags) parseHooks() ([]probe.Hook, error) {
	var hooks []probe.Hook
	for _, name := range f.hooks {
		if !slices.Contains(probe.Hooks, probe.Hook(name)) {
			return nil, usagef("--hooks %s: must be one of %s", name, strings.Join(names(probe.Hooks), ", "))
		}
		hooks = append(hooks, probe.Hook(name))
	}
	if !slices.Contains(hooks, probe.Tracepoint) {
		return nil, usagef("--hooks %s: hook %s is required", strings.Join(f.hooks, ","), probe.Tracepoint)
	}
	return hooks, nil
}

// tracer is a source that knows how it observes each signal.
type tracer interface {
	pipeline.Source
	Signals() event.Signals
	Repeat() // reports again what only it knows
	Close()
}

// untraceable is the error of a host that cannot be traced, or not by this user.
type untraceable struct{ error }

func (u untraceable) Unwrap() error { return u.error }

// session is the attached tracer, with the filter and the command of the flags.
type session struct {
	ctx    context.Context // ends with the traced command, too
	source tracer
	stream pipeline.Source // of the source, anonymous if the flags ask for that
	filter *filter.Filter  // of the stream
	child  *launch.Command
	cancel context.CancelFunc

	privileges     *privilegeFlags
	startsPrograms bool // after begin, as the screen starts tmux
	verbose        bool
}

// open checks the flags and attaches; verbose says how. A command waits at its first
// instruction for begin.
func (f *liveFlags) open(ctx context.Context) (*session, error) {
	opts, err := f.probeOptions()
	if err = cmp.Or(err, f.privileges.check()); err != nil {
		return nil, err
	}
	if err := f.anonymous.checkKey(); err != nil {
		return nil, err
	}
	limitGarbage()
	s := &session{privileges: &f.privileges, verbose: f.verbose}
	s.ctx, s.cancel = context.WithCancel(ctx)
	if err := s.attach(f, opts); err != nil {
		s.close()
		return nil, err
	}
	if f.verbose {
		fmt.Fprintln(os.Stderr, attachedLine(s.source.Signals()))
		if host := live.Host(); host.PIDNS != "" {
			fmt.Fprintln(os.Stderr, "pids are those of "+host.PIDNS)
		}
	}
	return s, nil
}

// attach starts the command, if there is one, resolves the filter, and attaches.
func (s *session) attach(f *liveFlags, opts probe.Options) (err error) {
	request := f.request
	if len(f.program) > 0 {
		if s.child, err = launch.Start(f.program); err != nil {
			return err
		}
		request = request.OfProcess(s.child.PID())
	}
	resolved, err := filter.Resolve(request, hostFacts)
	if err != nil {
		return err
	}
	opts.Targets, opts.Children = resolved.Targets, resolved.Children
	source, err := live.Open(live.Options{Probe: opts, ContainerLogs: f.containerLogs, NoCommandLines: f.noCommandLines})
	if err != nil {
		return untraceable{rootNeeded(err)}
	}
	s.source = source
	s.stream, s.filter = hide(f.anonymous.anonymizer, source, resolved.Filter)
	return nil
}

// hostFacts are what a filter refers to on this host.
var hostFacts = filter.Facts{Process: live.Target, Netns: func(name string) ([]uint32, error) {
	inode, err := netns.Resolve(name)
	return []uint32{inode}, err
}}

// begin gives up privileges and releases the command, which has those of the user. The caller must
// have opened its output before: with fewer privileges it may not be able to, and a command must not
// run for a recording that cannot be written.
func (s *session) begin() error {
	if err := s.confine(); err != nil {
		return err
	}
	if s.child != nil {
		s.child.Release(s.cancel)
	}
	return nil
}

func (s *session) close() {
	s.cancel()
	if s.source != nil {
		s.source.Close()
	}
	if s.child != nil {
		s.child.Close(urged(s.ctx))
	}
}

// rootNeeded returns the error of a host that cannot be traced. If only privileges are missing it
// has what to type.
func rootNeeded(err error) error {
	if errors.Is(err, probe.ErrPrivileges) {
		return errors.New("need root (or CAP_BPF and CAP_PERFMON): " + sudoLine(os.Args))
	}
	return err
}

// sudoLine is the user's own command line, to be typed again.
func sudoLine(args []string) string {
	words := []string{"sudo"}
	for _, arg := range args {
		words = append(words, phrase.ShellWord(arg))
	}
	return strings.Join(words, " ")
}

func attachedLine(signals event.Signals) string {
	var modes []string
	for _, s := range signals {
		modes = append(modes, s.Name+" "+string(s.Mode))
	}
	return "tracing: " + strings.Join(modes, ", ")
}
