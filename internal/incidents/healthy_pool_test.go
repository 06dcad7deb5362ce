package incidents

import "errors"

// Programs that keep their connections.
func healthyPools() []*load {
	return []*load{
		{
			name: "healthy-node-keepalive", needs: []string{"node"},
			start: func(s *site) check {
				s.backend(80)
				node := s.run("node", script("agent.js"), s.serverIP.String(), "300", "20")
				return func() error {
					return errors.Join(
						atLeast("requests", node.lastLogged(`done (\d+)`), 10_000),
						atMost("connects of node without a port", node.lastLogged(`noPort (\d+)`), 0))
				}
			},
		},
		{
			name: "healthy-go-pool",
			start: func(s *site) check {
				s.backend(80)
				fetcher := s.help(s.client, "fetcher", "-rate=300", "-idle=16", "http://"+s.at(80)+"/")
				return func() error { return atLeast("requests", fetcher.lastLogged(`"Done":(\d+)`), 10_000) }
			},
		},
		{
			name: "healthy-python-session", needs: []string{python},
			start: func(s *site) check {
				s.backend(80)
				session := s.run(python, script("session.py"), s.serverIP.String(), "80", "100")
				return func() error { return atLeast("requests", session.lastLogged(`done (\d+)`), 4_000) }
			},
		},
	}
}
