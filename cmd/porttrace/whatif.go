package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/whatif"
)

type whatifFlags struct {
	filterFlags
	windowFlags
	output      outputFlags
	load        loadFlags
	system      systemFlags
	allProfiles bool
	explain     bool
	solve       string
}

const whatifLong = `Simulates connections against a model of how an operating system allocates local
ports: does the load survive, when does the first connect fail, which rate is
sustainable, which change is enough? The load is made up (--rate, --lifetime,
...) or the one of a recording (FILE), with the host's settings as recorded or
changed ones. It needs no privileges and changes nothing.

The profiles are operating systems as they come: windows-2003, windows-2008,
rhel5, linux, macos, bsd. A bare profile is the arithmetic of the write-ups,
ports / TIME_WAIT; limits and reuse act only if they are set, by --set
NAME=VALUE. --explain lists the settings of a profile.

A shape of load is --rate with --lifetime, or workers without a rate:
--concurrency 500 --count 100000 is ab -c 500 -n 100000. With FILE and --rate
the load is made up with the lifetimes, the destinations and the share of
server-side closes that were recorded.`

const whatifExamples = `  # Does a connection for each of 100 requests per second survive on an old Windows server?
  porttrace whatif --rate 100/s --lifetime 50ms --profile windows-2003

  # Last night's load with a range that is wider, on 10.0.0.2:6379 alone
  porttrace whatif night.ptrace --dest 10.0.0.2:6379 --range "15000 64999"

  # How many requests must a connection serve for 2,000 requests per second?
  porttrace whatif --rate 2000/s --lifetime 5ms --solve pool`

func whatifCommand() *cobra.Command {
	var flags whatifFlags
	cmd := &cobra.Command{
		Use:     "whatif [FILE...] [flags]",
		Short:   "simulate a load with other settings, or on another system",
		Long:    whatifLong,
		Example: whatifExamples,
		Args:    flags.operands,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runWhatif(cmd.Context(), args, &flags)
		},
	}
	cmd.Flags().SortFlags = false // they are in groups: the load, the system, the question, the output, a recording
	flags.load.register(cmd)
	flags.system.register(cmd)
	cmd.Flags().BoolVar(&flags.allProfiles, "all-profiles", false, "the load on every profile, side by side")
	cmd.Flags().StringVar(&flags.solve, "solve", "", "the smallest change of one `KNOB` that suffices: "+strings.Join(names(whatif.Knobs), ", "))
	offer(cmd, "solve", names(whatif.Knobs)...)
	cmd.Flags().BoolVar(&flags.explain, "explain", false, "the arithmetic of the profile, its source and its settings")
	inGroup(cmd.Flags(), groupSystem, "all-profiles", "explain")
	flags.output.register(cmd, "text", "json")
	flags.windowFlags.register(cmd)
	flags.filterFlags.register(cmd)
	return cmd
}

func (f *whatifFlags) operands(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return recordingFiles(cmd, args)
	}
	for _, flag := range []string{"from", "to", "children", "pid", "comm", "exe", "container", "pod", "unit", "cgroup", "netns", "dest", "port"} {
		if cmd.Flags().Changed(flag) {
			return usagef("--%s is for a recording: name its file", flag)
		}
	}
	return nil
}

// check refuses flags that contradict each other.
func (f *whatifFlags) check(recorded bool) error {
	if f.solve != "" && !slices.Contains(whatif.Knobs, whatif.Knob(f.solve)) {
		return usagef("--solve %s: must be one of %s", f.solve, strings.Join(names(whatif.Knobs), ", "))
	}
	if f.allProfiles {
		for _, flag := range []string{"profile", "set", "solve", "explain", "range", "reserved", "time-wait", "tw-reuse", "timer-step"} {
			if f.given(flag) {
				return usagef("--all-profiles shows each as it comes, without --%s", flag)
			}
		}
	}
	if recorded && !f.load.madeUp() {
		for _, flag := range []string{"lifetime", "concurrency", "server-closes", "count", "duration", "poisson", "handshake", "unanswered", "give-up", "dead-peers"} {
			if f.given(flag) {
				return usagef("--%s is for a made-up load: give --rate, too, or no recording", flag)
			}
		}
	}
	return nil
}

func runWhatif(ctx context.Context, args []string, flags *whatifFlags) error {
	format, err := flags.output.chosen()
	if err != nil {
		return err
	}
	if err := flags.check(len(args) > 0); err != nil {
		return err
	}
	if err := flags.load.parse(); err != nil {
		return err
	}
	configs, err := flags.configs()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		confineReader(ctx, "")
	}
	var answers []whatif.Answer
	var problem error // with the recording, which is no reason not to answer
	done := make(chan error, 1)
	go func() {
		done <- runSafely(ctx, func(ctx context.Context) (err error) {
			if len(args) > 0 {
				answers, problem, err = flags.answerRecorded(ctx, args, configs)
			} else {
				answers, err = flags.answerMadeUp(configs)
			}
			return err
		})
	}()
	select {
	case err = <-done:
	case <-ctx.Done(): // a simulation does not wait for anything, so it is left
		err = errors.New("interrupted before the simulation has ended")
	}
	if err != nil {
		return err
	}
	return cmp.Or(flags.write(format, answers), problem)
}

// configs returns the systems to simulate.
func (f *whatifFlags) configs() ([]*whatif.Config, error) {
	if !f.allProfiles {
		c, err := f.system.config(f.system.chosenProfile(), nil, "")
		return []*whatif.Config{c}, err
	}
	var all []*whatif.Config
	for _, name := range whatif.ProfileNames() {
		c, err := f.system.config(whatif.ProfileOf(name), nil, "")
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func (f *whatifFlags) write(format string, answers []whatif.Answer) error {
	switch {
	case format == "json" && f.allProfiles:
		return whatif.JSONArray(os.Stdout, answers)
	case format == "json":
		return whatif.JSON(os.Stdout, &answers[0])
	case f.allProfiles:
		return whatif.Table(os.Stdout, answers)
	}
	return whatif.Text(os.Stdout, &answers[0])
}

// answerMadeUp simulates the load of the flags.
func (f *whatifFlags) answerMadeUp(configs []*whatif.Config) ([]whatif.Answer, error) {
	load := f.load.load
	if !f.load.madeUp() && f.solve != "" && f.solve != string(whatif.SolveRate) {
		return nil, usagef("--solve %s: for which load? Name a recording, or give --rate", f.solve)
	}
	var answers []whatif.Answer
	for _, c := range configs {
		a, err := f.answer(c, load)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// answer simulates a made-up load on one system.
func (f *whatifFlags) answer(c *whatif.Config, load whatif.Load) (whatif.Answer, error) {
	system, err := c.Resolve()
	if err != nil {
		return whatif.Answer{}, usagef("%w", err)
	}
	a := whatif.Answer{Config: c, System: system, Explain: f.explain, Notes: c.Notes}
	if f.load.madeUp() {
		a.Load = load.Describe(&system)
		a.Result = whatif.Simulate(system, load)
	} else {
		a.Result = whatif.Result{Capacity: system.Ports, FirstFailure: -1, Spaces: 1, Sustainable: whatif.Sustainable(system, load)}
	}
	if f.solve != "" {
		s := whatif.Solve(system, load, whatif.Knob(f.solve), c.MostPorts())
		c.WholeRange(&s, func(ports int) whatif.Result {
			wider := system
			wider.Ports = ports
			return whatif.Simulate(wider, load)
		})
		a.Solution = &s
	}
	return a, nil
}
