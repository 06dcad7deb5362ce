package incidents

import "fmt"

// haproxy starts HAProxy on port 8080 of the client, for the backend on port 80 of the server.
func (s *site) haproxy(source, reuse string) *program {
	s.write("haproxy.cfg", fmt.Sprintf(`
global
	maxconn 2000
	nbthread 2
defaults
	mode http
	timeout connect 2s
	timeout client 30s
	timeout server 30s
	retries 0
	http-reuse %s
frontend in
	bind %s:8080
	default_backend app
backend app
	server one %s source %s
`, reuse, s.clientIP, s.at(80), source))
	p := s.run("haproxy", "-db", "-f", "haproxy.cfg")
	s.await("haproxy listens", func() bool { return listens(s.client, 8080) })
	return p
}

// haproxySource starts HAProxy on port 8080 of the client, which passes each connection on to a
// server from one of its source ports. A client for which it has none is refused.
func (s *site) haproxySource(server, source string) *program {
	s.write("haproxy.cfg", fmt.Sprintf(`
global
	maxconn 2000
	nbthread 2
defaults
	mode tcp
	timeout connect 2s
	timeout client 60s
	timeout server 60s
	retries 0
frontend in
	bind %s:8080
	default_backend app
backend app
	server one %s source %s
`, s.clientIP, server, source))
	p := s.run("haproxy", "-db", "-f", "haproxy.cfg")
	s.await("haproxy listens", func() bool { return listens(s.client, 8080) })
	return p
}
