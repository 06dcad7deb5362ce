package netns

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/linux"
)

// TestCountsByProcess: the child's connections are counted in its namespace, without
// entering it.
func TestCountsByProcess(t *testing.T) {
	t.Parallel()
	_, inode := startChild(t)
	c, err := New().Counts(inode)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range c.Counters() {
		if !n.Known() && i < len(c.Counters())-3 { // the last are of conntrack, a module
			t.Errorf("counter %d is not known", i)
		}
	}
	if c.Netns != inode || c.AttemptFails != event.CounterOf(0) || !c.Orphans.Known() || !c.MemPages.Known() {
		t.Errorf("got %+v", c)
	}
	if c, err := New().Counts(7); err == nil || c != (event.NetnsCounts{Netns: 7}) {
		t.Errorf("of a namespace that does not exist: %+v, %v", c, err)
	}
}

// namedNetns makes a namespace without a process. It takes root.
func namedNetns(t *testing.T, name string) (inode uint32, run func(command string)) {
	t.Helper()
	need.Root(t, "a named network namespace")
	needIP(t)
	name += strconv.Itoa(os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("ip netns add: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "delete", name).Run() })
	inode, err := Resolve(name)
	if err != nil {
		t.Fatal(err)
	}
	return inode, func(command string) {
		t.Helper()
		args := append([]string{"netns", "exec", name}, strings.Fields(command)...)
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
}

// TestSourceNAT: a NAT chain counts once it has a rule, by either iptables.
func TestSourceNAT(t *testing.T) {
	t.Parallel()
	kernelPart := map[string][]string{
		"nft": {"nf_tables", "nft", "list", "ruleset"}, "iptables-legacy": {"iptable_nat", "iptables-legacy", "-t", "nat", "-S"},
	}
	for name, steps := range map[string][]struct {
		command string
		want    uint8
	}{
		"nft": {
			{"nft add table ip pt", 0},
			{"nft add chain ip pt post { type nat hook postrouting priority 100 ; }", 0},
			{"nft add chain ip pt pre { type nat hook prerouting priority 100 ; }", 0},
			{"nft add rule ip pt pre tcp dport 80 redirect to :8080", 0},
			{"nft add rule ip pt post masquerade", 1},
			{"nft delete table ip pt", 0},
			{"nft add table inet pt", 0},
			{"nft add chain inet pt post { type nat hook postrouting priority 100 ; }", 0},
			{"nft add rule inet pt post counter masquerade", 1},
		},
		"iptables-legacy": {
			{"iptables-legacy -t nat -L", 0},
			{"iptables-legacy -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080", 0},
			{"iptables-legacy -t nat -A POSTROUTING -j MASQUERADE", 1},
			{"iptables-legacy -t nat -F", 0},
			{"ip6tables-legacy -t nat -A POSTROUTING -j MASQUERADE", 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			need.Works(t, kernelPart[name][0], kernelPart[name][1:]...)
			inode, run := namedNetns(t, "pt-nat-"+name[:3]+"-")
			n := New()
			for _, step := range steps {
				run(step.command)
				got, err := n.Tracking(inode, event.Conntrack{})
				if err != nil || got.NAT != event.SettingOf(step.want) {
					t.Errorf("after %s: NAT is %+v (%v), want %d", step.command, got.NAT, err, step.want)
				}
			}
		})
	}
}

// TestTracking: what /proc/net/stat/nf_conntrack counts, netlink counts, too.
func TestTracking(t *testing.T) {
	t.Parallel()
	most := need.Tracking(t)
	inode, run := namedNetns(t, "pt-ct-")
	run("ip link set lo up")
	n := New()
	counts, err := n.Counts(inode)
	if err != nil {
		t.Fatal(err)
	}
	got, err := n.Tracking(inode, counts.Conntrack)
	if err != nil || got.Max != event.CounterOf(uint64(most)) {
		t.Errorf("got %+v, %v, want a maximum of %d", got, err, most)
	}
	need.Works(t, "nf_conntrack_netlink", "conntrack", "-C")
	byNetlink, err := n.Tracking(inode, event.Conntrack{})
	if err != nil || counts.Conntrack.Entries.Known() && byNetlink != got {
		t.Errorf("by netlink %+v, %v, want %+v", byNetlink, err, got)
	}
}

// TestOptionalSettings: each is what the file says, and what the kernel lacks is not known.
func TestOptionalSettings(t *testing.T) {
	t.Parallel()
	inode, run := namedNetns(t, "pt-set-")
	run("sysctl -qw net.ipv4.ip_nonlocal_bind=1 net.ipv4.ip_unprivileged_port_start=80")
	n := New()
	got, err := n.Config(inode)
	if err != nil || got.NonlocalBind != event.SettingOf(1) || got.UnprivilegedPort != event.CounterOf(80) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := os.Stat("/proc/sys/net/ipv4/tcp_tw_timeout"); err != nil && got.TimeWaitSetting != 0 {
		t.Errorf("a setting that the kernel lacks is %d", got.TimeWaitSetting)
	}
	if _, host, err := linux.PIDNamespace(); err != nil || !host {
		t.Skip("not in the host's pid namespace")
	}
	orphans, mem := n.HostConfig()
	if orphans < 2 || mem[0] == 0 || mem[0] > mem[1] || mem[1] > mem[2] {
		t.Errorf("of the host: %d orphans, %d pages", orphans, mem)
	}
}

// The files of testdata are /proc/net of real kernels, after three connections, a refused one,
// a full accept queue and an orphan.
func TestParseCountsOfKernels(t *testing.T) {
	t.Parallel()
	of := event.CounterOf
	base := event.NetnsCounts{
		TimeWaits: of(3), TimeWaitsRecycled: of(0), TimeWaitOverflows: of(0), ListenOverflows: of(14), ListenDrops: of(14),
		MemoryAborts: of(0), AttemptFails: of(1), SynRetransmits: of(7), RequestDrops: of(0), RequestCookies: of(0), MemoryPressures: of(0),
		Orphans: of(1),
	}
	with := func(change func(*event.NetnsCounts)) event.NetnsCounts {
		c := base
		change(&c)
		return c
	}
	for kernel, want := range map[string]event.NetnsCounts{
		// It counts a bucket that has expired, and has no nf_conntrack here.
		"5.10": with(func(c *event.NetnsCounts) { c.TimeWaits, c.MemPages = of(0), of(664) }),
		"6.1":  with(func(c *event.NetnsCounts) { c.MemPages = of(517) }),
		"6.18": with(func(c *event.NetnsCounts) {
			c.MemPages = of(715)
			c.Conntrack = event.Conntrack{Entries: of(0), InsertFailed: of(0), Drops: of(0), EarlyDrops: of(0)}
		}),
	} {
		var got event.NetnsCounts
		if err := readCounts(filepath.Join("testdata", kernel), &got); err != nil || got != want {
			t.Errorf("%s: got\n%+v, %v, want\n%+v", kernel, got, err, want)
		}
	}
}

// A kernel without conntrack has no file; what is missing of the others is an error.
func TestReadCountsWithout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("netstat", "TcpExt: TW TCPNew TCPSynRetrans\nTcpExt: 5 6 7\nIpExt: TW\nIpExt: 8\n")
	write("snmp", "Ip: AttemptFails\nIp: 3\nTcp: MaxConn AttemptFails\nTcp: -1 9\n")
	var c event.NetnsCounts
	if err := readCounts(dir, &c); err == nil {
		t.Error("no sockstat, and no error")
	}
	write("sockstat", "sockets: used 3\nTCP: inuse 1 orphan 4 tw 2 alloc 3 mem -2\n")
	want := event.NetnsCounts{
		TimeWaits: event.CounterOf(5), SynRetransmits: event.CounterOf(7), AttemptFails: event.CounterOf(9),
		Orphans: event.CounterOf(4), MemPages: event.CounterOf(0),
	}
	c = event.NetnsCounts{}
	if err := readCounts(dir, &c); err != nil || c != want {
		t.Errorf("got %+v, %v, want %+v", c, err, want)
	}
}
