package incidents

// Clients that open and close connections, as many as their ports allow.
func healthyClients() []*load {
	return []*load{
		{
			name: "healthy-curl-many-urls", needs: []string{"curl"},
			start: func(s *site) check {
				s.backend(80, "-delay=2ms")
				loop := s.run("bash", script("curl-many.sh"), "http://"+s.at(80))
				return func() error { return atLeast("runs of curl", loop.logged("done"), 5) }
			},
		},
	}
}
