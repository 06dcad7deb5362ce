package whatif

import (
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// Profile is an operating system as it comes: how many local ports it has for outgoing TCP
// connections, and for how long a closed one stays unusable.
type Profile struct {
	Name      string
	Title     string // which systems
	Short     string // one of them, for a sentence
	Range     event.PortRange
	RangeNote string
	TimeWait  time.Duration
	WaitNote  string
	Scope     Scope
	Pool      string // the scope in words
	Published string // the rate that write-ups give
	Symptoms  string // what a program sees when no port is left
	Source    string
	Settings  []Setting

	// ByAddress says that a remote end is an address, whatever its port.
	ByAddress bool

	linux       bool
	first, last uint16 // that the system accepts at most, 0: 1024, 65535
}

// Setting is one knob of a profile.
type Setting struct {
	Name    string
	Default string
	Bounds  string // which values it accepts
	Effect  string // in the model
	apply   func(c *Config, value string) error
}

func (p *Profile) least() uint16 {
	if p.first != 0 {
		return p.first
	}
	return 1024
}

func (p *Profile) most() uint16 {
	if p.last != 0 {
		return p.last
	}
	return 65535
}

// IsLinux reports whether the settings of Linux apply.
func (p *Profile) IsLinux() bool { return p.linux }

// ProfileOf returns the profile of a name, nil if there is none.
func ProfileOf(name string) *Profile {
	for i := range profiles {
		if profiles[i].Name == name {
			return &profiles[i]
		}
	}
	return nil
}

// ProfileNames returns the names in the order of the table.
func ProfileNames() []string {
	var names []string
	for i := range profiles {
		names = append(names, profiles[i].Name)
	}
	return names
}

const (
	windowsSymptoms = "WSAENOBUFS (10055) or WSAEADDRINUSE (10048); TCP/IP events 4227 and 4231; netstat -Q shows BOUND ports"
	windowsSource   = "the write-ups by Tristank and Snakefoot, the connection-rates note of 2010, OutSystems; registry: Tcpip\\Parameters"
	linuxSource     = "include/net/tcp.h (TCP_TIMEWAIT_LEN), net/ipv4/inet_hashtables.c, ip-sysctl.rst"
)

// profiles are the operating systems of the write-ups.
var profiles = []Profile{
	{
		Name: "windows-2003", Title: "Windows NT 4, 2000, XP, Server 2003", Short: "Windows Server 2003",
		Range: event.PortRange{Low: 1025, High: 5000}, RangeNote: "some write-ups begin at 1024: 3,977 ports",
		TimeWait: 240 * time.Second, WaitNote: "documents give 120 to 240 s",
		Scope: PerLocal, Pool: "one pool for each local address, whatever the destination",
		Published: "16.5/s", Symptoms: windowsSymptoms, Source: windowsSource,
		Settings: windows2003Settings, first: 1025, last: 65534,
	},
	{
		Name: "windows-2008", Title: "Windows Vista, 7, Server 2008 R2 and later", Short: "Windows Server 2008",
		Range:    event.PortRange{Low: 49152, High: 65535},
		TimeWait: 240 * time.Second, WaitNote: "later documents give 120 s",
		Scope: PerLocal, Pool: "one pool for each local address, whatever the destination",
		Published: "68.3/s", Symptoms: windowsSymptoms, Source: windowsSource,
		Settings: windows2008Settings, first: 1025, last: 65534,
	},
	{
		Name: "rhel5", Title: "Red Hat Enterprise Linux 5 and kernels of its time", Short: "Red Hat Enterprise Linux 5",
		Range: event.PortRange{Low: 32768, High: 61000}, TimeWait: time.Minute, WaitNote: "a constant of the kernel",
		Pool:      "one pool for each local address and destination",
		Published: "470.6/s, others 466 to 471/s", Symptoms: "EADDRNOTAVAIL: Cannot assign requested address", Source: linuxSource,
		Settings: linuxSettings, linux: true,
	},
	{
		Name: "linux", Title: "current Linux kernels", Short: "Linux",
		Range: event.PortRange{Low: 32768, High: 60999}, TimeWait: time.Minute, WaitNote: "a constant of the kernel",
		Pool:      "one pool for each local address, remote address and remote port",
		Published: "470.5/s", Symptoms: "EADDRNOTAVAIL: Cannot assign requested address", Source: linuxSource,
		Settings: linuxSettings, linux: true,
	},
	{
		Name: "macos", Title: "macOS", Short: "macOS",
		Range:    event.PortRange{Low: 49152, High: 65535},
		TimeWait: 30 * time.Second, WaitNote: "2 x MSL of 15 s",
		Scope: PerHost, Pool: "one pool for the host",
		Published: "546/s", Symptoms: "EADDRNOTAVAIL: Can't assign requested address", Source: "sysctls net.inet.ip.portrange and net.inet.tcp.msl",
		Settings: bsdSettings(49152, 15*time.Second),
	},
	{
		Name: "bsd", Title: "FreeBSD, variants that partition ports by remote address", Short: "FreeBSD",
		Range:    event.PortRange{Low: 10000, High: 65535},
		TimeWait: time.Minute, WaitNote: "2 x MSL of 30 s",
		Pool: "one pool for each local address and remote address", ByAddress: true,
		Published: "925.6/s", Symptoms: "EADDRNOTAVAIL: Can't assign requested address", Source: "sysctls net.inet.ip.portrange and net.inet.tcp.msl",
		Settings: bsdSettings(10000, 30*time.Second),
	},
}

// Explain returns the arithmetic of a configuration and where its figures are from.
func (c *Config) Explain(system System) []string {
	p := c.Profile
	lines := []string{
		p.Name + ": " + p.Title,
		row("range", fmt.Sprintf("%d-%d: %s ports", c.Range.Low, c.Range.High, phrase.Grouped(system.Ports))+aside(p.RangeNote)),
		row("TIME_WAIT", plainSeconds(system.TimeWait)+aside(p.WaitNote)),
		row("pool", p.Pool),
		row("rate", fmt.Sprintf("%s ports / %s = %s towards one destination%s", phrase.Grouped(system.Ports), plainSeconds(system.TimeWait),
			rateText(float64(system.Ports)/system.TimeWait.Seconds()), aside("write-ups: "+p.Published))),
	}
	if p.linux {
		lines = append(lines, row("", kernelRate(system.Ports)))
	}
	lines = append(lines, row("if full", p.Symptoms), row("source", p.Source), "", "Settings, --set NAME=VALUE:")
	for _, s := range p.Settings {
		lines = append(lines, fmt.Sprintf("  %-24s %s; %s", s.Name, "default "+s.Default, s.Bounds), "    "+s.Effect)
	}
	return lines
}

// kernelRate is why a Linux kernel serves less than the arithmetic says.
func kernelRate(ports int) string {
	return fmt.Sprintf("the kernel's own is %s: at 250 Hz its timers of 60 s expire in steps of 2.048 s, so that a full range gets a port again after 61.44 s (--timer-step 2.048s)",
		rateText(float64(ports)/61.44))
}

func row(name, text string) string { return fmt.Sprintf("  %-10s %s", name, text) }

func aside(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// plainSeconds returns a duration in seconds, without zeros behind the point.
func plainSeconds(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", d.Seconds()), "0"), ".") + " s"
}

// rateText returns a rate with four figures at least.
func rateText(rate float64) string {
	switch {
	case rate >= 10000:
		return phrase.Grouped(uint64(rate)) + "/s"
	case rate >= 100:
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.2f/s", rate)
}
