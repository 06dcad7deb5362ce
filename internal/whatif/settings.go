package whatif

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// mostConnections is the default and the most of TcpNumConnections.
const mostConnections = 16777214

var windows2003Settings = append([]Setting{
	{
		"MaxUserPort", "5000", "5000 to 65534", "the last port of the range; the first stays 1025",
		func(c *Config, value string) error {
			n, err := number(value, 5000, 65534)
			c.Range.High = uint16(max(n, int64(c.Range.Low)))
			return err
		},
	},
	{
		"MaxFreeTWTcbs", "1000", "1 to 16777214; acts only if given", "above this many in TIME_WAIT, those older than 60 s count as free (Windows 2000)",
		count(1, mostConnections, func(c *Config) *int { return &c.System.MaxFreeTimeWait }),
	},
	{
		"SP1Reuse", "on since Server 2003 SP1", "on or off; acts only if given", "a port in TIME_WAIT is free at once towards a different peer",
		onOff(func(c *Config) *bool { return &c.System.PeerReuse }),
	},
}, windowsSettings("XP SP2: 10")...)

var windows2008Settings = append([]Setting{
	{
		"dynamicport", "start=49152 num=16384", "start + num up to 65535, start from 1025, num from 255",
		"the range, as netsh int ipv4 set dynamicport tcp sets it: dynamicport=start=10000,num=50000", setDynamicPort,
	},
	{
		"MaxUserPort", "none", "not on these systems", "none: dynamicport has taken its place",
		func(*Config, string) error {
			return errors.New("no effect from Windows Vista on: set dynamicport")
		},
	},
}, windowsSettings("Vista: 10; Vista SP2 and later: none")...)

// windowsSettings are those of both generations.
func windowsSettings(halfOpen string) []Setting {
	return []Setting{
		{"TcpTimedWaitDelay", "240 s", "30 to 300 s", "the length of TIME_WAIT; 30 s is the usual advice", setTimedWait},
		{
			"TcpNumConnections", "16777214", "1 to 16777214; acts only if given", "bounds the connections at a time",
			count(1, mostConnections, func(c *Config) *int { return &c.System.MaxConnections }),
		},
		{
			"MaxFreeTcbs", "about 1000 on workstations, 2000 on servers", "1 to 16777214; acts only if given",
			"bounds connections that are active or in TIME_WAIT together, whatever the range: 1,000 TCBs are not 1,000 usable connections under churn",
			count(1, mostConnections, func(c *Config) *int { return &c.System.MaxTCBs }),
		},
		{"ReservedPorts", "none", "ports and ranges: 1433-1434,8080", "taken out of the range", setReserved},
		{
			"HalfOpenLimit", halfOpen, "1 to 65535, or none; acts only if given",
			"connects beyond this many unanswered SYNs wait (event 4226); --handshake and --unanswered say how long SYNs are",
			func(c *Config, value string) error {
				if value == "none" {
					c.System.HalfOpen = 0
					return nil
				}
				return count(1, 65535, func(c *Config) *int { return &c.System.HalfOpen })(c, value)
			},
		},
		{
			"MaxHashTableSize", "512", "64 to 65536, a power of two", "none on capacity: it is the cost of finding a connection",
			func(c *Config, value string) error {
				n, err := number(value, 64, 65536)
				if err == nil && n&(n-1) != 0 {
					err = errors.New("must be a power of two")
				}
				c.note("MaxHashTableSize has no effect on capacity: it changes what finding a connection costs")
				return err
			},
		},
		{"KeepAliveTime", "7200000 (2 h)", "milliseconds, or with a unit: 2h; acts with --dead-peers", keepAliveEffect, setKeepAlive(time.Millisecond)},
	}
}

const keepAliveEffect = "for how long the connection of a dead peer holds its port, if the program uses SO_KEEPALIVE"

func setTimedWait(c *Config, value string) (err error) {
	c.System.TimeWait, err = duration(value, time.Second, 30*time.Second, 300*time.Second)
	return err
}

func setReserved(c *Config, value string) (err error) {
	c.Reserved, err = ParsePorts(value)
	return err
}

func setKeepAlive(unit time.Duration) func(*Config, string) error {
	return func(c *Config, value string) (err error) {
		c.System.KeepAlive, err = duration(value, unit, time.Second, 1<<32*time.Millisecond)
		return err
	}
}

func count(least, most int64, field func(*Config) *int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := number(value, least, most)
		*field(c) = int(n)
		return err
	}
}

func onOff(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, value string) error {
		switch strings.ToLower(value) {
		case "on", "1", "yes", "true":
			*field(c) = true
		case "off", "0", "no", "false":
			*field(c) = false
		default:
			return errors.New("must be on or off")
		}
		return nil
	}
}

// setDynamicPort reads start=S num=N, in which start= and num= may be left out.
func setDynamicPort(c *Config, value string) error {
	fields := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	if len(fields) != 2 {
		return errors.New("must be start=S,num=N")
	}
	start, errStart := number(strings.TrimPrefix(fields[0], "start="), 0, 1<<32)
	num, errNum := number(strings.TrimPrefix(fields[1], "num="), 0, 1<<32)
	if errStart != nil || errNum != nil {
		return errors.New("must be start=S,num=N")
	}
	isDefault := start == 49152 && num == 16384 // the only one that ends with 65535
	if start < 1025 || num < 255 || start+num > 65535 && !isDefault {
		return fmt.Errorf("parameter incorrect: start + num is %d, and must be 65535 at most, with start 1025 and num 255 at least (netsh: The parameter is incorrect.)", start+num)
	}
	c.Range = event.PortRange{Low: uint16(start), High: uint16(start + num - 1)}
	return nil
}

var linuxSettings = []Setting{
	{"ip_local_port_range", "32768 60999", "two ports from 1024 (ip_unprivileged_port_start) to 65535", "the range, of each network namespace", (*Config).SetRange},
	{"ip_local_reserved_ports", "empty", "ports and ranges: 8080,9000-9100", "taken out of the range", setReserved},
	{
		"tcp_tw_reuse", "2", "0, 1, 2; acts only if given", "1: a port in TIME_WAIT is free towards the same peer after tcp_tw_reuse_delay, if both use timestamps. 2: the same, on loopback only (--loopback)",
		count(0, 2, func(c *Config) *int { return &c.Reuse }),
	},
	{
		"tcp_tw_reuse_delay", "1000", "1 to 60000 ms, since 6.14", "for how long a port in TIME_WAIT is not reused",
		func(c *Config, value string) (err error) {
			c.System.ReuseDelay, err = duration(value, time.Millisecond, time.Millisecond, time.Minute)
			return err
		},
	},
	{"tcp_timestamps", "1", "0, 1, 2", "0: no port in TIME_WAIT is reused", setTimestamps},
	{"tcp_fin_timeout", "60", "1 to 3600 s", "none on TIME_WAIT, which is a constant: it ends orphans in FIN_WAIT2 only", setFinTimeout},
	{
		"tcp_max_tw_buckets", "depends on memory", "1 to 2147483647; acts only if given", "above it connections leave no TIME_WAIT (TCPTimeWaitOverflow)",
		count(1, 1<<31-1, func(c *Config) *int { return &c.System.MaxTimeWait }),
	},
	{
		"tcp_tw_timeout", "60", "1 to 600 s, on Alibaba Cloud Linux only", "the length of TIME_WAIT where the kernel has this setting; mainline kernels have none",
		func(c *Config, value string) (err error) {
			c.System.TimeWait, err = duration(value, time.Second, time.Second, 600*time.Second)
			return err
		},
	},
	{"tcp_keepalive_time", "7200", "seconds, or with a unit; acts with --dead-peers", keepAliveEffect, setKeepAlive(time.Second)},
}

func setTimestamps(c *Config, value string) error {
	n, err := number(value, 0, 2)
	c.Timestamps = n != 0
	return err
}

func setFinTimeout(c *Config, value string) error {
	_, err := duration(value, time.Second, time.Second, time.Hour)
	c.note("tcp_fin_timeout does not shorten TIME_WAIT: that is %s whatever it is. It ends orphans in FIN_WAIT2 only", plainSeconds(c.System.TimeWait))
	return err
}

func bsdSettings(first uint16, msl time.Duration) []Setting {
	return []Setting{
		{
			"net.inet.ip.portrange.first", fmt.Sprint(first), "1024 to 65535", "the first port of the range",
			func(c *Config, value string) error {
				n, err := number(value, 1024, int64(c.Range.High))
				c.Range.Low = uint16(n)
				return err
			},
		},
		{
			"net.inet.ip.portrange.last", "65535", "1024 to 65535", "the last port of the range",
			func(c *Config, value string) error {
				n, err := number(value, int64(c.Range.Low), 65535)
				c.Range.High = uint16(n)
				return err
			},
		},
		{
			"net.inet.tcp.msl", fmt.Sprint(msl.Milliseconds()), "1 to 300000 ms", "TIME_WAIT is twice this",
			func(c *Config, value string) error {
				d, err := duration(value, time.Millisecond, time.Millisecond, 5*time.Minute)
				c.System.TimeWait = 2 * d
				return err
			},
		},
		{"net.inet.tcp.keepidle", "7200000 (2 h)", "milliseconds, or with a unit: 2h; acts with --dead-peers", keepAliveEffect, setKeepAlive(time.Millisecond)},
	}
}
