package incidents

import (
	"errors"
)

// What the other end does.
func peerIncidents() []*load {
	return []*load{listenOverflow(), inboundOnly()}
}

// A server accepts nothing: its queue of one is full.
func listenOverflow() *load {
	serve := func(s *site, how string) {
		p := s.serve(python, script("listener.py"), s.serverIP.String(), "80", how)
		s.await("the server listens", func() bool { return p.running() && listens(s.server, 80) })
	}
	return &load{
		name: "listen-overflow", needs: []string{python},
		start: func(s *site) check {
			serve(s, "idle")
			s.run(python, script("impatient.py"), s.serverIP.String(), "80", "10")
			return func() error {
				return atLeast("overflows that the kernel counts", counter(s.server, "TcpExt.ListenOverflows"), 100)
			}
		},
		want: want{causes: []string{"listen_overflow"}, process: "listener.py", server: true, across: []string{"half_open"}},
		after: func(s *site, _ finding) check {
			serve(s, "accepts")
			before := counter(s.server, "TcpExt.ListenOverflows")
			p := s.run(python, script("impatient.py"), s.serverIP.String(), "80", "10")
			return func() error {
				return errors.Join(
					atMost("overflows that the kernel counts", counter(s.server, "TcpExt.ListenOverflows"), before),
					atMost("connects given up", p.lastLogged(`given up (\d+)`), 0))
			}
		},
	}
}

// A server that closes first under ab: its TIME_WAIT takes no port of a range. It is worth
// knowing, and no trouble.
func inboundOnly() *load {
	return &load{
		name: "inbound-only", needs: []string{"nginx", "ab"},
		start: func(s *site) check {
			s.nginxFiles("keepalive_timeout 0;")
			s.run("bash", script("ab-loop.sh"), "-c", "20", "-n", "1000", "http://"+s.at(80)+"/")
			return func() error { return atLeast("TIME_WAIT of the server", timeWaits(s.server), 5_000) }
		},
		want: want{causes: []string{"inbound_only"}, severity: []string{"info"}, server: true, alone: true},
	}
}
