package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/metrics"
	"github.com/porttrace/porttrace/internal/scrape"
)

// defaultListen is reached from this host only: what its programs do does not concern other hosts.
const defaultListen = "127.0.0.1:9435"

type serveFlags struct {
	liveFlags
	listen    []string
	webConfig string
	otlp      string
	spaces    int
	owners    int
	dir       string
	maxSize   sizeFlag
	ring      ringFlags
	config    configFlags
}

func serveCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "serve metrics to Prometheus",
		Example: `  sudo porttrace serve
  sudo porttrace serve --listen :9435 --web-config web.yml
  sudo porttrace serve --ring 10m --on full -o /var/lib/porttrace`,
		Long: `Traces this host until it is ended, and serves what it finds as metrics of
Prometheus at /metrics: how full port spaces are and when they will be full,
connections, failures, findings, and what porttrace itself costs. /healthz says
whether the stream of events moves, /readyz whether all sockets are known.

With --ring it is a flight recorder besides, as porttrace record --ring is.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 || cmd.ArgsLenAtDash() >= 0 {
				return usagef("serve traces this host, or what the filters select: it takes no arguments")
			}
			return flags.check(flags.request)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), &flags)
		},
	}
	flags.register(cmd)
	flags.registerVerbose(cmd, "also say on standard error how each kind of event is observed")
	listVarP(cmd.Flags(), &flags.listen, "listen", "", []string{defaultListen}, "serve at `ADDRESS:PORT`; repeatable")
	cmd.Flags().StringVar(&flags.webConfig, "web-config", "",
		"TLS and users as in this `FILE` of Prometheus's exporter toolkit (tls_server_config, basic_auth_users)")
	cmd.Flags().StringVar(&flags.otlp, "otlp", "", "also send metrics and failures to the OTLP/HTTP collector at this `URL`, as in http://localhost:4318")
	cmd.Flags().IntVar(&flags.spaces, "top-spaces", metrics.DefaultSpaces, fmt.Sprintf("list `N` port spaces by themselves, %d at most, and sum up the others", metrics.MaxSpaces))
	cmd.Flags().IntVar(&flags.owners, "top-owners", metrics.DefaultOwners, fmt.Sprintf("list `N` programs by themselves, %d at most, and sum up the others", metrics.MaxOwners))
	cmd.Flags().StringVarP(&flags.dir, "output", "o", "", "with --ring: the `DIRECTORY` of its files")
	cmd.Flags().StringVar(&flags.maxSize.text, "max-size", "", "with --ring: keep `SIZE` at most, as in 500M (default 1G)")
	cmd.Flags().BoolVar(&flags.noCommandLines, "no-command-lines", false, "with --ring: leave out the command lines of processes (secrets in them are masked in any case)")
	inGroup(cmd.Flags(), groupOutput, "output", "max-size", "no-command-lines")
	flags.ring.register(cmd)
	flags.config.register(cmd)
	return cmd
}

// checkFlags returns the usage error of the flags that only this command has.
func (f *serveFlags) checkFlags() error {
	if err := cmp.Or(f.maxSize.parse(), f.checkListen(), f.checkWebConfig()); err != nil {
		return err
	}
	switch {
	case f.spaces < 1 || f.spaces > metrics.MaxSpaces:
		return usagef("--top-spaces %d: must be from 1 to %d", f.spaces, metrics.MaxSpaces)
	case f.owners < 1 || f.owners > metrics.MaxOwners:
		return usagef("--top-owners %d: must be from 1 to %d", f.owners, metrics.MaxOwners)
	case f.given("ring"):
		return f.ring.check(f.given, f.dir, f.maxSize)
	}
	for _, name := range []string{"output", "max-size", "no-command-lines"} {
		if f.given(name) {
			return usagef("--%s is for a ring: add --ring TIME -o DIR", name)
		}
	}
	return f.ring.checkUnused(f.given)
}

// checkListen checks the addresses, and resolves no name.
func (f *serveFlags) checkListen() error {
	if len(f.listen) == 0 {
		return usagef("--listen: must not be empty")
	}
	for _, address := range f.listen {
		_, port, err := net.SplitHostPort(address)
		if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
			return usagef("--listen %s: must be ADDRESS:PORT, as in %s", address, defaultListen)
		}
	}
	return nil
}

func (f *serveFlags) checkWebConfig() error {
	if err := scrape.CheckConfig(f.webConfig); err != nil {
		return usagef("--web-config %s: %w", f.webConfig, err)
	}
	return nil
}

func runServe(ctx context.Context, flags *serveFlags) error {
	if err := cmp.Or(flags.checkRun(), flags.checkFlags()); err != nil || flags.config.checked() {
		return err
	}
	server, err := scrape.Listen(flags.listen, flags.webConfig)
	if err != nil {
		return err
	}
	defer server.Close()
	e := newExporter(flags)
	if flags.otlp != "" {
		if e.otlp, err = newOTLPSender(ctx, flags.otlp); err != nil {
			return err
		}
	}
	session, err := flags.open(ctx)
	if err != nil {
		return err
	}
	defer session.close()
	if flags.ring.length > 0 {
		if e.ring, err = flags.ring.open(flags.dir, flags.maxSize.bytes, session); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "recording to %s\n", flags.dir)
	}
	if err := session.begin(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "serving metrics on "+strings.Join(server.URLs(), ", "))
	return e.run(session, server)
}
