package incidents

import (
	"errors"
	"fmt"

	"github.com/porttrace/porttrace/internal/lab"
)

// Connections that stay open.
func leakIncidents() []*load {
	return []*load{
		{
			name: "leak-python", needs: []string{python},
			start: func(s *site) check {
				s.narrow(500)
				s.backend(5432)
				leak := s.run(python, script("leak.py"), s.serverIP.String(), "5432", "10")
				return func() error {
					return errors.Join(
						atLeast("connections of leak.py", inState(s.client, lab.Established), 490),
						atLeast("connects of leak.py without a port", leak.logged(noPort), 10))
				}
			},
			want: want{causes: []string{"leak"}, process: "python3", victim: "python3"},
			after: func(s *site, _ finding) check {
				s.backend(5432)
				leak := s.run(python, script("leak.py"), s.serverIP.String(), "5432", "10", "5")
				return func() error {
					return errors.Join(
						atMost("connections of leak.py", inState(s.client, lab.Established), 5),
						atMost("connects of leak.py without a port", leak.logged(noPort), 0))
				}
			},
		},
		{
			name: "half-open", needs: []string{python, "nft"},
			start: func(s *site) check {
				s.shell(s.server, "nft 'add table ip f; add chain ip f in { type filter hook input priority 0; }; add rule ip f in tcp dport 443 drop'")
				program := s.run(python, script("impatient.py"), s.serverIP.String(), "443", "20")
				return func() error { return atLeast("connects given up", program.lastLogged(`given up (\d+)`), 500) }
			},
			want: want{causes: []string{"half_open"}, process: "python3"},
			after: func(s *site, _ finding) check { // what the advice says to look for: the filter of the peer
				s.shell(s.server, "nft delete table ip f")
				s.backend(443)
				program := s.run(python, script("impatient.py"), s.serverIP.String(), "443", "20")
				return func() error {
					return errors.Join(
						atMost("connects given up", program.lastLogged(`given up (\d+)`), 0),
						atLeast("connects", program.lastLogged(`done (\d+)`), 500))
				}
			},
		},
		{
			name: "close-wait-go",
			start: func(s *site) check {
				s.narrow(400)
				s.backend(80, "-size=100000", "-idle=5s")
				fetcher := s.help(s.client, "fetcher", "-rate=8", "-body=leave", "http://"+s.at(80)+"/")
				return func() error {
					if !fetcher.running() {
						return errors.New("the fetcher has ended")
					}
					return atLeast("connections in CLOSE_WAIT", inState(s.client, lab.CloseWait), 350)
				}
			},
			want: want{causes: []string{"close_wait_leak"}, process: "fetcher"},
			after: func(s *site, _ finding) check {
				s.backend(80, "-size=100000", "-idle=5s")
				s.help(s.client, "fetcher", "-rate=8", "-body=read", "-idle=10", "http://"+s.at(80)+"/")
				return func() error { return atMost("connections in CLOSE_WAIT", inState(s.client, lab.CloseWait), 2) }
			},
		},
		fdLimit(),
	}
}

// A program at its limit of open files: socket() fails with EMFILE, which is no call of the network.
func fdLimit() *load {
	run := func(s *site, limit int) *program {
		s.backend(80)
		return s.run("bash", "-c", fmt.Sprintf("ulimit -n %d; exec %s %s %s 80 400 10", limit, python, script("pool.py"), s.serverIP))
	}
	return &load{
		name: "fd-limit", needs: []string{python},
		start: func(s *site) check {
			p := run(s, 256)
			return func() error {
				return errors.Join(
					atLeast("sockets that failed", p.logged("Too many open files"), 20),
					atLeast("connections", inState(s.client, lab.Established), 240))
			}
		},
		want: want{causes: []string{"fd_limit"}, process: "python3"},
		after: func(s *site, f finding) check {
			p := run(s, s.advised(f, `(?:LimitNOFILE=|nofile=?\s*|ulimit -n )(\d+)`))
			return func() error { return atMost("sockets that failed", p.logged("Too many open files"), 0) }
		},
	}
}
