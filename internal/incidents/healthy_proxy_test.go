package incidents

import (
	"errors"
	"fmt"
)

// How many requests a second the healthy loads make that keep their connections, and how many of them
// must have been answered in a phase. More would leave the other loads no processor.
const (
	busyRate     = 80
	busyRequests = 4_000
)

// Proxies and servers that are sized right.
func healthyProxies() []*load {
	return []*load{
		{
			name: "healthy-nginx-keepalive", needs: []string{"nginx"},
			start: func(s *site) check {
				s.backend(80)
				nginx := s.nginx(s.at(80), "keepalive 40;")
				visitors := s.visitors(busyRate, 20)
				return func() error {
					return errors.Join(
						atLeast("requests", visitors.lastLogged(`"Done":(\d+)`), busyRequests),
						atMost("connects of nginx without a port", nginx.logged(noPort), 0))
				}
			},
		},
		{
			name: "healthy-haproxy-reuse", needs: []string{"haproxy"},
			start: func(s *site) check {
				s.backend(80)
				s.haproxy(s.clientIP.String(), "always")
				visitors := s.visitors(busyRate, 20)
				return func() error { return atLeast("requests", visitors.lastLogged(`"Done":(\d+)`), busyRequests) }
			},
		},
		{ // a proxy without keep-alive, at a rate that its range serves
			name: "healthy-nginx-40", needs: []string{"nginx"},
			start: func(s *site) check {
				s.backend(80)
				nginx := s.nginx(s.at(80), "")
				s.visitors(40, 10)
				return func() error {
					return errors.Join(
						atLeast("TIME_WAIT", s.timeWaits(), 1_000),
						atMost("connects of nginx without a port", nginx.logged(noPort), 0))
				}
			},
		},
		{
			name: "healthy-server-inbound", needs: []string{"nginx"},
			start: func(s *site) check {
				s.nginxFiles("")
				visitors := s.help(s.client, "visitors", fmt.Sprintf("-rate=%d", busyRate), "-conns=50", "http://"+s.at(80)+"/")
				return func() error { return atLeast("requests", visitors.lastLogged(`"Done":(\d+)`), busyRequests) }
			},
		},
		{
			name: "healthy-service-restarts", needs: []string{python},
			start: func(s *site) check {
				service := s.serve("bash", script("restarts.sh"), python, s.serverIP.String())
				s.await("the service listens", func() bool { return listens(s.server, 80) })
				s.run(python, script("poller.py"), s.serverIP.String(), "80", "10")
				return func() error { return atLeast("restarts", service.logged("restart"), 3) }
			},
		},
	}
}
