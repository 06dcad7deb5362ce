// Command growth measures how the cost of porttrace grows: with live sockets, destinations,
// namespaces and programs. It runs the real pipeline on a synthetic stream, and for scans real
// sockets of a private namespace (as root):
//
//	go run ./internal/lab/growth -doc docs/performance.md -curves docs/growth
//
// Times are CPU time of the process, collection of garbage included, the least of a few passes.
//
// # Files
//
//	main      the command line
//	load      the synthetic stream, and how much there is of each thing
//	measure   the costs of one load
//	scans     scans of real sockets
//	series    figures over sizes, and the exponent by which they grow
//	curves    pictures of them, SVG
//	document  docs/performance.md
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/porttrace/porttrace/internal/lab"
)

// config has the values of the command line.
type config struct {
	most    int    // size of the largest load; what has its own limit stays below
	passes  int    // of which the fastest counts
	scans   bool   // of real sockets, too
	doc     string // to update; "": none
	curves  string // folder of the pictures; "": none
	version string // of porttrace, for the document
}

func main() {
	lab.MaybeRun()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "growth: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	charts, err := measureAll(ctx, cfg)
	if err != nil {
		return err
	}
	if cfg.scans {
		scans, err := measureScans(ctx, cfg)
		if err != nil {
			return fmt.Errorf("scans: %w", err)
		}
		charts = append(charts, scans)
	}
	fmt.Print(table(charts))
	return document(cfg, charts)
}

func parse(args []string) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("growth", flag.ExitOnError)
	flags.IntVar(&cfg.most, "most", 500_000, "size of the largest load")
	flags.IntVar(&cfg.passes, "passes", 5, "how often each is measured; the fastest counts")
	flags.BoolVar(&cfg.scans, "scans", os.Geteuid() == 0, "scan real sockets, too (as root)")
	flags.StringVar(&cfg.doc, "doc", "", "write the tables into this `file`")
	flags.StringVar(&cfg.curves, "curves", "", "write the curves into this `folder`")
	flags.StringVar(&cfg.version, "version", "of unknown version", "with -doc: the version of porttrace")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return cfg, nil
}
