package filter

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func endpoint(s string) event.Endpoint {
	ap := netip.MustParseAddrPort(s)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

var curl = event.Process{
	ID: event.ProcID{PID: 10, Start: 5}, Comm: "curl", Exe: "/usr/bin/curl",
	Cgroup: "/system.slice/web.service/worker", Unit: "web.service", Container: strings.Repeat("0a1b2c3d", 8),
	Pod: "shop/web-7d9f/nginx",
}

func openTo(dst string) event.Event {
	return event.Event{
		Kind: event.Open, Direction: event.Out, Proto: event.TCP, Netns: 1, Proc: curl.ID,
		Src: endpoint("10.0.0.1:40000"), Dst: endpoint(dst),
	}
}

func TestMatchProcess(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		spec Request
		want bool
	}{
		{"nothing asked", Request{}, true},
		{"comm", Request{Comm: []string{"curl"}}, true},
		{"comm is not a prefix", Request{Comm: []string{"cur"}}, false},
		{"comm glob", Request{Comm: []string{"c?r*"}}, true},
		{"one of two", Request{Comm: []string{"wget", "curl"}}, true},
		{"both flags", Request{Comm: []string{"curl"}, Unit: []string{"other"}}, false},
		{"exe path", Request{Exe: []string{"/usr/bin/curl"}}, true},
		{"exe name", Request{Exe: []string{"curl"}}, true},
		{"exe glob", Request{Exe: []string{"/usr/*/curl"}}, true},
		{"exe elsewhere", Request{Exe: []string{"/opt/curl"}}, false},
		{"unit", Request{Unit: []string{"web.service"}}, true},
		{"unit without suffix", Request{Unit: []string{"web"}}, true},
		{"unit glob", Request{Unit: []string{"we*"}}, true},
		{"other unit", Request{Unit: []string{"web.scope"}}, false},
		{"short container id", Request{Container: []string{"0a1b2c3d0a1b"}}, true},
		{"whole container id", Request{Container: []string{curl.Container}}, true},
		{"other container", Request{Container: []string{"1a1b"}}, false},
		{"pod", Request{Pod: []string{"web-7d9f"}}, true},
		{"pod glob", Request{Pod: []string{"web-*"}}, true},
		{"pod of a namespace", Request{Pod: []string{"shop/web-*"}}, true},
		{"all pods of a namespace", Request{Pod: []string{"shop/*"}}, true},
		{"pod of another namespace", Request{Pod: []string{"test/web-*"}}, false},
		{"container of a pod", Request{Pod: []string{"shop/web-*/nginx"}}, true},
		{"another container of it", Request{Pod: []string{"*/*/side"}}, false},
		{"a namespace is no pod", Request{Pod: []string{"shop"}}, false},
		{"cgroup", Request{Cgroup: []string{"/system.slice/web.service/worker"}}, true},
		{"cgroup above", Request{Cgroup: []string{"/system.slice"}}, true},
		{"root cgroup", Request{Cgroup: []string{"/"}}, true},
		{"cgroup glob above", Request{Cgroup: []string{"/*/web*"}}, true},
		{"cgroup beside", Request{Cgroup: []string{"/system.slice/web"}}, false},
		{"pid", Request{PID: []string{"9", "10"}}, true},
		{"other pid", Request{PID: []string{"9"}}, false},
		{"netns", Request{Netns: []string{"1"}}, true},
		{"other netns", Request{Netns: []string{"2"}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, err := Parse(tc.spec)
			if err != nil {
				t.Fatal(err)
			}
			e := openTo("10.0.0.2:80")
			if got := f.Match(&e, &curl); got != tc.want {
				t.Errorf("Match = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestMatchHostileComm(t *testing.T) {
	t.Parallel()
	f, err := Parse(Request{Comm: []string{"kworker*"}})
	if err != nil {
		t.Fatal(err)
	}
	e := openTo("10.0.0.2:80")
	if !f.Match(&e, &event.Process{Comm: "kworker/u8:0-xprtiod"}) {
		t.Error("* does not match a slash in a name")
	}
	if f.Match(&e, nil) {
		t.Error("an unknown process has a name")
	}
}

func TestMatchUnknownProcess(t *testing.T) {
	t.Parallel()
	e := openTo("10.0.0.2:80")
	e.Proc = event.ProcID{}
	for _, tc := range []struct {
		spec Request
		want bool
	}{
		{Request{Dest: []string{"10.0.0.0/8"}}, true},
		{Request{PID: []string{"10"}}, false},
		{Request{Unit: []string{"*"}}, false},
		{Request{Pod: []string{"*"}}, false},
	} {
		f, err := Parse(tc.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(&e, nil); got != tc.want {
			t.Errorf("%+v: Match = %v, want %v", tc.spec, got, tc.want)
		}
	}
}

func TestNotSelected(t *testing.T) {
	t.Parallel()
	f, err := Parse(Request{PID: []string{"10"}, Children: true})
	if err != nil {
		t.Fatal(err)
	}
	e := openTo("10.0.0.2:80")
	e.Flags = event.NotSelected
	if f.Match(&e, &curl) {
		t.Error("selected although the kernel left it out")
	}
}

func TestMatchDest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		arg, dst string
		want     bool
	}{
		{"10.0.0.2", "10.0.0.2:80", true},
		{"10.0.0.2", "10.0.0.3:80", false},
		{"10.0.0.2:80", "10.0.0.2:80", true},
		{"10.0.0.2:80", "10.0.0.2:81", false},
		{"10.0.0.0/8", "10.255.0.2:80", true},
		{"10.0.0.9/8", "10.255.0.2:80", true},
		{"10.0.0.0/8:443", "10.0.0.2:80", false},
		{"0.0.0.0/0", "[fd00::1]:80", false},
		{"::/0", "10.0.0.2:80", false},
		{"::ffff:10.0.0.2", "10.0.0.2:80", true},
		{"[::ffff:10.0.0.0/104]:80", "10.0.0.2:80", true},
		{"10.0.0.2", "[::ffff:10.0.0.2]:80", true},
		{"fd00::/8", "[fd00::1]:443", true},
		{"[fd00::/8]:443", "[fd00::1]:443", true},
		{"[fd00::/8]:443", "[fd00::1]:80", false},
		{"[fd00::1]", "[fd00::1]:80", true},
		{"fd00::1:443", "[fd00::1]:443", false},
	} {
		f, err := Parse(Request{Dest: []string{tc.arg}})
		if err != nil {
			t.Errorf("%s: %v", tc.arg, err)
			continue
		}
		e := openTo(tc.dst)
		if got := f.Match(&e, &curl); got != tc.want {
			t.Errorf("--dest %s, connection to %s: %v, want %v", tc.arg, tc.dst, got, tc.want)
		}
	}
}

// TestMatchKinds covers which end --dest and --port mean.
func TestMatchKinds(t *testing.T) {
	t.Parallel()
	local, remote := endpoint("10.0.0.1:1111"), endpoint("10.0.0.2:2222")
	const (
		destRemote = 1 << iota
		destLocal
		portRemote
		portLocal
	)
	specs := map[int]Request{
		destRemote: {Dest: []string{"10.0.0.2:2222"}}, destLocal: {Dest: []string{"10.0.0.1"}},
		portRemote: {Port: []string{"2222"}}, portLocal: {Port: []string{"1111"}},
	}
	for _, tc := range []struct {
		name string
		e    event.Event
		want int
	}{
		{"open", event.Event{Kind: event.Open, Direction: event.Out, Src: local, Dst: remote}, destRemote | portRemote},
		{"close out", event.Event{Kind: event.Close, Direction: event.Out, Src: local, Dst: remote}, destRemote | portRemote},
		{"close in", event.Event{Kind: event.Close, Direction: event.In, Src: local, Dst: remote}, portLocal},
		{"close unknown", event.Event{Kind: event.Close, Src: local, Dst: remote}, destRemote | portRemote | portLocal},
		{"connect_fail", event.Event{Kind: event.ConnectFail, Direction: event.Out, Dst: remote}, destRemote | portRemote},
		{"bind", event.Event{Kind: event.Bind, Src: local}, portLocal},
		{"bind_fail", event.Event{Kind: event.BindFail, Src: local}, portLocal},
	} {
		for bit, spec := range specs {
			f, err := Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := f.Match(&tc.e, nil), tc.want&bit != 0; got != want {
				t.Errorf("%s, dest %q, port %q: %v, want %v", tc.name, spec.Dest, spec.Port, got, want)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		spec Request
		want string
	}{
		{Request{Dest: []string{"10.0.0.0/33"}}, "--dest 10.0.0.0/33: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{""}}, "--dest : not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{":80"}}, "--dest :80: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"10.0.0.1:"}}, "--dest 10.0.0.1:: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"10.0.0.1:0"}}, "--dest 10.0.0.1:0: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"10.0.0.1:65536"}}, "--dest 10.0.0.1:65536: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"[10.0.0.1]:80"}}, "--dest [10.0.0.1]:80: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"[fd00::1"}}, "--dest [fd00::1: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"[fd00::1]80"}}, "--dest [fd00::1]80: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"fe80::1%eth0"}}, "--dest fe80::1%eth0: not an address, CIDR or ADDR:PORT"},
		{Request{Dest: []string{"fd00::/8:443"}}, "--dest fd00::/8:443: not an address, CIDR or ADDR:PORT; in IPv6 it is [CIDR]:PORT"},
		{Request{Dest: []string{"example.com:80"}}, "--dest example.com:80: not an address, CIDR or ADDR:PORT; names are not looked up"},
		{Request{Port: []string{"0"}}, "--port 0: not a port, 1 to 65535"},
		{Request{Port: []string{"http"}}, "--port http: not a port, 1 to 65535"},
		{
			Request{Port: []string{"443"}, Dest: []string{"10.0.0.1:80"}},
			"--port 443: no destination of --dest 10.0.0.1:80 has that port; leave one of them out",
		},
		{Request{PID: []string{"0"}}, "--pid 0: not a process id"},
		{Request{PID: []string{"9", "me"}}, "--pid me: not a process id"},
		{Request{PID: []string{"2147483648"}}, "--pid 2147483648: not a process id"},
		{Request{Netns: []string{"blue"}}, "--netns blue: not the inode of a network namespace"},
		{Request{Children: true}, "--children: --pid is missing"},
		{Request{Comm: []string{""}}, "--comm: must not be empty"},
		{Request{Exe: []string{"[a"}}, "--exe [a: not a pattern: a [ needs its ], and a \\ a character after it"},
		{Request{Container: []string{"web"}}, "--container web: not a container id or the beginning of one (hexadecimal, up to 64 digits)"},
		{Request{Pod: []string{"a/b/c/d"}}, "--pod a/b/c/d: not POD, NAMESPACE/POD or NAMESPACE/POD/CONTAINER"},
		{Request{Pod: []string{"shop/"}}, "--pod shop/: not POD, NAMESPACE/POD or NAMESPACE/POD/CONTAINER"},
		{Request{Pod: []string{""}}, "--pod: must not be empty"},
		{Request{Cgroup: []string{"system.slice"}}, "--cgroup system.slice: not a path from the root of the cgroups, such as /system.slice"},
	} {
		if _, err := Parse(tc.spec); err == nil || err.Error() != tc.want {
			t.Errorf("Parse(%+v):\n got %v\nwant %s", tc.spec, err, tc.want)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	f, err := Parse(Request{Comm: []string{"curl"}, Dest: []string{"10.0.0.0/8:80"}})
	if err != nil {
		b.Fatal(err)
	}
	e := openTo("10.0.0.2:80")
	for b.Loop() {
		f.Match(&e, &curl)
	}
}

// A user types what he calls a program.
func TestCommOfScript(t *testing.T) {
	t.Parallel()
	p := &event.Process{
		ID: event.ProcID{PID: 7, Start: 1}, Comm: "python3", Exe: "/usr/bin/python3.11", Script: "/srv/billing/billing.py",
		CommandLine: "python3 /srv/billing/billing.py --workers 4",
	}
	for pattern, want := range map[string]bool{
		"python3": true, "billing.py": true, "billing": true, "/srv/billing/billing.py": true, "bill*": true, "*billing*": true,
		"*workers 4": true, "*workers": false, "bill": false, "workers": false, "python3.11": false, "srv": false, "*w/rkers*": false,
	} {
		f, err := Parse(Request{Comm: []string{pattern}})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(&event.Event{Proc: p.ID}, p); got != want {
			t.Errorf("--comm %q: %v, want %v", pattern, got, want)
		}
	}
	if f, _ := Parse(Request{Comm: []string{"*"}}); f.Match(&event.Event{}, &event.Process{}) {
		t.Error("a process without any name is selected")
	}
}

// TestOn: the filter of a stream with other values selects by what they were, and the same
// namespaces.
func TestOn(t *testing.T) {
	t.Parallel()
	f, err := Parse(Request{Comm: []string{"billing"}, Netns: []string{"7"}})
	if err != nil {
		t.Fatal(err)
	}
	on := f.On(func(e *event.Event, p *event.Process) (*event.Event, *event.Process) {
		return e, &event.Process{ID: p.ID, Comm: strings.TrimPrefix(p.Comm, "not ")}
	})
	e := &event.Event{Kind: event.Open, Netns: 7}
	if !on.Match(e, &event.Process{Comm: "not billing"}) || on.Match(e, &event.Process{Comm: "not cache"}) {
		t.Error("it does not select by what was")
	}
	if on.SelectsNetns(8) || !on.SelectsNetns(7) || on.SelectsAllOf(7) {
		t.Error("it selects other namespaces")
	}
	if none := (*Filter)(nil).On(nil); none != nil {
		t.Error("no filter becomes one")
	}
}
