package incidents

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// Tables of the kernel that are full.
func kernelIncidents() []*load {
	return []*load{timeWaitOverflow(), conntrackFull(), snat()}
}

// tcp_max_tw_buckets is smaller than the load: connections end without TIME_WAIT.
func timeWaitOverflow() *load {
	return &load{
		name: "tw-overflow", needs: []string{python},
		start: func(s *site) check {
			s.sysctl("ipv4/tcp_max_tw_buckets", "200")
			s.poller()
			return func() error {
				return atLeast("buckets that the kernel refused", counter(s.client, "TcpExt.TCPTimeWaitOverflow"), 200)
			}
		},
		want:   want{causes: []string{"tw_overflow"}},
		sysctl: true,
		after: func(s *site, _ finding) check {
			before := counter(s.client, "TcpExt.TCPTimeWaitOverflow")
			s.poller()
			return func() error {
				return errors.Join(
					atMost("buckets that the kernel refused", counter(s.client, "TcpExt.TCPTimeWaitOverflow"), before),
					atLeast("TIME_WAIT", s.timeWaits(), 500))
			}
		},
	}
}

// The table of connection tracking is full. Its size is a setting of the host, so the test fills
// it to that: with entries that the kernel does not drop for new ones.
func conntrackFull() *load {
	return &load{
		name: "conntrack-full", needs: []string{python, "nft", "conntrack"},
		skip: func(s *site) string {
			_, lacks, err := need.FindFillable()
			s.try("nf_conntrack_max", func() error { return err })
			return lacks
		},
		start: func(s *site) check {
			s.backend(80)
			s.track()
			s.fillConntrack(conntrackSize() + 100)
			p := s.run(python, script("impatient.py"), s.serverIP.String(), "80", "10")
			return func() error { return atLeast("connects given up", p.lastLogged(`given up (\d+)`), 200) }
		},
		want: want{causes: []string{"conntrack_full"}, also: []string{"half_open"}},
		after: func(s *site, f finding) check {
			s.raiseConntrack(s.advised(f, `nf_conntrack_max=(\d+)`))
			s.backend(80)
			p := s.run(python, script("impatient.py"), s.serverIP.String(), "80", "10")
			return func() error {
				return errors.Join(
					atMost("connects given up", p.lastLogged(`given up (\d+)`), 0),
					atLeast("connects", p.lastLogged(`done (\d+)`), 300))
			}
		},
	}
}

func conntrackSize() int {
	size, _, _ := need.FindTracking() // with an error the load is not begun
	return size
}

// track makes the kernel track the connections of the client: a rule asks for their state.
func (s *site) track() {
	s.shell(s.client, "nft 'add table ip t; add chain ip t out { type filter hook output priority 0; }; add rule ip t out ct state invalid counter'")
}

func (s *site) fillConntrack(entries int) {
	var b strings.Builder
	for i := range entries {
		client, server, port := 10+i/50_000, 100+i/50_000, 1024+i%50_000
		fmt.Fprintf(&b, "-A -t 600 -u SEEN_REPLY,ASSURED -s 10.9.0.%d -d 10.9.0.%d -r 10.9.0.%d -q 10.9.0.%d -p tcp "+
			"--sport %d --dport 80 --reply-port-src 80 --reply-port-dst %d --state ESTABLISHED\n", client, server, server, client, port, port)
	}
	s.write("entries", b.String())
	s.shell(s.client, "conntrack -R entries >/dev/null 2>&1 || true") // it ends with an error: the table is full
	s.try("filling the table", func() error {
		return s.client.Do(func() error {
			text, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_count")
			if err != nil {
				return err
			}
			count, err := strconv.Atoi(strings.TrimSpace(string(text)))
			return errors.Join(err, atLeast("entries", count, conntrackSize()))
		})
	})
}

// raiseConntrack sets what the advice says on the host, until the end of the test.
func (s *site) raiseConntrack(to int) {
	before := conntrackSize()
	s.try("nf_conntrack_max", func() error {
		if to <= before || to > 8*before {
			return fmt.Errorf("%d is advised, it is %d", to, before)
		}
		return os.WriteFile(need.TrackingMax, []byte(fmt.Sprint(to)), 0)
	})
	s.atEnd = append(s.atEnd, func() error { return os.WriteFile(need.TrackingMax, []byte(fmt.Sprint(before)), 0) })
}

// Connections are masqueraded to 100 ports, and 160 are wanted.
func snat() *load {
	masquerade := func(s *site, last int) {
		s.shell(s.client, fmt.Sprintf("nft 'add table ip n; add chain ip n post { type nat hook postrouting priority 100; }; "+
			"add rule ip n post ip daddr %s ip protocol tcp masquerade to :50000-%d'", s.serverIP, last))
	}
	return &load{
		name: "snat", needs: []string{python, "nft"},
		start: func(s *site) check {
			masquerade(s, 50099)
			s.backend(80)
			s.run(python, script("pool.py"), s.serverIP.String(), "80", "160", "1")
			return func() error {
				return errors.Join(
					atMost("connections", inState(s.client, lab.Established), 120),
					atLeast("SYNs sent again", counter(s.client, "TcpExt.TCPSynRetrans"), 20))
			}
		},
		want: want{causes: []string{"snat"}, also: []string{"half_open"}},
		after: func(s *site, _ finding) check {
			s.shell(s.client, "nft delete table ip n")
			masquerade(s, 59999)
			s.backend(80)
			s.run(python, script("pool.py"), s.serverIP.String(), "80", "160", "1")
			return func() error { return atLeast("connections", inState(s.client, lab.Established), 160) }
		},
	}
}
