package whatif

import (
	"fmt"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ profile, set, want string }{
		{"windows-2003", "MaxUserPort=65534", "64510"},
		{"windows-2003", "maxuserport=5000", "3976"},
		{"windows-2003", "MaxUserPort=4999", "must be a number from 5000 to 65534"},
		{"windows-2003", "MaxUserPort=65535", "must be a number from 5000 to 65534"},
		{"windows-2003", "TcpTimedWaitDelay=29", "must be from 30s to 5m"},
		{"windows-2003", "TcpTimedWaitDelay=301", "must be from 30s to 5m"},
		{"windows-2003", "ReservedPorts=1433-1434,2000,1434-1435", "3972"},
		{"windows-2003", "MaxHashTableSize=100", "must be a power of two"},
		{"windows-2003", "TcpNumConnections=16777215", "must be a number from 1 to 16777214"},
		{"windows-2008", "dynamicport=start=10000 num=55535", "55535"},
		{"windows-2008", "dynamicport=10000,55536", "parameter incorrect: start + num is 65536"},
		{"windows-2008", "dynamicport=49152,16384", "16384"},
		{"windows-2008", "MaxUserPort=65534", "set dynamicport"},
		{"linux", "net.ipv4.ip_local_port_range=1024 65535", "64512"},
		{"linux", "ip_local_port_range=1000 65535", "linux accepts ports from 1024 to 65535"},
		{"linux", "ip_local_port_range=60000 50000", "the first port is above the last"},
		{"linux", "ip_local_reserved_ports=32768-60999", "no port is left of 32768-60999"},
		{"linux", "tcp_tw_reuse=3", "must be a number from 0 to 2"},
		{"linux", "MaxUserPort=1", "linux has no setting MaxUserPort"},
		{"linux", "tcp_tw_reuse", "must be NAME=VALUE"},
		{"bsd", "net.inet.ip.portrange.first=1024", "64512"},
	} {
		config := ProfileOf(c.profile).Config()
		got := ""
		err := config.Set(c.set)
		if err == nil {
			var s System
			s, err = config.Resolve()
			got = fmt.Sprint(s.Ports)
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.profile, c.set, got, c.want)
		}
	}
}

// Every profile explains itself, and its arithmetic is what the simulation survives.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for i := range profiles {
		p := &profiles[i]
		c := p.Config()
		s, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(c.Explain(s), "\n")
		for _, want := range []string{p.Name, p.Source, p.Published, fmt.Sprintf("%.0f s", p.TimeWait.Seconds())} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", p.Name, want, text)
			}
		}
		rate := float64(s.Ports) / s.TimeWait.Seconds()
		if r := Simulate(s, Load{Rate: rate * 0.9999}); !r.Survives {
			t.Errorf("%s: %+v", p.Name, r)
		}
		if r := Simulate(s, Load{Rate: rate * 1.001}); r.Survives || r.FirstFailure > s.TimeWait {
			t.Errorf("%s: %+v", p.Name, r)
		}
	}
}

// The range that is proposed has the ports, its command is one that the system accepts, and it
// is changed as little as possible.
func TestRangeFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile string
		ports   int
		want    string
	}{
		{"linux", 28232, "32768-60999"},
		{"linux", 30000, "32768-62767"},
		{"linux", 40000, "25536-65535"},
		{"linux", 64512, "1024-65535"},
		{"windows-2003", 10000, "1025-11024"},
		{"windows-2008", 20000, "45535-65534"},
		{"windows-2008", 64510, "1025-65534"},
	} {
		config := ProfileOf(c.profile).Config()
		r, ok := config.RangeFor(c.ports)
		if got := fmt.Sprintf("%d-%d", r.Low, r.High); !ok || got != c.want {
			t.Errorf("%s, %d ports: %s, want %s", c.profile, c.ports, got, c.want)
		}
		if _, ok := config.RangeFor(config.MostPorts() + 1); ok {
			t.Errorf("%s: more than all ports", c.profile)
		}
	}
}
