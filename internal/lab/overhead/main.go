// Command overhead measures what tracers cost, in storms of connections on the loopback device of
// a private namespace:
//
//	go run ./internal/lab/overhead -tracer tcplife=/usr/sbin/tcplife -tracer 'report=./porttrace report -d 1h'
//
// A round runs the storm once without a tracer, once with each of two floors and once with each
// tracer, in an order that rotates; what is compared was measured in the same round. The floors
// are the least that a tracer can do: an empty program at each change of a TCP state, and one
// record of 64 bytes a change. Statistics of BPF programs cost some time in each run of one, so
// they have rounds of their own, and so has the memory after a storm, which takes half a minute.
//
// # Files
//
//	main     the command line, and the order of work
//	mode     what is compared: nothing, the floors, tracers
//	storm    the loads
//	round    one storm under one mode
//	kernel   the kernel's statistics of BPF programs, the memory of maps
//	memory   what is left of a storm after a while
//	tracer   a running tracer, in a pipe or a terminal
//	floor    the programs of the floors
//	figures  what was measured, as medians
//	goals    what it must not exceed
//	table    the figures beside the goals
//	quiet    whether the host does nothing else
//	document docs/performance.md, and a sentence of it in the README
//	tracefs  the file system that other tracers need
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

// config has the values of the command line.
type config struct {
	modes        []mode
	storms       []storm
	rounds       int
	duration     time.Duration // of one storm
	settle       time.Duration // how long the programs of a tracer must stay the same before the storm
	later        time.Duration // from the end of a storm to the second measurement of memory; 0: none
	threads      int
	destinations int
	doc, readme  string // to update; "": none
	version      string // of porttrace, for the document
	beFloor      string // a child of this command: attach this floor, measure nothing
}

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
	if cfg.beFloor != "" {
		return runFloor(ctx, cfg.beFloor)
	}
	if err := errors.Join(needStatsOff(), mountTracefs()); err != nil {
		return err
	}
	if cfg.doc != "" {
		if err := needQuiet(ctx); err != nil {
			return err
		}
	}
	var tables [][]figures
	for _, s := range cfg.storms {
		list, err := measure(ctx, cfg, s)
		if err != nil {
			return fmt.Errorf("%s storm: %w", s.name, err)
		}
		tables = append(tables, list)
		if err := writeTable(os.Stdout, list); err != nil {
			return err
		}
	}
	if cfg.doc == "" {
		return nil
	}
	return document(cfg, tables)
}

func parse(args []string) (config, error) {
	cfg := config{modes: floors()}
	var names string
	flags := flag.NewFlagSet("overhead", flag.ExitOnError)
	add := func(name string, k kind, usage string) {
		flags.Func(name, usage+", `name=command` (repeatable)", func(text string) error {
			m, err := parseMode(text, k)
			cfg.modes = append(cfg.modes, m)
			return err
		})
	}
	add("tracer", piped, "porttrace in a mode that has goals")
	add("screen", screen, "the same in a terminal")
	add("peer", peer, "another tracer to compare with")
	flags.StringVar(&names, "storm", "rst,fin,wide", "storms to run: rst (closed by reset), fin (leaves TIME_WAIT), wide (117,000 TIME_WAIT at 1,024 destinations; only memory)")
	flags.IntVar(&cfg.rounds, "rounds", 21, "rounds for each storm")
	flags.DurationVar(&cfg.duration, "duration", 2*time.Second, "length of a storm")
	flags.IntVar(&cfg.destinations, "destinations", 64, "destinations of the storms rst and fin")
	flags.IntVar(&cfg.threads, "threads", 1, "threads of the storm")
	flags.DurationVar(&cfg.settle, "settle", 500*time.Millisecond, "for how long a tracer must have loaded no further program before the storm")
	flags.DurationVar(&cfg.later, "later", 30*time.Second, "when memory is measured again after a storm; 0: it is not")
	flags.StringVar(&cfg.doc, "doc", "", "write the tables into this `file`")
	flags.StringVar(&cfg.readme, "readme", "", "with -doc: write the summary into this `file`, too")
	flags.StringVar(&cfg.version, "version", "of unknown version", "with -doc: the version of porttrace")
	flags.StringVar(&cfg.beFloor, "floor", "", "of a child of this command: attach this floor")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	cfg.storms, err = parseStorms(names, cfg)
	return cfg, err
}

// measure runs all rounds of one storm.
func measure(ctx context.Context, cfg config, s storm) ([]figures, error) {
	var m measured
	var err error
	if !s.onlyMemory {
		if m.rounds, err = repeat(ctx, cfg.rounds, cfg, s, once); err != nil {
			return nil, err
		}
		if m.kernel, err = repeat(ctx, statsRounds(cfg.rounds), cfg, s, kernelOnce); err != nil {
			return nil, fmt.Errorf("with statistics: %w", err)
		}
	}
	if s.leaves && cfg.later >= idleFor {
		if m.memory, err = measureMemory(ctx, cfg, s); err != nil {
			return nil, fmt.Errorf("memory: %w", err)
		}
	}
	return m.figures(s, cfg.modes), nil
}

// statsRounds returns how many of the rounds are repeated with statistics: their figures vary less.
func statsRounds(rounds int) int { return (rounds + 6) / 7 }

// repeat measures every mode once in each of some rounds, in an order that rotates.
func repeat[T any](
	ctx context.Context, rounds int, cfg config, s storm, one func(context.Context, config, storm, mode) (T, error),
) ([]map[string]T, error) {
	list := make([]map[string]T, rounds)
	for i := range list {
		list[i] = make(map[string]T)
		for j := range cfg.modes {
			m := cfg.modes[(i+j)%len(cfg.modes)]
			value, err := one(ctx, cfg, s, m)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			list[i][m.name] = value
		}
	}
	return list, nil
}
