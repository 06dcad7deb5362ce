package whatif

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Config is an operating system with its settings, from which a System follows. Settings that
// act only on some loads (Reuse) are as they were set, and the load decides.
type Config struct {
	Profile  *Profile
	Range    event.PortRange
	Reserved event.PortSet
	System   System // without Ports and Reuse

	Reuse      int           // tcp_tw_reuse: 0 never, 1 always, 2 on loopback
	Timestamps bool          // of TCP, without which no TIME_WAIT is reused
	Loopback   bool          // the load stays on this host
	FinTimeout time.Duration // tcp_fin_timeout, for which an orphan in FIN_WAIT2 keeps its port; 0: as TIME_WAIT
	Notes      []string
}

// Config returns the profile as it is without any setting.
func (p *Profile) Config() *Config {
	return &Config{Profile: p, Range: p.Range, System: System{TimeWait: p.TimeWait, Scope: p.Scope, Sources: 1, Parity: p.linux, KeepAlive: 2 * time.Hour}, Timestamps: true}
}

// finWait returns for how long an orphan keeps its port that waits for the peer's FIN.
func (c *Config) finWait() time.Duration {
	switch {
	case c.FinTimeout <= 0 || !c.Profile.linux:
		return c.System.TimeWait
	case c.FinTimeout > time.Minute: // the socket itself has waited for the rest (tcp_keepalive_timer)
		return c.FinTimeout - time.Minute
	}
	return c.FinTimeout
}

// Recorded returns the configuration of a recorded network namespace. What the recording does
// not have is as it is by default.
func Recorded(n *event.Netns) *Config {
	c := ProfileOf("linux").Config()
	if n.Ports.Known() {
		c.Range = n.Ports
		c.Reserved = event.ParsePortSet(n.Reserved)
		c.Reuse = int(n.Reuse)
		c.System.ReuseDelay = time.Duration(n.ReuseDelay)
		c.System.MaxTimeWait = int(n.MaxTimeWait)
	} else {
		c.note("the recording does not have the settings of every network namespace: the defaults of Linux are assumed")
	}
	c.Timestamps = !n.Timestamps.Known() || n.Timestamps.Value() != 0
	c.FinTimeout = time.Duration(n.FinTimeout)
	if n.TimeWaitSetting != 0 {
		c.System.TimeWait = time.Duration(n.TimeWaitSetting)
	}
	c.System.TimerStep, c.System.TimerPhase = time.Duration(n.TimerStep), time.Duration(n.TimerAt)
	return c
}

// OfKernel adjusts the configuration to a kernel release, as uname(2) has it. Until 6.14 (commit
// ca6a6f93867a) tcp_tw_reuse compared whole seconds: a port was free from the next one on.
func (c *Config) OfKernel(release string) *Config {
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return c
	}
	if major < 6 || major == 6 && minor < 14 {
		c.System.ReuseDelay, c.System.ReuseStep = 0, time.Second
	}
	return c
}

// Resolve returns the system. It is an error if no port is left.
func (c *Config) Resolve() (System, error) {
	s := c.System
	s.Ports = usable(c.Range, c.Reserved)
	if s.Ports == 0 {
		return s, fmt.Errorf("no port is left of %d-%d", c.Range.Low, c.Range.High)
	}
	s.Reuse = c.Timestamps && (c.Reuse == 1 || c.Reuse == 2 && c.Loopback)
	if s.Reuse && s.ReuseDelay == 0 && s.ReuseStep == 0 {
		s.ReuseDelay = time.Second
	}
	return s, nil
}

// usable returns how many ports of a range are not reserved.
func usable(r event.PortRange, reserved event.PortSet) int { return r.Size() - reserved.Within(r) }

// SetRange sets the range of ports, as far as the system accepts it.
func (c *Config) SetRange(text string) error {
	if !strings.ContainsAny(strings.TrimSpace(text), " \t-") {
		return errors.New(`must be two ports: "32768 60999"`)
	}
	r, err := parseRange(text)
	if err != nil {
		return err
	}
	if least := c.Profile.least(); (r.Low < least || r.High > c.Profile.most()) && r != c.Profile.Range {
		return fmt.Errorf("%s accepts ports from %d to %d", c.Profile.Name, least, c.Profile.most())
	}
	c.Range = r
	if c.Profile.linux && r.Low%2 == r.High%2 && r.Low != r.High {
		c.note("both ends of the range are even, or both are odd: the kernel prefers different ones, and can miss the last port")
	}
	return nil
}

func (c *Config) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// Set sets one of the profile's settings by NAME=VALUE. After an error nothing has changed.
func (c *Config) Set(assignment string) error {
	name, value, ok := strings.Cut(assignment, "=")
	if !ok {
		return errors.New("must be NAME=VALUE")
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	for i := range c.Profile.Settings {
		if s := &c.Profile.Settings[i]; s.is(name) {
			before := *c
			err := s.apply(c, value)
			if err != nil {
				*c = before
			}
			return err
		}
	}
	var names []string
	for _, s := range c.Profile.Settings {
		names = append(names, s.Name)
	}
	return fmt.Errorf("%s has no setting %s; it has %s", c.Profile.Name, name, strings.Join(names, ", "))
}

// is compares names: Windows does not distinguish case, and a sysctl may have its prefix.
func (s *Setting) is(name string) bool {
	return strings.EqualFold(strings.TrimPrefix(name, "net.ipv4."), s.Name) || strings.EqualFold(name, s.Name)
}
