package incidents

import (
	"errors"
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// bind() and addresses that go wrong.
func bindIncidents() []*load {
	return []*load{earlyBindPython(), haproxySource(), foreignAddress(), tupleTaken(), portTaken(), noIPv6(), udpPorts()}
}

func earlyBindPython() *load {
	return &load{
		name: "early-bind-python", needs: []string{python},
		start: func(s *site) check {
			s.narrow(500)
			program := s.earlyBind("early")
			return func() error { return atLeast("binds without a port", program.logged(`Address already in use`), 50) }
		},
		want: want{causes: []string{"early_bind"}, also: []string{"narrow_range"}, process: "python3", victim: "python3"},
		after: func(s *site, f finding) check {
			s.mustAdvise(f, "IP_BIND_ADDRESS_NO_PORT")
			program := s.earlyBind("late")
			return func() error { return atMost("calls that failed", program.logged(`failed`), 0) }
		},
	}
}

// earlyBind is 24 connections a second to four destinations: 1440 ports in a minute, or 360 a
// destination.
func (s *site) earlyBind(when string) *program {
	args := []string{python, script("early_bind.py"), s.clientIP.String(), s.serverIP.String(), "24", when}
	for port := 81; port <= 84; port++ {
		s.backend(port)
		args = append(args, fmt.Sprint(port))
	}
	return s.run(args...)
}

// HAProxy with a range of source ports that are the ports of the namespace, too: what it binds is
// taken from connections to every destination. The poller, which connects to another one, suffers.
func haproxySource() *load {
	run := func(s *site, source, reuse string, rate int) *program {
		s.backend(80, "-delay=2s")
		s.haproxy(source, reuse)
		return s.visitors(rate, 220) // each takes 2 s
	}
	poll := func(s *site) *program {
		s.backend(81)
		return s.run(python, script("poller.py"), s.serverIP.String(), "81", "2")
	}
	return &load{
		name: "haproxy-source", needs: []string{"haproxy", python},
		start: func(s *site) check {
			s.narrow(200)
			run(s, fmt.Sprintf("%s:40000-40199", s.clientIP), "never", 200)
			s.await("haproxy has bound all ports", func() bool { return s.portsTaken() >= 200 })
			poller := poll(s)
			return func() error { return atLeast("connects of the poller without a port", poller.logged(noPort), 30) }
		},
		want: want{
			causes: []string{"early_bind"}, also: []string{"narrow_range", "burst", "tuple_taken"},
			process: "haproxy", victim: "python3",
		},
		after: func(s *site, _ finding) check { // without a range the kernel chooses, at connect()
			visitors := run(s, s.clientIP.String(), "safe", 50)
			poller := poll(s)
			return func() error {
				return errors.Join(
					atMost("connects of the poller without a port", poller.logged(noPort), 0),
					atMost("answers of 503", visitors.lastLogged(`"503":(\d+)`), 0),
					atLeast("requests", visitors.lastLogged(`"Done":(\d+)`), 2500))
			}
		},
	}
}

// portsTaken returns how many local ports from 40000 on have a connection.
func (s *site) portsTaken() int {
	sockets, err := s.client.TCPSockets()
	s.try("sockets", func() error { return err })
	ports := map[uint16]bool{}
	for _, socket := range sockets {
		if port := socket.Local.Port(); port >= 40000 && port < 50000 {
			ports[port] = true
		}
	}
	return len(ports)
}

func foreignAddress() *load {
	run := func(s *site, source string) *program {
		s.backend(80)
		return s.run(python, script("early_bind.py"), source, s.serverIP.String(), "5", "early", "80")
	}
	return &load{
		name: "foreign-address", needs: []string{python},
		start: func(s *site) check {
			p := run(s, "10.99.99.99")
			return func() error { return atLeast("binds that failed", p.logged(noPort), 200) }
		},
		want: want{causes: []string{"foreign_address"}, process: "python3", victim: "python3"},
		after: func(s *site, f finding) check {
			s.mustAdvise(f, "10.99.99.99")
			p := run(s, s.clientIP.String())
			return func() error { return atMost("binds that failed", p.logged("failed"), 0) }
		},
	}
}

// Two programs use the same local port to the same destination.
func tupleTaken() *load {
	run := func(s *site, port string) *program {
		s.backend(80)
		first := s.run(python, script("fixed_port.py"), s.clientIP.String(), port, s.serverIP.String(), "80")
		s.await("the first is connected", func() bool { return first.logged("connected") > 0 })
		return s.run(python, script("fixed_port.py"), s.clientIP.String(), port, s.serverIP.String(), "80")
	}
	return &load{
		name: "tuple-taken", needs: []string{python},
		start: func(s *site) check {
			p := run(s, "41000")
			return func() error { return atLeast("connects that failed", p.logged(noPort), 50) }
		},
		want: want{causes: []string{"tuple_taken"}, process: "python3", victim: "python3"},
		after: func(s *site, _ finding) check {
			p := run(s, "0")
			return func() error { return atMost("connects that failed", p.logged("failed"), 0) }
		},
	}
}

// Two services want the same port.
func portTaken() *load {
	run := func(s *site, second string) *program {
		s.run("bash", script("service.sh"), python, "8080")
		s.await("the first service listens", func() bool { return listens(s.client, 8080) })
		return s.run("bash", script("service.sh"), python, second)
	}
	return &load{
		name: "port-taken", needs: []string{python},
		start: func(s *site) check {
			p := run(s, "8080")
			return func() error { return atLeast("starts that failed", p.logged("Address already in use"), 5) }
		},
		want: want{causes: []string{"port_taken"}, process: "python3", victim: "python3"},
		after: func(s *site, _ finding) check {
			p := run(s, "8081")
			return func() error { return atMost("starts that failed", p.logged("Address already in use"), 0) }
		},
	}
}

// A program connects by IPv6, which is switched off.
func noIPv6() *load {
	return &load{
		name: "no-ipv6", needs: []string{python},
		skip: func(s *site) string {
			if errors := s.signals["connect_errors"]; errors.Mode == event.Off {
				return "a connect() that fails before its first SYN is not observed here: " + errors.Reason
			}
			return ""
		},
		start: func(s *site) check {
			s.sysctl("ipv6/conf/all/disable_ipv6", "1")
			p := s.run(python, script("poller.py"), "2001:db8::1", "443", "5")
			return func() error { return atLeast("connects that failed", p.logged("failed"), 200) }
		},
		want: want{causes: []string{"no_ipv6"}, severity: []string{"info", "warning", "critical"}, process: "python3", victim: "python3"},
		after: func(s *site, f finding) check { // by IPv4
			s.backend(443)
			p := s.run(python, script("poller.py"), s.serverIP.String(), "443", "5")
			return func() error { return atMost("connects that failed", p.logged("failed"), 0) }
		},
	}
}

func udpPorts() *load {
	return &load{
		name: "udp-ports", needs: []string{python},
		start: func(s *site) check {
			s.narrow(300)
			p := s.run(python, script("udp_leak.py"), "30") // ports are counted every 5 to 10 s: some counts must see all in use
			return func() error { return atLeast("binds that failed", p.logged("failed"), 20) }
		},
		want: want{causes: []string{"udp_ports"}, process: "python3"},
		after: func(s *site, _ finding) check {
			p := s.run(python, script("udp_leak.py"), "10", "close")
			return func() error { return atMost("binds that failed", p.logged("failed"), 0) }
		},
	}
}
