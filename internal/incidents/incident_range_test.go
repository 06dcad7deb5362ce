package incidents

import (
	"errors"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// Loads that a usual range serves easily, and settings that keep it from doing so.
func rangeIncidents() []*load {
	return []*load{narrowRange(), reservedRange(), serviceBlocked(), slowSearch(), burst()}
}

// poller starts a program that opens a connection at a time, 15 a second: 900 ports.
func (s *site) poller() *program {
	s.backend(80)
	return s.run(python, script("poller.py"), s.serverIP.String(), "80", "15")
}

func (p *program) pollsWithoutPort() int { return p.logged(noPort) }

func narrowRange() *load {
	return &load{
		name: "narrow-range", needs: []string{python},
		start: func(s *site) check {
			s.narrow(400)
			p := s.poller()
			return func() error { return atLeast("connects of the poller without a port", p.pollsWithoutPort(), 50) }
		},
		want:   want{causes: []string{"narrow_range"}, process: "python3", victim: "python3"},
		sysctl: true,
		after:  pollAgain,
	}
}

func pollAgain(s *site, _ finding) check {
	p := s.poller()
	return func() error { return atMost("connects of the poller that failed", p.logged("failed"), 0) }
}

func reservedRange() *load {
	return &load{
		name: "reserved-range", needs: []string{python},
		start: func(s *site) check {
			s.sysctl("ipv4/ip_local_reserved_ports", "32768-60599")
			p := s.poller()
			return func() error { return atLeast("connects of the poller without a port", p.pollsWithoutPort(), 50) }
		},
		want:   want{causes: []string{"reserved_range"}, process: "python3", victim: "python3"},
		sysctl: true,
		after:  pollAgain,
	}
}

// A service cannot start: an outgoing connection of another program has its port.
func serviceBlocked() *load {
	return &load{
		name: "service-blocked", needs: []string{python, "nginx"},
		start: func(s *site) check {
			s.backend(5432)
			s.run(python, script("pool.py"), s.serverIP.String(), "5432", "20", "1")
			port := s.somePort()
			service := s.service(port)
			return func() error {
				return atLeast("starts of the service that failed", service.logged(`bind\(\) to .* failed`), 5)
			}
		},
		want:   want{causes: []string{"range_overlaps_listeners"}, process: "python3", victim: "nginx"},
		sysctl: true,
		after: func(s *site, _ finding) check {
			s.backend(5432)
			s.run(python, script("pool.py"), s.serverIP.String(), "5432", "20", "1")
			service := s.service(s.blocked)
			return func() error {
				if !listens(s.client, s.blocked) {
					return errors.New("the service does not listen")
				}
				return atMost("starts of the service that failed", service.logged(`bind\(\) to .* failed`), 0)
			}
		},
	}
}

// somePort waits for the pool, and returns and keeps the local port of one of its connections.
func (s *site) somePort() uint16 {
	s.await("the pool is open", func() bool { return inState(s.client, lab.Established) == 20 })
	sockets, err := s.client.TCPSockets()
	s.try("sockets", func() error { return err })
	for _, socket := range sockets {
		if socket.State == lab.Established {
			s.blocked = socket.Local.Port()
		}
	}
	return s.blocked
}

// A pool that is opened at once, larger than the range.
func burst() *load {
	return &load{
		name: "burst", needs: []string{python},
		start: func(s *site) check {
			s.narrow(1500)
			s.backend(80)
			p := s.run(python, script("pool.py"), s.serverIP.String(), "80", "1700", "1")
			return func() error {
				return errors.Join(
					atLeast("connections", inState(s.client, lab.Established), 1490),
					atLeast("connects without a port", p.logged(noPort), 40))
			}
		},
		want:   want{causes: []string{"burst"}, process: "python3", victim: "python3"},
		sysctl: true,
		after: func(s *site, _ finding) check {
			s.backend(80)
			p := s.run(python, script("pool.py"), s.serverIP.String(), "80", "1700", "1")
			return func() error {
				return errors.Join(
					atLeast("connections", inState(s.client, lab.Established), 1700),
					atMost("connects that failed", p.logged("failed"), 0))
			}
		},
	}
}

// Nearly all ports are held: each connect() tries thousands before it has one.
func slowSearch() *load {
	return &load{
		name: "slow-port-search", needs: []string{python},
		skip: func(s *site) string {
			if connect := s.signals["connect"]; connect.Mode != event.Exact {
				return "the search time of connect() is not observed here: " + connect.Reason
			}
			return ""
		},
		start: func(s *site) check {
			s.backend(80)
			s.run(python, script("pool.py"), s.serverIP.String(), "80", "28000", "1")
			s.run(python, script("poller.py"), s.serverIP.String(), "80", "2")
			return func() error { return atLeast("connections", inState(s.client, lab.Established), 27_000) }
		},
		want: want{causes: []string{"slow_port_search"}, also: []string{"burst"}, process: "python3"},
	}
}
