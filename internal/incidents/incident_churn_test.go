package incidents

import (
	"errors"
	"fmt"
)

// noPort is EADDRNOTAVAIL as nginx, curl, node and the scripts print it.
const noPort = `Cannot assign requested address|EADDRNOTAVAIL`

// Connections that are opened and closed again, more than the ports allow: each port is in
// TIME_WAIT for 60 s. A few workers, each one request after the other, are more than the 460/s
// that the usual range of 28,232 ports sustains. After a failure they pause.
func churnIncidents() []*load {
	return []*load{
		{
			name: "churn-nginx", needs: []string{"nginx"},
			start: func(s *site) check {
				s.backend(80)
				nginx := s.nginx(s.at(80), "")
				s.visitors(0, 4)
				return func() error { return atLeast("connects of nginx without a port", nginx.logged(noPort), 100) }
			},
			want: want{causes: []string{"churn"}, process: "nginx", victim: "nginx"},
			after: func(s *site, f finding) check {
				size := f.number(`keepalive (\d+);`)
				s.backend(80)
				nginx := s.nginx(s.at(80), fmt.Sprintf("keepalive %d;", size))
				visitors := s.visitors(300, 20)
				return func() error {
					return errors.Join(
						atMost("connects of nginx without a port", nginx.logged(noPort), 0),
						atLeast("requests", visitors.lastLogged(`"Done":(\d+)`), 15_000))
				}
			},
		},
		{
			name: "churn-node", needs: []string{"node"},
			start: func(s *site) check {
				s.backend(80)
				node := s.run("node", script("agent.js"), s.serverIP.String(), "0", "none")
				return func() error { return atLeast("connects of node without a port", node.lastLogged(`noPort (\d+)`), 100) }
			},
			want: want{causes: []string{"churn"}, process: "node", victim: "node"},
			after: func(s *site, f finding) check {
				s.backend(80)
				node := s.run("node", script("agent.js"), s.serverIP.String(), "300", fmt.Sprint(f.number(`maxSockets: (\d+)`)))
				return func() error {
					return errors.Join(
						atMost("connects of node without a port", node.lastLogged(`noPort (\d+)`), 0),
						atLeast("requests", node.lastLogged(`done (\d+)`), 15_000))
				}
			},
		},
		{
			name: "churn-go",
			start: func(s *site) check {
				s.backend(80)
				fetcher := s.help(s.client, "fetcher", "-rate=0", "-workers=4", "-body=close", "http://"+s.at(80)+"/")
				return func() error {
					return atLeast("connects of the fetcher without a port", fetcher.lastLogged(`"cannot assign requested address":(\d+)`), 100)
				}
			},
			want: want{causes: []string{"churn"}, process: "fetcher", victim: "fetcher"},
			after: func(s *site, f finding) check {
				size := max(1, f.number(`MaxIdleConnsPerHost\D+(\d+)`))
				s.backend(80)
				fetcher := s.help(s.client, "fetcher", "-rate=300", fmt.Sprintf("-idle=%d", size), "-body=read", "http://"+s.at(80)+"/")
				return func() error {
					return errors.Join(
						atMost("connects of the fetcher without a port", fetcher.lastLogged(`"cannot assign requested address":(\d+)`), 0),
						atLeast("requests", fetcher.lastLogged(`"Done":(\d+)`), 15_000))
				}
			},
		},
		{
			name: "churn-curl", needs: []string{"curl"},
			start: func(s *site) check {
				s.narrow(500)
				s.backend(80)
				loop := s.run("bash", script("curl-loop.sh"), "http://"+s.at(80)+"/")
				return func() error { return atLeast("curls without a port", loop.logged(`after 0 ms: Couldn't connect`), 20) }
			},
			want: want{causes: []string{"churn", "narrow_range"}, also: []string{"churn", "narrow_range"}, process: "curl", victim: "curl"},
			after: followSysctl(func(s *site) check {
				loop := s.run("bash", script("curl-loop.sh"), "http://"+s.at(80)+"/")
				return func() error { return atMost("curls that failed", loop.logged("curl: "), 0) }
			}),
		},
	}
}

// followSysctl runs the advised lines of sysctl as they are, and starts the same load again.
func followSysctl(again func(*site) check) func(*site, finding) check {
	return func(s *site, f finding) check {
		lines := f.sysctls()
		if len(lines) == 0 {
			s.try("following the advice", func() error { return errors.New("no advice has a line of sysctl") })
		}
		for _, line := range lines {
			s.shell(s.client, line)
		}
		s.backend(80)
		return again(s)
	}
}
