package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/whatif"
)

// loadFlags describe a made-up load, and what connections of a recorded one would do.
type loadFlags struct {
	rate, lifetime, duration       string
	serverCloses, unanswered, dead string
	handshake, giveUp              string
	earlyBind                      string
	lateBind, poisson              bool
	concurrency, destinations      int
	requests, pool                 int
	count, seed                    uint64
	given                          func(flag string) bool
	load                           whatif.Load
	early                          whatif.Binding
}

func (f *loadFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.rate, "rate", "", "`N/s` connections; a number alone is per second; also N/min and N/h")
	flags.StringVar(&f.lifetime, "lifetime", "", "`D` of a connection: 200ms; a number alone is seconds, here and for every D; exp:200ms is a mean of random ones")
	flags.IntVar(&f.concurrency, "concurrency", 0, "at most `N` connections at a time; without --rate, N workers that each open the next when one has ended")
	flags.IntVar(&f.destinations, "destinations", 1, "spread evenly over `N` remote ends (of a recording: N in the place of each)")
	flags.Uint64Var(&f.count, "count", 0, "end the load after `N` connections, as ab -n does")
	flags.StringVar(&f.duration, "duration", "", "simulate `D` (default: as long as anything can change, 10 min at least)")
	flags.StringVar(&f.serverCloses, "server-closes", "", "`SHARE` of connections that the server closes first, which leave no TIME_WAIT here: 20%")
	flags.IntVar(&f.requests, "requests", 0, "a connection serves `N` requests (keep-alive); --rate is then requests per second")
	flags.IntVar(&f.pool, "pool", 0, "the same: a pool whose connections serve `N` requests each")
	flags.StringVar(&f.earlyBind, "early-bind", "", "`SHARE` of connections that bind() before they connect: all, if none is given")
	flags.Lookup("early-bind").NoOptDefVal = "100%"
	flags.BoolVar(&f.lateBind, "late-bind", false, "none does: IP_BIND_ADDRESS_NO_PORT, or no bind()")
	flags.BoolVar(&f.poisson, "poisson", false, "connections come at random, not evenly")
	flags.Uint64Var(&f.seed, "seed", 0, "`N` of what is random: the same seed gives the same result")
	flags.StringVar(&f.handshake, "handshake", "", "time `D` between a SYN and its answer")
	flags.StringVar(&f.unanswered, "unanswered", "", "`SHARE` of SYNs without an answer")
	flags.StringVar(&f.giveUp, "give-up", "21s", "time `D` after which those are given up")
	flags.StringVar(&f.dead, "dead-peers", "", "`SHARE` of connections whose peer vanishes without a FIN (see KeepAliveTime)")
	inGroup(flags, groupLoad, "rate", "lifetime", "concurrency", "destinations", "count", "duration", "server-closes", "requests", "pool",
		"early-bind", "late-bind", "poisson", "seed", "handshake", "unanswered", "give-up", "dead-peers")
	f.given = flags.Changed
}

// madeUp reports whether the flags make up a load.
func (f *loadFlags) madeUp() bool {
	return f.given("rate") || f.given("concurrency") || f.given("count")
}

// parse makes the load. Every error is one of usage.
func (f *loadFlags) parse() error {
	for _, parse := range []func() error{f.parseShape, f.parseTimes, f.parseShares, f.parseBinding} {
		if err := parse(); err != nil {
			return err
		}
	}
	l := &f.load
	l.Count, l.Seed, l.Poisson = f.count, f.seed, f.poisson
	if l.Rate > 0 && l.Duration > 0 && l.Rate*l.Duration.Seconds() > mostSimulated || l.Count > mostSimulated {
		return usagef("that is more than %.0f connections: shorten --duration or --count", float64(mostSimulated))
	}
	return nil
}

// mostSimulated bounds a run to some minutes.
const mostSimulated = 3e8

func (f *loadFlags) parseShape() error {
	l := &f.load
	if f.given("rate") {
		rate, err := parseRate(f.rate)
		if err != nil {
			return usagef("--rate %s: %w", f.rate, err)
		}
		l.Rate = rate
	}
	for _, n := range []struct {
		flag        string
		value, most int
		into        *int
	}{
		{"concurrency", f.concurrency, 1 << 24, &l.Concurrency},
		{"destinations", f.destinations, 1 << 16, &l.Destinations},
		{"requests", f.requests, 1 << 30, &l.Requests},
		{"pool", f.pool, 1 << 30, &l.Requests},
	} {
		if !f.given(n.flag) {
			continue
		}
		if n.value < 1 || n.value > n.most {
			return usagef("--%s %d: must be from 1 to %d", n.flag, n.value, n.most)
		}
		*n.into = n.value
	}
	l.Destinations = max(l.Destinations, 1)
	switch {
	case f.given("requests") && f.given("pool") && f.requests != f.pool:
		return usagef("--requests %d and --pool %d exclude each other", f.requests, f.pool)
	case l.Requests > 1 && l.Concurrency > 0 && l.Concurrency < l.Destinations:
		return usagef("--concurrency %d: a pool needs a connection for each of %d destinations", l.Concurrency, l.Destinations)
	case f.given("count") && f.count == 0:
		return usagef("--count 0: must be positive")
	}
	return nil
}

func (f *loadFlags) parseTimes() error {
	l := &f.load
	f.lifetime, l.Exponential = strings.CutPrefix(f.lifetime, "exp:")
	for _, d := range []struct {
		flag, text string
		into       *time.Duration
		positive   bool
	}{
		{"lifetime", f.lifetime, &l.Lifetime, false},
		{"duration", f.duration, &l.Duration, true},
		{"handshake", f.handshake, &l.Handshake, false},
		{"give-up", f.giveUp, &l.GiveUp, true},
	} {
		if !f.given(d.flag) && d.flag != "give-up" {
			continue
		}
		value, err := parseDuration(d.text)
		if err != nil || value < 0 || d.positive && value == 0 {
			return usagef("--%s %s: must be a time, as 200ms, 5s, 10m", d.flag, d.text)
		}
		*d.into = value
	}
	return nil
}

func (f *loadFlags) parseShares() error {
	l := &f.load
	for _, s := range []struct {
		flag, text string
		into       *float64
	}{
		{"server-closes", f.serverCloses, &l.ServerCloses},
		{"unanswered", f.unanswered, &l.Unanswered},
		{"dead-peers", f.dead, &l.Dead},
		{"early-bind", f.earlyBind, &l.EarlyBind},
	} {
		if !f.given(s.flag) {
			continue
		}
		share, err := parseShare(s.text)
		if err != nil {
			return usagef("--%s %s: %w", s.flag, s.text, err)
		}
		*s.into = share
	}
	return nil
}

func (f *loadFlags) parseBinding() error {
	switch {
	case f.lateBind && f.given("early-bind"):
		return usagef("--late-bind and --early-bind exclude each other")
	case f.lateBind:
		f.early = whatif.LateBind
	case f.given("early-bind"):
		f.early = whatif.EarlyBind
	}
	return nil
}

// parseRate reads N, N/s, N/min or N/h.
func parseRate(text string) (float64, error) {
	number, unit, has := strings.Cut(text, "/")
	seconds := 1.0
	if has {
		switch unit {
		case "s":
		case "min", "m":
			seconds = 60
		case "h":
			seconds = 3600
		default:
			return 0, errors.New("must be a number per second, as 500/s (or /min, /h)")
		}
	}
	n, err := strconv.ParseFloat(strings.ReplaceAll(number, ",", ""), 64)
	if err != nil || math.IsNaN(n) || n <= 0 || n > 1e5 {
		return 0, errors.New("must be a number per second, as 500/s, up to 100000/s")
	}
	return n / seconds, nil
}

// parseShare reads 20% or 0.2.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(number, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return 0, errors.New("must be from 0% to 100%, or from 0 to 1")
	}
	return n, nil
}
