package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/whatif"
)

// systemFlags choose the operating system and change its settings.
type systemFlags struct {
	profile, ports, reserved, timeWait, timerStep string
	reuse, sources                                int
	loopback                                      bool
	settings                                      []string
	given                                         func(flag string) bool
}

func (f *systemFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.profile, "profile", "", "the operating system `NAME`: "+strings.Join(whatif.ProfileNames(), ", ")+" (default: the recorded host; linux for a made-up load)")
	offer(cmd, "profile", whatif.ProfileNames()...)
	flags.StringArrayVar(&f.settings, "set", nil, "a setting of the profile, `NAME=VALUE`, as in MaxUserPort=65534; repeatable")
	flags.StringVar(&f.ports, "range", "", "the range of local ports, `\"LOW HIGH\"`")
	flags.StringVar(&f.reserved, "reserved", "", "`PORTS` taken out of the range: 8080,9000-9100; \"\" is none")
	flags.StringVar(&f.timeWait, "time-wait", "", "the length `D` of TIME_WAIT")
	flags.StringVar(&f.timerStep, "timer-step", "", "step `D` of the kernel's timers: 2.048s on Linux at 250 Hz; 0 is none")
	flags.IntVar(&f.reuse, "tw-reuse", 0, "tcp_tw_reuse `N`: 0 never, 1 always, 2 on loopback")
	flags.IntVar(&f.sources, "sources", 1, "spread evenly over `N` local addresses (of a recording: N in the place of each)")
	flags.BoolVar(&f.loopback, "loopback", false, "a made-up load stays on this host")
	inGroup(flags, groupSystem, "profile", "set", "range", "reserved", "time-wait", "timer-step", "tw-reuse", "sources", "loopback")
	f.given = flags.Changed
}

// chosenProfile returns the profile of the flag, linux without one. It is nil if there is no
// such profile.
func (f *systemFlags) chosenProfile() *whatif.Profile {
	if f.profile == "" && !f.given("profile") {
		return whatif.ProfileOf("linux")
	}
	return whatif.ProfileOf(f.profile)
}

// config applies the flags to a profile, or to a recorded host with a kernel.
func (f *systemFlags) config(profile *whatif.Profile, recorded *event.Netns, kernel string) (*whatif.Config, error) {
	if profile == nil {
		return nil, usagef("--profile %s: must be one of %s", f.profile, strings.Join(whatif.ProfileNames(), ", "))
	}
	for _, flag := range []string{"tw-reuse", "timer-step"} {
		if f.given(flag) && !profile.IsLinux() {
			return nil, usagef("--%s is a setting of Linux: %s has others, see --explain", flag, profile.Name)
		}
	}
	c := profile.Config()
	if recorded != nil {
		c = whatif.Recorded(recorded).OfKernel(kernel)
	}
	for _, assignment := range f.settings {
		if err := c.Set(assignment); err != nil {
			return nil, usagef("--set %s: %w", assignment, err)
		}
	}
	if f.given("range") {
		if err := c.SetRange(f.ports); err != nil {
			return nil, usagef("--range %s: %w", f.ports, err)
		}
	}
	if f.given("reserved") {
		var err error
		if c.Reserved, err = whatif.ParsePorts(f.reserved); err != nil {
			return nil, usagef("--reserved %w", err)
		}
	}
	return c, f.apply(c)
}

// apply sets what is not about ports.
func (f *systemFlags) apply(c *whatif.Config) error {
	for _, d := range []struct {
		flag, text string
		into       *time.Duration
		most       time.Duration
	}{
		{"time-wait", f.timeWait, &c.System.TimeWait, time.Hour},
		{"timer-step", f.timerStep, &c.System.TimerStep, time.Minute},
	} {
		if !f.given(d.flag) {
			continue
		}
		value, err := parseDuration(d.text)
		if err != nil || value < 0 || value > d.most {
			return usagef("--%s %s: must be a time up to %s, as 60s", d.flag, d.text, phrase.Spelled(d.most))
		}
		*d.into = value
	}
	if f.given("tw-reuse") {
		if f.reuse < 0 || f.reuse > 2 {
			return usagef("--tw-reuse %d: must be 0 (never), 1 (always) or 2 (on loopback)", f.reuse)
		}
		c.Reuse = f.reuse
	}
	if f.sources < 1 || f.sources > 1<<16 {
		return usagef("--sources %d: must be from 1 to %d", f.sources, 1<<16)
	}
	c.System.Sources = f.sources
	c.Loopback = f.loopback
	return nil
}
