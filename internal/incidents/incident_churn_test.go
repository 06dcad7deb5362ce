package incidents

import (
	"errors"
	"fmt"
)

// noPort is EADDRNOTAVAIL as nginx, node and the scripts print it, noPortGo as a tally has it.
const (
	noPort   = `Cannot assign requested address|EADDRNOTAVAIL`
	noPortGo = `"cannot assign requested address":(\d+)`
)

// Connections that are opened and closed again, more than the ports allow: each port is in
// TIME_WAIT for 60 s. Of 1,600 ports 45 connections a second are what 800 are of the usual
// 28,232, which a small machine does not manage beside twenty other loads: once all ports are taken
// each connect() tries every one of them. No more than 23 a second are a load that a usual range
// serves easily: there it is the range that is wrong.
const (
	churnPorts    = 1600
	churnRate     = 45
	churnRequests = 2_300 // are answered in a phase in which the advice was followed
)

func churnIncidents() []*load {
	return []*load{churnNginx(), churnNode(), churnGo(), churnCurl()}
}

func churnNginx() *load {
	return &load{
		name: "churn-nginx", needs: []string{"nginx"},
		start: func(s *site) check {
			s.narrow(churnPorts)
			s.backend(80)
			nginx := s.nginx(s.at(80), "")
			s.visitors(churnRate, 10)
			return func() error { return atLeast("connects of nginx without a port", nginx.logged(noPort), 100) }
		},
		want: want{causes: []string{"churn"}, process: "nginx", victim: "nginx"},
		after: func(s *site, f finding) check {
			lines := fmt.Sprintf("keepalive %d;", s.advised(f, `keepalive (\d+);`))
			s.backend(80)
			nginx := s.nginx(s.at(80), lines)
			visitors := s.visitors(churnRate, 10)
			return func() error {
				return errors.Join(
					atMost("connects of nginx without a port", nginx.logged(noPort), 0),
					atLeast("requests", visitors.lastLogged(`"Done":(\d+)`), churnRequests))
			}
		},
	}
}

func churnNode() *load {
	return &load{
		name: "churn-node", needs: []string{"node"},
		start: func(s *site) check {
			s.narrow(churnPorts)
			s.backend(80)
			node := s.run("node", script("agent.js"), s.serverIP.String(), fmt.Sprint(churnRate), "none")
			return func() error { return atLeast("connects of node without a port", node.lastLogged(`noPort (\d+)`), 100) }
		},
		want: want{causes: []string{"churn"}, process: "node", victim: "node"},
		after: func(s *site, f finding) check {
			pool := s.advised(f, `maxSockets: (\d+)`)
			s.backend(80)
			node := s.run("node", script("agent.js"), s.serverIP.String(), fmt.Sprint(churnRate), fmt.Sprint(pool))
			return func() error {
				return errors.Join(
					atMost("connects of node without a port", node.lastLogged(`noPort (\d+)`), 0),
					atLeast("requests", node.lastLogged(`done (\d+)`), churnRequests))
			}
		},
	}
}

// A Go program that does not read bodies to the end: net/http closes their connections.
func churnGo() *load {
	fetcher := func(s *site, flags ...string) *program {
		s.backend(80)
		flags = append(flags, fmt.Sprintf("-rate=%d", churnRate), "http://"+s.at(80)+"/")
		return s.help(s.client, "fetcher", flags...)
	}
	return &load{
		name: "churn-go",
		start: func(s *site) check {
			s.narrow(churnPorts)
			p := fetcher(s, "-body=close")
			return func() error { return atLeast("connects of the fetcher without a port", p.lastLogged(noPortGo), 100) }
		},
		want: want{causes: []string{"churn"}, process: "fetcher", victim: "fetcher"},
		after: func(s *site, f finding) check {
			// What the advice for a program in Go says; a pool of any size needs no more.
			size := s.advised(f, `(?i)(?:MaxIdleConnsPerHost|pool|connections)\D+(\d+)`)
			p := fetcher(s, "-body=read", fmt.Sprintf("-idle=%d", size))
			return func() error {
				return errors.Join(
					atMost("connects of the fetcher without a port", p.lastLogged(noPortGo), 0),
					atLeast("requests", p.lastLogged(`"Done":(\d+)`), churnRequests))
			}
		},
	}
}

func churnCurl() *load {
	loop := func(s *site) *program {
		s.backend(80)
		s.backend(5432) // the pool beside it is healthy
		s.run(python, script("pool.py"), s.serverIP.String(), "5432", "5", "5")
		return s.run("bash", script("curl-loop.sh"), "http://"+s.at(80)+"/")
	}
	return &load{
		name: "churn-curl", needs: []string{"curl", python},
		start: func(s *site) check {
			s.narrow(250)
			p := loop(s)
			return func() error {
				return atLeast("curls without a port", p.logged(`after 0 ms: Couldn't connect`), 20)
			}
		},
		// It depends on the machine whether it manages more than 23 a second.
		want:   want{causes: []string{"churn", "narrow_range"}, process: "curl", victim: "curl"},
		sysctl: true,
		after: func(s *site, _ finding) check {
			p := loop(s)
			return func() error { return atMost("curls that failed", p.logged("curl: "), 0) }
		},
	}
}
