package incidents

import (
	"errors"
)

// Proxies that are sized right.
func healthyProxies() []*load {
	return []*load{
		{
			name: "healthy-nginx-keepalive", needs: []string{"nginx"},
			start: func(s *site) check {
				s.backend(80)
				nginx := s.nginx(s.at(80), "keepalive 40;")
				visitors := s.visitors(300, 20)
				return func() error {
					return errors.Join(
						atLeast("requests", visitors.lastLogged(`"Done":(\d+)`), 10_000),
						atMost("connects of nginx without a port", nginx.logged(noPort), 0))
				}
			},
		},
	}
}
