package lab

import (
	"maps"
	"net/netip"
	"testing"
)

func TestClientConnects(t *testing.T) {
	client, _ := pair(t, Echo)
	for name, to := range map[string]netip.AddrPort{"v4": serverV4, "v6": serverV6} {
		for _, job := range []Client{
			{},
			{Talk: true},
			{Talk: true, Threads: 3},
			{Socket: Socket{Nonblock: true}, Talk: true},
			{Socket: Socket{Linger0: true}},
		} {
			job.To, job.Count = []netip.AddrPort{to}, 12
			if r := run(t, client, &job); r.Attempted != 12 || r.Succeeded != 12 || len(r.TalkErrors) > 0 {
				t.Errorf("%s %+v: %+v", name, job, r)
			}
		}
	}
}

// A connect takes a port that no live connection and no TIME_WAIT to the same
// peer has: as many as the range is wide.
func TestClientExhaustsRange(t *testing.T) {
	client, _ := pair(t, Echo)
	set(t, client, "ipv4/ip_local_port_range", "32768 33023", "ipv4/tcp_tw_reuse", "0")
	want := map[string]int{"EADDRNOTAVAIL": 144}
	for name, to := range map[string]netip.AddrPort{"v4": serverV4, "v6": serverV6} {
		r := run(t, client, &Client{To: []netip.AddrPort{to}, Count: 400, Talk: true})
		if r.Attempted != 400 || r.Succeeded != 256 || !maps.Equal(r.ConnectErrors, want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	stat, err := client.Sockstat()
	if err != nil {
		t.Fatal(err)
	}
	if stat.TimeWait != 512 {
		t.Errorf("TIME_WAIT = %d, want 512", stat.TimeWait)
	}
}

func TestClientHolds(t *testing.T) {
	client, _ := pair(t, CloseFirst)
	p, err := client.Spawn("leak", &Client{To: []netip.AddrPort{serverV4}, Count: 8, AwaitPeer: true, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := p.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if got := inState(t, client, CloseWait); got != 8 {
		t.Errorf("CLOSE_WAIT = %d, want 8", got)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if got := inState(t, client, CloseWait); got != 0 {
		t.Errorf("after the release CLOSE_WAIT = %d, want 0", got)
	}
}

func TestClientFails(t *testing.T) {
	client, _ := pair(t, Echo)
	foreign := Socket{Bind: netip.MustParseAddrPort("192.0.2.1:0")}
	for _, test := range []struct {
		name string
		job  Client
		want Try
	}{
		{"refused", Client{To: addrs("10.1.0.2:81")}, Try{Op: "connect", Errno: "ECONNREFUSED"}},
		{"refused, not blocking", Client{Socket: Socket{Nonblock: true}, To: addrs("10.1.0.2:81")}, Try{Op: "connect", Errno: "ECONNREFUSED"}},
		{"no route", Client{To: addrs("192.0.2.1:80")}, Try{Op: "connect", Errno: "ENETUNREACH"}},
		{"foreign address", Client{Socket: foreign, To: addrs("10.1.0.2:80")}, Try{Op: "bind", Errno: "EADDRNOTAVAIL"}},
	} {
		test.job.Count, test.job.List = 1, true
		r := run(t, client, &test.job)
		if len(r.Tries) != 1 || r.Tries[0].Op != test.want.Op || r.Tries[0].Errno != test.want.Errno {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
}

// Beyond a full backlog a SYN gets no answer.
func TestClientUnanswered(t *testing.T) {
	client, server := pair(t, Echo)
	deaf := netip.MustParseAddrPort("10.1.0.2:82")
	p, err := server.Serve("deaf", Server{Listen: []netip.AddrPort{deaf}, Mode: Ignore, Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	r := run(t, client, &Client{
		Socket: Socket{SynCount: 1}, To: []netip.AddrPort{deaf}, Count: 3,
	})
	if r.Succeeded != 2 || r.ConnectErrors["ETIMEDOUT"] != 1 {
		t.Errorf("%+v", r)
	}
}

// A port chosen by bind is exclusive, one chosen by connect belongs to one connection.
func TestClientBindsEarly(t *testing.T) {
	client, _ := pair(t, Echo)
	set(t, client, "ipv4/ip_local_port_range", "32768 32799", "ipv4/tcp_tw_reuse", "0")
	early := Socket{Bind: netip.MustParseAddrPort("10.1.0.1:0")}
	late := early
	late.NoPort = true
	to := []netip.AddrPort{serverV4}
	if r := run(t, client, &Client{Socket: early, To: to, Count: 8, Talk: true}); r.Succeeded != 8 {
		t.Errorf("early: %+v", r)
	}
	if r := run(t, client, &Client{Socket: late, To: to, Count: 30, Talk: true}); r.ConnectErrors["EADDRNOTAVAIL"] != 6 {
		t.Errorf("late: %+v", r)
	}
	if r := run(t, client, &Client{Socket: early, To: to, Count: 1}); r.BindErrors["EADDRINUSE"] != 1 {
		t.Errorf("early, full: %+v", r)
	}
}

func TestBinder(t *testing.T) {
	n := newNetns(t)
	set(t, n, "ipv4/ip_local_port_range", "32768 32783")
	anyPort := Socket{Bind: netip.MustParseAddrPort("127.0.0.1:0")}
	if r := run(t, n, &Binder{Socket: anyPort, Count: 20}); r.Succeeded != 16 || r.BindErrors["EADDRINUSE"] != 4 {
		t.Errorf("bind: %+v", r)
	}
	if r := run(t, n, &Binder{Listen: true, Count: 20}); r.Succeeded != 16 || r.ListenErrors["EADDRINUSE"] != 4 {
		t.Errorf("listen: %+v", r)
	}
	foreign := Socket{Bind: netip.MustParseAddrPort("192.0.2.1:0")}
	if r := run(t, n, &Binder{Socket: foreign}); r.BindErrors["EADDRNOTAVAIL"] != 1 {
		t.Errorf("foreign: %+v", r)
	}
}

func addrs(texts ...string) []netip.AddrPort {
	var list []netip.AddrPort
	for _, text := range texts {
		list = append(list, netip.MustParseAddrPort(text))
	}
	return list
}

func inState(t *testing.T, n *Netns, state TCPState) int {
	t.Helper()
	sockets, err := n.TCPSockets()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, s := range sockets {
		if s.State == state {
			count++
		}
	}
	return count
}
