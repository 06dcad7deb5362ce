package doctor

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// everything returns a snapshot with something of every cause.
func everything(program string) (*snapshot.Snapshot, Subject) {
	l := narrowChurn(program)
	s := l.seen()
	n := &s.Namespaces[0]
	n.TCPMem, n.MaxOrphans = [3]uint64{1000, 2000, 3000}, event.CounterOf(4096)
	n.NonlocalBind = event.SettingOf(0)
	n.Refused, n.RefusedKnown, n.TimeWait, n.MaxTimeWait = 600, true, 5000, 5000
	n.Counts = event.NetnsCounts{
		Orphans: event.CounterOf(3000), MemPages: event.CounterOf(2900),
		Conntrack: event.Conntrack{Entries: event.CounterOf(65000), Max: event.CounterOf(65536), NAT: event.SettingOf(1)},
	}
	n.Listeners = []snapshot.Listener{{Local: end("10.77.0.1:40100"), Proc: procOf("server")}}
	s.Processes[0].Files = &event.FileUse{Open: 1020, Limit: 1024, Hard: 524288}
	s.Processes[0].Info.Unit = "app.service"
	s.Processes[0].OwnPorts = &snapshot.OwnPorts{Netns: testNetns, Local: end("10.77.0.1:1").Addr, Low: 40000, High: 40199, Open: 200}
	holder := &snapshot.HeldBy{Holder: event.Holder{Proc: l.proc.ID, State: event.StateEstablished, Local: end("10.77.0.1:40740"), Remote: end(l.remote)}, Info: l.proc}
	service := event.Process{ID: event.ProcID{PID: 77, Start: 1}, Comm: "service"}
	s.Failures = []snapshot.Failure{
		{Proc: service, Netns: testNetns, Op: event.OpBind, Reason: event.PortTaken, Target: end("0.0.0.0:40740"), HeldBy: holder, Last: testWall, Count: 3},
		{Proc: service, Netns: testNetns, Op: event.OpBind, Reason: event.ForeignAddress, Target: end("10.9.9.9:0"), Last: testWall, Count: 3},
	}
	subject := l.subject()
	subject.Port = 40740
	return s, subject
}

var allCauses = []Cause{
	Churn, Leak, CloseWaitLeak, Burst, EarlyBind, HalfOpen, NarrowRange, ReservedRange, RangeOverlapsListeners, TimeWaitOverflow,
	OwnPorts, SlowPortSearch, ConntrackFull, SNAT, FDLimit, TCPMemory, ListenOverflow, InboundOnly, NoIPv6, ForeignAddress, TupleTaken, PortTaken, UDPPorts,
}

// TestEveryCauseHasAdvice checks what must hold of all advice.
func TestEveryCauseHasAdvice(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"nginx", "unknown"} {
		for _, cause := range allCauses {
			s, subject := everything(program)
			f := advised(s, cause, subject)
			if len(f.Advice) == 0 || len(f.Wrong) == 0 {
				t.Errorf("%s: %d pieces of advice, %d that are wrong", cause, len(f.Advice), len(f.Wrong))
			}
			checkAdvice(t, string(cause), f)
		}
	}
}

func checkAdvice(t *testing.T, name string, f *Finding) {
	t.Helper()
	for i, a := range f.Advice {
		switch {
		case a.Action == "" || a.Risk == "":
			t.Errorf("%s: advice without action or risk: %+v", name, a)
		case i > 0 && a.Safety < f.Advice[i-1].Safety:
			t.Errorf("%s: %q comes after what is riskier", name, a.Action)
		case a.Safety == Safe && hasPlaceholder(a.Command+a.Undo):
			t.Errorf("%s: placeholders in what is safe: %s", name, a.Command)
		case strings.Contains(a.Command, "sysctl -w") && !strings.Contains(a.Undo, "sysctl -w"):
			t.Errorf("%s: no way back from %s", name, a.Command)
		case a.Safety > Safe && a.Command != "" && a.Undo == "" && a.Risk != nothingChanged:
			t.Errorf("%s: no way back from %s", name, a.Command)
		}
		for _, never := range []string{"tcp_fin_timeout=", "tcp_tw_recycle", "SO_LINGER", "1024 65535"} {
			if strings.Contains(a.Command, never) {
				t.Errorf("%s: advises %s", name, never)
			}
		}
	}
}

// TestAdviceOf looks for the decisive words in the advice for a cause.
func TestAdviceOf(t *testing.T) {
	t.Parallel()
	for cause, want := range map[Cause][]string{
		Churn:                  {`ip_local_port_range="32768 60999"`, "keepalive 28;", "tcp_tw_reuse=1"},
		Leak:                   {"ss -Htnpo state established dst 10.77.0.2:9000", "systemctl restart app.service", "TIME_WAIT for 60 s"},
		CloseWaitLeak:          {"state close-wait", "ports if each connection is closed within"},
		EarlyBind:              {"proxy_bind <local address>;", "IP_BIND_ADDRESS_NO_PORT"},
		OwnPorts:               {"Give nginx(4242) more local ports than 40000-40199, or another source address", "proxy_bind <local address>;"},
		HalfOpen:               {"ip route get 10.77.0.2", "state syn-sent", "TcpAttemptFails   # SYNs sent again, and connects that failed\nnft", "# if tcpdump is installed:\ntcpdump"},
		ReservedRange:          {"ip_local_reserved_ports"},
		RangeOverlapsListeners: {"ip_local_reserved_ports=40100,40740", "ss -HtnpK src 10.77.0.1:40740 dst 10.77.0.2:9000", "restart nginx(4242)"},
		PortTaken:              {"ip_local_reserved_ports=40100,40740", "ss -HtnpK src 10.77.0.1:40740 dst 10.77.0.2:9000", "start service"},
		TimeWaitOverflow:       {"tcp_max_tw_buckets=16384", "tcp_max_tw_buckets=5000"},
		ConntrackFull:          {"nf_conntrack_max=131072", "nf_conntrack_max=65536", "timeout_time_wait=60", "40 MiB"},
		SNAT:                   {"--random-fully", "--to-source"},
		FDLimit:                {"prlimit --pid 4242 --nofile=2048:524288", "prlimit --pid 4242 --nofile=1024:524288", "LimitNOFILE=2048:524288", "worker_rlimit_nofile 2048;"},
		TCPMemory:              {"tcp_max_orphans=8192", `tcp_mem="2000 4000 6000"`},
		ListenOverflow:         {"ss -Hltnp 'sport = :40740'", "somaxconn=4096"},
		InboundOnly:            {"Change nothing"},
		NoIPv6:                 {"ip -6 -br addr", "gai.conf"},
		ForeignAddress:         {"ip addr add 10.77.0.1/32 dev <interface>", "ip_nonlocal_bind=1"},
		TupleTaken:             {"ss -Htanpo dst 10.77.0.2:9000", "fixed local port"},
		UDPPorts:               {"ss -Huanp", "risk: Its requests fail meanwhile.\n"},
	} {
		s, subject := everything("nginx")
		text := show(simulated(s, cause, subject))
		for _, word := range want {
			if !strings.Contains(text, word) {
				t.Errorf("%s lacks %q:%s", cause, word, text)
			}
		}
	}
}

// TestAdviceByProgram has each program, and remote ends that are databases.
func TestAdviceByProgram(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ program, remote, want string }{
		{"nginx", "10.77.0.2:80", `proxy_set_header Connection "";`},
		{"haproxy", "10.77.0.2:80", "server <server> 10.77.0.2:80 pool-max-conn 28"},
		{"envoy", "10.77.0.2:80", "http2_protocol_options"},
		{"apache2", "10.77.0.2:80", "enablereuse=on max=28"},
		{"node", "[fd00::2]:80", "keepAlive: true, maxSockets: 28"},
		{"node", "10.77.0.2:5432", "new Pool({ max: 28 })"},
		{"python3.11", "10.77.0.2:80", "pool_maxsize=28"},
		{"python3", "10.77.0.2:6379", "max_connections=28"},
		{"gunicorn", "10.77.0.2:80", "requests.Session()"},
		{"java", "10.77.0.2:80", "-Dhttp.maxConnections=28"},
		{"java", "10.77.0.2:3306", "maximumPoolSize=28"},
		{"php-fpm8.2", "10.77.0.2:6379", "pconnect("},
		{"php-fpm", "10.77.0.2:3306", "PDO::ATTR_PERSISTENT"},
		{"php", "10.77.0.2:80", "pfsockopen("},
		{"curl", "10.77.0.2:80", "--next"},
		{"wget", "10.77.0.2:80", "wget -i"},
		{"ab", "10.77.0.2:80", "ab -k"},
		{"wrk", "10.77.0.2:80", "wrk -t"},
		{"redis-cli", "10.77.0.2:6379", "redis-cli -h"},
		{"mysql", "10.77.0.2:3306", "mysql -h"},
		{"psql", "10.77.0.2:5432", "default_pool_size"},
		{"billing", "10.77.0.2:80", "MaxIdleConnsPerHost = 28"},
		{"billing", "10.77.0.2:5432", "SetMaxIdleConns(28)"},
	} {
		l := narrowChurn(c.program)
		l.remote = c.remote
		f := advised(l.seen(), Churn, l.subject())
		if text := show(f); !strings.Contains(text, c.want) {
			t.Errorf("%s to %s lacks %q:%s", c.program, c.remote, c.want, text)
		}
		checkAdvice(t, c.program, f)
		checkAdvice(t, c.program, advised(l.seen(), EarlyBind, l.subject()))
		checkAdvice(t, c.program, advised(l.seen(), Leak, l.subject()))
	}
}

// TestOneFigure has one figure of how many ports the load takes, that of the simulation.
func TestOneFigure(t *testing.T) {
	t.Parallel()
	for _, wanted := range []float64{5, 200, 1000} {
		l := narrowChurn("nginx")
		l.wanted = wanted
		for _, cause := range []Cause{Churn, NarrowRange} {
			for _, a := range simulated(l.seen(), cause, l.subject()).Advice {
				if a.change.ports == 0 || a.change.sources > 0 {
					continue
				}
				if strings.Contains(a.Action, "in use at a time") || strings.Contains(a.Action, "measured") {
					t.Errorf("%s at %g/s: a second figure: %s", cause, wanted, a.Action)
				}
				if partial := strings.Contains(a.Action, "part of the remedy"); partial != strings.HasPrefix(a.Effect, "fails") {
					t.Errorf("%s at %g/s: %s, but %s", cause, wanted, a.Action, a.Effect)
				}
				if wanted == 200 && !strings.Contains(a.Effect, "; sustains 459 connections/s, now 16") {
					t.Errorf("%s at %g/s: %s", cause, wanted, a.Effect)
				}
			}
		}
	}
}

var setLine = regexp.MustCompile(`(?m)^(.*)sysctl -w ([a-z0-9_.]+)=(.*)$`)

// TestNoContradictions has all causes in one namespace at once: no knob gets two values, and no
// way back two either.
func TestNoContradictions(t *testing.T) {
	t.Parallel()
	for _, wanted := range []float64{5, 200, 400, 5000} {
		values := map[string]string{}
		for _, cause := range allCauses {
			for _, port := range []uint16{0, 40740, 40100} {
				s, subject := everything("nginx")
				s.PortSpaces[0].Wanted = wanted
				subject.Port = port
				f := advised(s, cause, subject)
				for i := range f.Advice {
					once(t, values, "set", f.Advice[i].Command, cause)
					once(t, values, "undo", f.Advice[i].Undo, cause)
				}
			}
		}
		if len(values) < 10 {
			t.Errorf("only %d knobs: the test compares nothing", len(values))
		}
	}
}

func once(t *testing.T, values map[string]string, what, text string, cause Cause) {
	t.Helper()
	for _, m := range setLine.FindAllStringSubmatch(text, -1) {
		key := what + " " + m[1] + m[2]
		if hasPlaceholder(m[3]) {
			continue
		}
		if have, ok := values[key]; ok && have != m[3] {
			t.Errorf("%s: %s is %s, elsewhere %s", cause, key, m[3], have)
		}
		values[key] = m[3]
	}
}

// TestWhere has the namespace of the trouble in the commands.
func TestWhere(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"host":         "sysctl -w net.ipv4.ip_local_port_range",
		"uxc":          "ip netns exec uxc sysctl -w net.ipv4.ip_local_port_range",
		"0123456789ab": "nsenter -t 4242 -n sysctl -w net.ipv4.ip_local_port_range",
		"app.service":  "nsenter -t 4242 -n sysctl -w",
		"":             "nsenter -t 4242 -n sysctl -w",
		"$(reboot)":    "nsenter -t 4242 -n sysctl -w",
		"-x":           "nsenter -t 4242 -n sysctl -w",
	} {
		l := narrowChurn("nginx")
		s := l.seen()
		s.Namespaces[0].Name = name
		text := show(advised(s, Churn, l.subject()))
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("%q lacks %q:%s", name, want, text)
		}
		if kept := strings.Contains(text, "/etc/sysctl.d"); kept != (name == "host") {
			t.Errorf("%q: kept for the next boot: %t", name, kept)
		}
		s.Pairs = nil
		if name == "" && !strings.Contains(show(advised(s, Churn, l.subject())), "nsenter -t <pid of a process in the namespace> -n") {
			t.Error("no placeholder for a process that is not known")
		}
	}
	l := narrowChurn("nginx")
	s := l.seen()
	s.Namespaces[0].Gone = true
	if text := show(advised(s, Churn, l.subject())); strings.Contains(text, "sysctl -w") || !strings.Contains(text, "exists no more") {
		t.Errorf("a namespace that is gone:%s", text)
	}
}

// TestReuseAdvice has the cases in which tcp_tw_reuse does nothing.
func TestReuseAdvice(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*snapshot.Snapshot){
		"it is set":               func(s *snapshot.Snapshot) { s.Namespaces[0].Reuse = 1 },
		"no timestamps here":      func(s *snapshot.Snapshot) { s.Namespaces[0].Timestamps = event.SettingOf(0) },
		"no timestamps there":     func(s *snapshot.Snapshot) { s.PortSpaces[0].Unstamped = s.PortSpaces[0].TimeWait },
		"loopback, 2 does it all": func(s *snapshot.Snapshot) { s.PortSpaces[0].Remote = end("127.0.0.1:9000") },
		"no TIME_WAIT":            func(s *snapshot.Snapshot) { s.PortSpaces[0].TimeWait, s.PortSpaces[0].Live = 0, 1000 },
	} {
		l := narrowChurn("nginx")
		s := l.seen()
		change(s)
		subject := l.subject()
		subject.Remote = s.PortSpaces[0].Remote
		if text := show(advised(s, Churn, subject)); strings.Contains(text, "tcp_tw_reuse=1") {
			t.Errorf("%s:%s", name, text)
		}
	}
}

// TestReuseOnLoopback has the value that suffices there.
func TestReuseOnLoopback(t *testing.T) {
	t.Parallel()
	l := narrowChurn("nginx")
	l.remote = "127.0.0.1:9000"
	s := l.seen()
	s.Namespaces[0].Reuse = 0
	if text := show(advised(s, Churn, l.subject())); !strings.Contains(text, "tcp_tw_reuse=2") || strings.Contains(text, "tcp_tw_reuse=1") {
		t.Error(text)
	}
}

func TestWrong(t *testing.T) {
	t.Parallel()
	l := narrowChurn("nginx")
	l.ports = event.PortRange{Low: 40000, High: 41000}
	s := l.seen()
	s.Namespaces[0].FinTimeout = 15 * time.Second
	text := strings.Join(advised(s, Churn, l.subject()).Wrong, "\n")
	for _, want := range []string{"tcp_fin_timeout is 15 s here", "same parity", "tcp_tw_recycle", "SO_LINGER"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}

// TestAdviceKnowsLittle has findings of which next to nothing is known.
func TestAdviceKnowsLittle(t *testing.T) {
	t.Parallel()
	for _, cause := range append(allCauses, None) {
		for _, s := range []*snapshot.Snapshot{{}, {Namespaces: []snapshot.Namespace{{Inode: 1}}}} {
			for _, subject := range []Subject{{}, {Netns: 1}, {Netns: 1, Proc: event.ProcID{PID: 1, Start: 1}}, {Netns: 1, Port: 80}} {
				checkAdvice(t, fmt.Sprint(cause, subject), simulated(s, cause, subject))
			}
		}
	}
}
