package incidents

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

// allScenes are the incidents of package recorded. Rates and ranges are smaller than those of a
// real host, so that a port space fills up within a minute and the files stay small.
func allScenes() []scene {
	return []scene{
		sceneProxy(), sceneLeak(), sceneLoop(), sceneSource(), sceneEarlyBind(),
		scenePortTaken(), sceneSilent(), sceneHealthy(), sceneFiltered(),
	}
}

// own copies a program of testdata to the folder in which all programs run, so that its command
// line is what it would be elsewhere.
func (s *site) own(name string) string { return s.ownAs(name, name) }

// ownAs does the same under the name of a service: a general program has the name of what it does.
func (s *site) ownAs(name, program string) string {
	s.try("copying "+program, func() error {
		text, err := os.ReadFile(script(program))
		if err != nil {
			return err
		}
		return os.WriteFile(s.dir+"/"+name, text, 0o644)
	})
	return name
}

// A proxy that closes its connections first: 1,000 ports are in TIME_WAIT within 13 seconds.
func sceneProxy() scene {
	return scene{
		name: "proxy", needs: []string{"nginx"}, begin: 2 * time.Second, length: 82 * time.Second,
		start: func(s *site) check {
			s.narrow(1000)
			s.backend(9000)
			nginx := s.nginx(s.at(9000), "")
			s.visitors(80, 20)
			return func() error { return atLeast("connects of nginx without a port", nginx.logged(noPort), 2000) }
		},
	}
}

// billing starts a program that leaks 39 connections a second, which the database closes when
// they were idle for six seconds, and a healthy one beside it.
func (s *site) billing() *program {
	s.narrow(2000)
	s.backend(5432, "-idle=6s")
	s.backend(6379)
	s.run(python, s.ownAs("cache.py", "poller.py"), s.serverIP.String(), "6379", "4")
	return s.run("bash", "-c", fmt.Sprintf("ulimit -n 4096; exec %s %s %s 5432 39", python, s.own("billing.py"), s.serverIP))
}

func sceneLeak() scene {
	return scene{
		name: "billing", needs: []string{python}, begin: -18 * time.Second, length: 70 * time.Second,
		start: func(s *site) check {
			leak := s.billing()
			return func() error {
				return errors.Join(
					atLeast("connections in CLOSE_WAIT", inState(s.client, lab.CloseWait), 1500),
					atLeast("connects of billing.py without a port", leak.logged(noPort), 200))
			}
		},
	}
}

// The same, recorded with --pid: the process beside it is only counted.
func sceneFiltered() scene {
	var leak *program
	return scene{
		name: "billing-pid", needs: []string{python}, begin: -18 * time.Second, length: 60 * time.Second,
		start: func(s *site) check {
			leak = s.billing()
			return func() error { return atLeast("connects of billing.py without a port", leak.logged(noPort), 100) }
		},
		pid: func() int { return leak.cmd.Process.Pid },
	}
}

// A shell loop that starts a program for each request.
func sceneLoop() scene {
	return scene{
		name: "prices", needs: []string{"curl"}, begin: -6 * time.Second, length: 50 * time.Second,
		start: func(s *site) check {
			s.narrow(400)
			s.backend(80)
			loop := s.run("bash", s.own("fetch-prices.sh"), "http://"+s.at(80)+"/prices")
			return func() error { return atLeast("curls without a port", loop.logged(`Couldn't connect`), 100) }
		},
	}
}

// HAProxy that has 200 source ports for 500 clients. No call fails: it makes none.
func sceneSource() scene {
	return scene{
		name: "edge", needs: []string{"haproxy"}, begin: 3 * time.Second, length: 60 * time.Second,
		start: func(s *site) check {
			s.narrow(1000)
			s.backend(8000, "-delay=2s")
			s.haproxySource(s.at(8000), fmt.Sprintf("%s:40000-40199", s.clientIP))
			visitors := s.visitors(150, 500)
			return func() error {
				return errors.Join(
					atLeast("ports of haproxy", s.portsTaken(), 195),
					atLeast("clients that were refused", visitors.lastLogged(`(?:EOF|reset by peer)":(\d+)`), 300))
			}
		},
	}
}

// A program that binds to an address before it connects, to four destinations.
func sceneEarlyBind() scene {
	return scene{
		name: "sync", needs: []string{python}, begin: 2 * time.Second, length: 60 * time.Second,
		start: func(s *site) check {
			s.narrow(1000)
			args := []string{python, s.ownAs("sync.py", "early_bind.py"), s.clientIP.String(), s.serverIP.String(), "63", "early"}
			for port := 8081; port <= 8084; port++ {
				s.backend(port)
				args = append(args, fmt.Sprint(port))
			}
			program := s.run(args...)
			return func() error { return atLeast("binds without a port", program.logged(`Address already in use`), 200) }
		},
	}
}

// A service whose port lies in the range, and is the local port of another's connection. A
// connect() takes every second port of the range first: 60 of 120.
func scenePortTaken() scene {
	return scene{
		name: "web", needs: []string{python, "node"}, begin: -4 * time.Second, length: 45 * time.Second,
		start: func(s *site) check {
			s.try("port range", func() error { return s.client.PortRange(40700, 40819) })
			s.backend(5432)
			pool := s.run(python, s.ownAs("worker.py", "pool.py"), s.serverIP.String(), "5432", "60", "20")
			s.await("the pool is open", func() bool { return inState(s.client, lab.Established) >= 60 })
			service := s.run("bash", s.own("service-node.sh"), s.own("server.js"), "40740")
			return func() error {
				return errors.Join(
					atMost("connects that failed", pool.logged("failed"), 0),
					atLeast("starts that failed", service.logged("EADDRINUSE"), 10))
			}
		},
	}
}

// A peer that answers nothing: its firewall drops what it gets.
func sceneSilent() scene {
	return scene{
		name: "notify", needs: []string{python, "nft"}, begin: 3 * time.Second, length: 45 * time.Second,
		start: func(s *site) check {
			s.shell(s.server, "nft 'add table ip f; add chain ip f in { type filter hook input priority 0; }; add rule ip f in tcp dport 443 drop'")
			s.backend(6379)
			s.run(python, s.ownAs("cache.py", "poller.py"), s.serverIP.String(), "6379", "4")
			program := s.run(python, s.ownAs("notify.py", "impatient.py"), s.serverIP.String(), "443", "19")
			return func() error { return atLeast("connects given up", program.lastLogged(`given up (\d+)`), 400) }
		},
	}
}

// A busy program whose connections go to 40 destinations: thousands of TIME_WAIT, and no trouble.
func sceneHealthy() scene {
	return scene{
		name: "crawler", needs: []string{python}, begin: -30 * time.Second, length: 40 * time.Second,
		start: func(s *site) check {
			third := s.serverIP.As4()[2]
			net := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 88, third, 128}), 26)
			s.try("addresses", func() error { return s.server.AddLocal(net, s.serverIP) })
			s.help(s.server, "backend", "0.0.0.0:80")
			s.await("the backend listens", func() bool { return listens(s.server, 80) })
			busy := s.run(python, s.own("busy.py"), fmt.Sprintf("10.88.%d.", third), "130", "40", "80")
			return func() error {
				return errors.Join(
					atLeast("TIME_WAIT", s.timeWaits(), 3000),
					atMost("connects that failed", busy.logged("failed"), 0))
			}
		},
	}
}
