// Command overhead measures what tracers cost, in storms of connections on the
// loopback device of a private namespace:
//
//	go run ./internal/lab/overhead -tracer tcplife=/usr/sbin/tcplife -tracer 'porttrace=bin/porttrace events --json'
//
// Every round runs the storm once without a tracer and once with each, in an
// order that rotates. Throughput kept is the ratio of the two within one round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

// config has the values of the command line.
type config struct {
	tracers  []command
	rounds   int
	duration time.Duration // of one storm
	settle   time.Duration // from the start of a tracer to the storm
	threads  int
	storms   []string
	bpfStats bool
}

// command is a tracer by its name and its arguments.
type command struct {
	name string
	args []string
}

// none is the mode without a tracer.
const none = "none"

func main() {
	lab.MaybeRun()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "overhead: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	if err := needStatsOff(); err != nil {
		return err
	}
	if err := mountTracefs(); err != nil {
		return err
	}
	for _, storm := range cfg.storms {
		if err := measure(ctx, cfg, storm); err != nil {
			return err
		}
	}
	return nil
}

func parse(args []string) (config, error) {
	var cfg config
	var storms string
	flags := flag.NewFlagSet("overhead", flag.ExitOnError)
	flags.Func("tracer", "a tracer to measure, `name=command` (repeatable)", func(text string) error {
		name, line, ok := strings.Cut(text, "=")
		if !ok || len(strings.Fields(line)) == 0 {
			return errors.New("want name=command")
		}
		cfg.tracers = append(cfg.tracers, command{name, strings.Fields(line)})
		return nil
	})
	flags.IntVar(&cfg.rounds, "rounds", 5, "rounds for each storm")
	flags.DurationVar(&cfg.duration, "duration", 2*time.Second, "length of one storm")
	flags.DurationVar(&cfg.settle, "settle", 1500*time.Millisecond, "time a tracer is given to attach")
	flags.IntVar(&cfg.threads, "threads", 1, "threads of the storm")
	flags.StringVar(&storms, "storm", "rst,fin", "storms to run")
	flags.BoolVar(&cfg.bpfStats, "bpf-stats", false, "one more round with run time statistics of BPF programs (needs bpftool)")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for name := range strings.SplitSeq(storms, ",") {
		if name != "rst" && name != "fin" {
			return cfg, fmt.Errorf("no such storm: %q", name)
		}
		cfg.storms = append(cfg.storms, name)
	}
	return cfg, nil
}

// measure runs all rounds of one storm and prints its tables.
func measure(ctx context.Context, cfg config, storm string) error {
	modes := append([]command{{name: none}}, cfg.tracers...)
	rounds := make([]map[string]sample, cfg.rounds)
	for i := range rounds {
		rounds[i] = make(map[string]sample)
		for j := range modes {
			mode := modes[(i+j)%len(modes)]
			s, err := once(ctx, cfg, storm, mode)
			if err != nil {
				return fmt.Errorf("%s storm, %s: %w", storm, mode.name, err)
			}
			rounds[i][mode.name] = s
		}
	}
	if err := printRounds(os.Stdout, storm, modes, rounds); err != nil {
		return err
	}
	if !cfg.bpfStats {
		return nil
	}
	return measureKernel(ctx, cfg, storm)
}
