package incidents

import (
	"errors"
	"fmt"

	"github.com/porttrace/porttrace/internal/lab"
)

// Programs that keep their connections.
func healthyPools() []*load {
	return []*load{
		{
			name: "healthy-node-keepalive", needs: []string{"node"},
			start: func(s *site) check {
				s.backend(80)
				node := s.run("node", script("agent.js"), s.serverIP.String(), fmt.Sprint(busyRate), "20")
				return func() error {
					return errors.Join(
						atLeast("requests", node.lastLogged(`done (\d+)`), busyRequests),
						atMost("connects of node without a port", node.lastLogged(`noPort (\d+)`), 0))
				}
			},
		},
		{
			name: "healthy-go-pool",
			start: func(s *site) check {
				s.backend(80)
				fetcher := s.help(s.client, "fetcher", fmt.Sprintf("-rate=%d", busyRate), "-idle=16", "http://"+s.at(80)+"/")
				return func() error { return atLeast("requests", fetcher.lastLogged(`"Done":(\d+)`), busyRequests) }
			},
		},
		{
			name: "healthy-python-session", needs: []string{python},
			start: func(s *site) check {
				s.backend(80)
				session := s.run(python, script("session.py"), s.serverIP.String(), "80", "100")
				return func() error { return atLeast("requests", session.lastLogged(`done (\d+)`), 3_000) }
			},
		},
		{
			name: "healthy-idle-pool", needs: []string{python},
			start: func(s *site) check {
				s.backend(5432)
				s.run(python, script("pool.py"), s.serverIP.String(), "5432", "300", "1")
				return func() error { return atLeast("connections", inState(s.client, lab.Established), 300) }
			},
		},
		{
			name: "healthy-redis-pool", needs: []string{python},
			start: func(s *site) check {
				s.backend(6379)
				pool := s.run(python, script("pool.py"), s.serverIP.String(), "6379", "20", fmt.Sprint(busyRate))
				return func() error { return atLeast("requests", pool.lastLogged(`done (\d+)`), busyRequests) }
			},
		},
		{ // connections that come one by one and stay, as of users who log in
			name: "healthy-websockets", needs: []string{python},
			start: func(s *site) check {
				s.backend(80)
				s.run(python, script("websockets.py"), s.serverIP.String(), "80", "200")
				return func() error { return atLeast("connections", inState(s.client, lab.Established), 195) }
			},
		},
	}
}
