package incidents

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

// Clients that open and close connections, as many as their ports allow.
func healthyClients() []*load {
	return []*load{
		{
			name: "healthy-curl-many-urls", needs: []string{"curl"},
			start: func(s *site) check {
				s.backend(80, "-delay=2ms")
				loop := s.run("bash", script("curl-many.sh"), "http://"+s.at(80))
				return func() error { return atLeast("runs of curl", loop.logged("done"), 4) }
			},
		},
		{
			name: "healthy-curl-loop", needs: []string{"curl"},
			start: func(s *site) check {
				s.backend(80)
				loop := s.run("bash", script("curl-loop.sh"), "http://"+s.at(80)+"/")
				return func() error {
					return errors.Join(atLeast("TIME_WAIT", s.timeWaits(), 150), atMost("curls that failed", loop.logged("curl: "), 0))
				}
			},
		},
		{
			name: "healthy-ab-keepalive", needs: []string{"nginx", "ab"},
			start: func(s *site) check {
				s.nginxFiles("")
				loop := s.run("bash", script("ab-loop.sh"), "-k", "-c", "50", "-n", "3000", "http://"+s.at(80)+"/")
				return func() error { return atLeast("runs of ab", loop.logged("Complete requests: +3000"), 8) }
			},
		},
		{
			name: "healthy-cron-burst", needs: []string{"curl"},
			start: func(s *site) check {
				s.backend(80)
				loop := s.run("bash", script("cron.sh"), "http://"+s.at(80)+"/")
				return func() error { return atLeast("runs of 50 curls", loop.logged("done"), 3) }
			},
		},
		{
			name: "healthy-port-scan", needs: []string{python},
			start: func(s *site) check {
				s.backend(80)
				scan := s.run(python, script("scan.py"), s.serverIP.String(), "200")
				return func() error { return atLeast("scans", scan.logged("scanned"), 2) }
			},
		},
		{
			name: "healthy-health-checker", needs: []string{python},
			start: func(s *site) check {
				s.backend(81)
				s.backend(82)
				checker := s.run(python, script("health.py"), s.serverIP.String(), "81", "82", "83")
				return func() error {
					return errors.Join(atLeast("backends up", checker.logged("up"), 80), atLeast("backends refused", checker.logged("refused"), 40))
				}
			},
		},
		happyEyeballs(), crawler(), dnsClient(), loopbackReuse(),
	}
}

// A client that races IPv6 and IPv4, and drops the slower one: IPv6 does not answer.
func happyEyeballs() *load {
	return &load{
		name: "healthy-happy-eyeballs", needs: []string{python, "nft"},
		start: func(s *site) check {
			six := netip.MustParseAddr("fd88::2")
			s.try("IPv6", func() error {
				return errors.Join(
					s.client.AddAddr("lab1", netip.MustParsePrefix("fd88::1/64")),
					s.server.AddAddr("lab1", netip.PrefixFrom(six, 64)))
			})
			s.shell(s.server, "nft 'add table ip6 f; add chain ip6 f in { type filter hook input priority 0; }; add rule ip6 f in tcp dport 80 drop'")
			s.backend(80)
			race := s.run(python, script("race.py"), six.String(), s.serverIP.String(), "80")
			return func() error { return atLeast("races", race.lastLogged(`done (\d+)`), 200) }
		},
	}
}

// A crawler: 28,000 TIME_WAIT at a time, over 40 destinations. To one of them these would be all
// ports.
func crawler() *load {
	return &load{
		name: "healthy-crawler-28000",
		start: func(s *site) check {
			var to []netip.AddrPort
			net := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 88, s.serverIP.As4()[2], 128}), 26)
			s.try("addresses", func() error { return s.server.AddLocal(net, s.serverIP) })
			for i := range 40 {
				to = append(to, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 88, s.serverIP.As4()[2], byte(130 + i)}), 80))
			}
			s.job(s.server, "web", &lab.Server{
				Listen: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:80")}, Mode: lab.Echo, For: 5 * time.Minute,
			})
			s.await("the server listens", func() bool { return listens(s.server, 80) })
			s.job(s.client, "crawler", &lab.Client{To: to, Threads: 4, Talk: true, Count: 28_500, Rate: 800, For: 5 * time.Minute})
			s.job(s.client, "crawler", &lab.Client{To: to, Threads: 2, Talk: true, Rate: 100, For: 5 * time.Minute})
			return func() error { return s.peakTimeWait(28_000) }
		},
	}
}

// A client of DNS: a new UDP socket for each query.
func dnsClient() *load {
	return &load{
		name: "healthy-dns-client", needs: []string{python},
		start: func(s *site) check {
			s.serve(python, script("dns.py"), "serve", s.serverIP.String())
			client := s.run(python, script("dns.py"), "ask", s.serverIP.String())
			return func() error { return atLeast("answers", client.lastLogged(`answers (\d+)`), 2_000) }
		},
	}
}

// On the loopback device the kernel takes ports again that are in TIME_WAIT: tcp_tw_reuse is 2.
func loopbackReuse() *load {
	return &load{
		name: "healthy-loopback-reuse", needs: []string{python},
		start: func(s *site) check {
			s.try("tcp_tw_reuse", func() error { return s.client.Sysctl("ipv4/tcp_tw_reuse", "2") })
			s.narrow(2000)
			p := s.help(s.client, "backend", "127.0.0.1:80")
			s.await("the backend listens", func() bool { return p.logged("listening") > 0 })
			clients := []*program{
				s.run(python, script("poller.py"), "127.0.0.1", "80", "60"),
				s.run(python, script("poller.py"), "127.0.0.1", "80", "60"),
			}
			return func() error {
				return errors.Join(
					atLeast("connections", clients[0].lastLogged(`done (\d+)`)+clients[1].lastLogged(`done (\d+)`), 2_500),
					atMost("connects that failed", clients[0].logged("failed"), 0))
			}
		},
	}
}

// peakTimeWait is for a load whose peak is early in the phase.
func (s *site) peakTimeWait(least int) error {
	return atLeast("TIME_WAIT at the peak", s.peak, least)
}

// watchPeak samples the number of TIME_WAIT until the phase ends.
func (s *site) watchPeak(until <-chan struct{}) {
	for {
		s.peak = max(s.peak, s.timeWaits())
		select {
		case <-until:
			return
		case <-time.After(2 * time.Second):
		}
	}
}

// job starts a job of the lab.
func (s *site) job(in *lab.Netns, name string, job lab.Job) {
	s.try("starting "+name, func() error {
		p, err := in.Spawn(name, job)
		if err != nil {
			return fmt.Errorf("%w", err)
		}
		s.jobs = append(s.jobs, p)
		return nil
	})
}
