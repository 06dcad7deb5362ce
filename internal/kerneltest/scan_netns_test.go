package kerneltest

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/probe"
)

// configured returns what the probe reports of a namespace, without entering it, and without the
// kernel's timer wheel, which changes. It fails if the namespace is reported twice.
func configured(t *testing.T, p *probe.Probe, n *lab.Netns) event.Netns {
	t.Helper()
	all, err := p.Namespaces()
	noError(t, err)
	is := func(one event.Netns) bool { return one.Inode == n.Inode() }
	at := slices.IndexFunc(all, is)
	if at < 0 || slices.ContainsFunc(all[at+1:], is) {
		t.Fatalf("namespace %d is not reported once: %+v", n.Inode(), all)
	}
	if all[at].TimerStep == 0 || all[at].TimerAt == 0 {
		t.Errorf("no timer wheel: %+v", all[at])
	}
	all[at].TimerStep, all[at].TimerAt = 0, 0
	return all[at]
}

// entered returns the same by entering it.
func entered(t *testing.T, n *lab.Netns) event.Netns {
	t.Helper()
	config, err := netns.New().Config(n.Inode())
	noError(t, err)
	return config
}

// What a namespace is configured to is seen from another, and so is each change.
func TestNamespaces(t *testing.T) {
	n := newNetns(t)
	p := openProbe(t)
	got := configured(t, p, n)
	fresh := event.Netns{
		Inode: n.Inode(), TimeWait: -1, Cookie: got.Cookie, Ports: event.PortRange{Low: 32768, High: 60999},
		Reuse: 2, ReuseDelay: uint64(time.Second), MaxTimeWait: got.MaxTimeWait,
		Timestamps: event.SettingOf(1), FinTimeout: uint64(time.Minute),
		NonlocalBind: event.SettingOf(0), UnprivilegedPort: event.CounterOf(1024),
	}
	if got != fresh || got.MaxTimeWait < 1024 {
		t.Errorf("a fresh namespace is %+v", got)
	}
	if kernelAtLeast(t, 5, 14) && got.Cookie != cookieOf(t, n) {
		t.Errorf("the cookie is %d, by SO_NETNS_COOKIE %d", got.Cookie, cookieOf(t, n))
	}
	for name, value := range map[string]string{
		"ip_local_port_range": "20000 20099", "ip_local_reserved_ports": "9100,20010,20040-20063,20064,65535",
		"tcp_tw_reuse": "1", "tcp_max_tw_buckets": "4321", "tcp_timestamps": "0", "tcp_fin_timeout": "7",
		"ip_nonlocal_bind": "1", "ip_unprivileged_port_start": "1000",
	} {
		noError(t, n.Sysctl("ipv4/"+name, value))
	}
	changed := fresh
	changed.Ports = event.PortRange{Low: 20000, High: 20099}
	changed.Reserved = "9100,20010,20040-20064,65535"
	changed.Reuse, changed.MaxTimeWait = 1, 4321
	changed.Timestamps, changed.FinTimeout = event.SettingOf(0), uint64(7*time.Second)
	changed.NonlocalBind, changed.UnprivilegedPort = event.SettingOf(1), event.CounterOf(1000)
	if n.Sysctl("ipv4/tcp_tw_reuse_delay", "250") == nil {
		changed.ReuseDelay = uint64(250 * time.Millisecond)
	} else if kernelAtLeast(t, 6, 14) {
		t.Error("no tcp_tw_reuse_delay")
	}
	if got := configured(t, p, n); got != changed {
		t.Errorf("after the change it is %+v, want %+v", got, changed)
	}
	serve(t, n, lab.Ignore) // by this process it is found
	if got := entered(t, n); got != changed {
		t.Errorf("inside it is %+v, want %+v", got, changed)
	}
}

// cookieOf returns the cookie that identifies the namespace.
func cookieOf(t *testing.T, n *lab.Netns) (cookie uint64) {
	t.Helper()
	err := n.Do(func() error {
		fd, err := newSocket(loopV4.Addr())
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	})
	noError(t, err)
	return cookie
}
