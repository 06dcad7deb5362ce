package whatif

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// Answer is a result with what it is about, as it is shown.
type Answer struct {
	Config   *Config
	Recorded bool   // the host of a recording, with its settings
	System   System // of a recording: of its first network namespace
	Load     string // in words; empty: there is none, only the arithmetic
	Replayed bool   // the load is the one of a recording, as it was
	Result   Result
	Solution *Solution
	Explain  bool
	Notes    []string
}

// Name returns the profile's name, or that it is the recorded host.
func (a *Answer) Name() string {
	if a.Recorded {
		return "recorded"
	}
	return a.Config.Profile.Name
}

func (a *Answer) place() string {
	if a.Recorded {
		return "the recorded host"
	}
	return a.Config.Profile.Short
}

// verdict is the answer in one sentence.
func (a *Answer) verdict() string {
	r := &a.Result
	switch {
	case a.Load == "":
		return fmt.Sprintf("%s sustains %s towards one destination from one address", a.place(), a.rate())
	case r.Survives:
		return fmt.Sprintf("this load survives on %s: no failure in %s", a.place(), phrase.Spelled(r.Duration))
	case r.FirstFailure == 0:
		return fmt.Sprintf("this load on %s fails at once", a.place())
	}
	return fmt.Sprintf("this load on %s fails after %s", a.place(), phrase.Spelled(r.FirstFailure))
}

// rate returns the sustainable rate in words.
func (a *Answer) rate() string {
	if a.Result.Sustainable <= 0 {
		return "any rate of such connections, as far as ports are concerned,"
	}
	return rateText(a.Result.Sustainable)
}

// textbook is the arithmetic of the write-ups.
func (s *System) textbook() float64 {
	if s.TimeWait <= 0 {
		return 0
	}
	return float64(s.Ports) / s.TimeWait.Seconds()
}

// RangeFor returns the range with that many usable ports that is nearest to the present one, as
// far as the system accepts one: first the upper end is moved, then the lower one.
func (c *Config) RangeFor(ports int) (event.PortRange, bool) {
	r := c.Range
	p := c.Profile
	if usable(r, c.Reserved) < ports {
		r.High = min(r.High, p.most()) // the default of windows-2008 is one that cannot be changed a little
	}
	for usable(r, c.Reserved) < ports {
		switch {
		case r.High < p.most():
			r.High++
		case r.Low > p.least():
			r.Low--
		default:
			return r, false
		}
	}
	if p.linux && r.Low%2 == r.High%2 { // the kernel prefers ends that are not both even or both odd
		if r.High < p.most() {
			r.High++
		} else if r.Low > p.least() {
			r.Low--
		}
	}
	return r, true
}

// WholeRange has a solution count the ports of the range that is proposed for it: that can have
// one more than the simulation asked for, see RangeFor. final simulates that many.
func (c *Config) WholeRange(s *Solution, final func(ports int) Result) {
	if s.Knob != SolveRange || !s.Possible || s.Already {
		return
	}
	r, _ := c.RangeFor(int(s.Value))
	if ports := usable(r, c.Reserved); ports != int(s.Value) {
		s.Value, s.Result = float64(ports), final(ports)
	}
}

// MostPorts returns how many usable ports the largest range has that the system accepts.
func (c *Config) MostPorts() int {
	return usable(event.PortRange{Low: c.Profile.least(), High: c.Profile.most()}, c.Reserved)
}

// rangeCommand returns what sets a range on the system.
func (c *Config) rangeCommand(r event.PortRange) string {
	switch c.Profile.Name {
	case "windows-2003":
		return fmt.Sprintf("MaxUserPort = %d", r.High)
	case "windows-2008":
		return fmt.Sprintf("netsh int ipv4 set dynamicport tcp start=%d num=%d", r.Low, r.Size())
	case "macos", "bsd":
		return fmt.Sprintf("sysctl net.inet.ip.portrange.first=%d net.inet.ip.portrange.last=%d", r.Low, r.High)
	}
	return fmt.Sprintf(`sysctl -w net.ipv4.ip_local_port_range="%d %d"`, r.Low, r.High)
}

// solution returns the solution in one sentence.
func (a *Answer) solution() string {
	text := a.solved()
	if s := a.Solution; a.Replayed && s.Knob != SolveRate {
		text += ", for the " + phrase.Spelled(s.Result.Duration) + " that are recorded"
	}
	return text
}

func (a *Answer) solved() string {
	s := a.Solution
	switch {
	case s.Knob == SolveRate && !s.Possible:
		return "no rate: ports do not limit this load, or connections that never end fill any number of them"
	case s.Knob == SolveRate:
		return "highest rate without a failure: " + rateText(floor(s.Value))
	case !s.Possible && s.Knob == SolveRange:
		return fmt.Sprintf("range: none suffices, not even all %s ports that %s accepts", phrase.Grouped(uint64(s.Value)), a.place())
	case !s.Possible:
		return fmt.Sprintf("%s: not even %s suffice", s.Knob, phrase.Grouped(uint64(s.Value)))
	case s.Already:
		return fmt.Sprintf("%s: no change needed", s.Knob)
	}
	switch n := phrase.Grouped(uint64(s.Value)); s.Knob {
	case SolvePool:
		return fmt.Sprintf("pool: %s requests on each connection suffice (--pool %d)", n, uint64(s.Value))
	case SolveDestinations:
		return fmt.Sprintf("destinations: %s suffice, addresses or ports", n)
	case SolveSources:
		return fmt.Sprintf("sources: %s local addresses suffice", n)
	}
	r, _ := a.Config.RangeFor(int(s.Value))
	return fmt.Sprintf("range: %s ports suffice: %s", phrase.Grouped(uint64(s.Value)), a.Config.rangeCommand(r))
}

// notes returns all of them.
func (a *Answer) notes() []string {
	notes := append([]string{}, a.Notes...)
	if note := a.shortNote(); note != "" {
		notes = append(notes, note)
	}
	return notes
}

// shortNote says that a recording is too short for what it shows, if it is: a load that survives
// it fails later if it goes on.
func (a *Answer) shortNote() string {
	r := &a.Result
	if !a.Replayed || !r.Survives || r.Sustainable <= 0 || r.Duration <= 0 {
		return ""
	}
	rate := float64(r.Requests) / r.Duration.Seconds()
	if rate <= r.Sustainable {
		return ""
	}
	return fmt.Sprintf("only %s are recorded: these %s in the mean are more than what is sustainable, and fail later if they go on",
		phrase.Spelled(r.Duration), rateText(rate))
}

// floor rounds a rate down to hundredths: a rounded-up one would fail.
func floor(rate float64) float64 { return float64(int64(rate*100)) / 100 }
