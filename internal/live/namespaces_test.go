package live

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
)

const unused = 1 // no namespace has this inode

var noPods = kubelet.New("/nonexistent")

// What a namespace is called, how many buckets it has and was refused, comes from this host;
// how it allocates ports from configs. Those that cannot be read are reported once, and are not
// scanned.
func TestNamespaceFacts(t *testing.T) {
	t.Parallel()
	own := ownNetns(t)
	config := event.Netns{
		Inode: own, Cookie: 5, Ports: event.PortRange{Low: 40000, High: 40099}, Reuse: 2, MaxTimeWait: 1000, TimeWait: -7, Name: "x",
	}
	n := newNamespaces(func() ([]event.Netns, error) { return []event.Netns{{Inode: unused + 1, Reuse: 1}, config}, nil }, noPods)
	if err := n.discover(); err != nil {
		t.Fatal(err)
	}
	n.known[unused], n.ranges[unused] = true, config.Ports
	find := func(facts []event.Netns, inode uint32) *event.Netns {
		i := slices.IndexFunc(facts, func(n event.Netns) bool { return n.Inode == inode })
		if i < 0 {
			return nil
		}
		return &facts[i]
	}
	facts := n.facts()
	fact := find(facts, own)
	if fact == nil || fact.TimeWait < 0 || fact.Name == "x" || !fact.Refused.Known() {
		t.Fatalf("got %+v", facts)
	}
	config.TimeWait, config.Name, config.Refused = fact.TimeWait, fact.Name, fact.Refused
	config.MaxOrphans, config.TCPMem = n.netns.HostConfig()
	if *fact != config {
		t.Errorf("got %+v, want %+v", *fact, config)
	}
	if gone := find(facts, unused); gone == nil || *gone != (event.Netns{Inode: unused, TimeWait: -1}) {
		t.Errorf("got %+v", gone)
	}
	isOwn := func(one target) bool { return one.inode == own && one.ports == config.Ports }
	if list := n.targets(); !slices.ContainsFunc(list, isOwn) || slices.ContainsFunc(list, func(one target) bool { return one.inode == unused }) {
		t.Errorf("to scan are %+v", list)
	}
	if _, is := n.ranges[unused]; is || find(n.facts(), unused) != nil {
		t.Error("one that is gone is still known")
	}
	n.known[unused], n.last[unused] = true, event.Netns{Inode: unused, Name: "x", TimeWait: 7}
	if gone := find(n.facts(), unused); gone == nil || *gone != (event.Netns{Inode: unused, Name: "x", Gone: true}) {
		t.Errorf("one that was read before: got %+v", gone)
	}
}

// Without configs a namespace is asked itself, and what it does not answer stays as it was.
func TestNamespaceConfigUnknown(t *testing.T) {
	t.Parallel()
	own := ownNetns(t)
	n := newNamespaces(func() ([]event.Netns, error) { return []event.Netns{{Inode: own}}, nil }, noPods)
	n.known[own] = true
	n.ranges[own] = event.PortRange{Low: 1, High: 2}
	if n.facts(); n.ranges[own] != (event.PortRange{Low: 1, High: 2}) {
		t.Errorf("a range that cannot be read replaces %v", n.ranges[own])
	}
	n = newNamespaces(func() ([]event.Netns, error) { return nil, errors.New("the signal is off") }, noPods)
	n.known[own] = true
	facts := n.facts()
	if want, err := n.netns.Config(own); err == nil && (facts[0].Inode != own || facts[0].Ports != want.Ports || n.ranges[own] != want.Ports) {
		t.Errorf("got %+v, want %+v", facts, want)
	}
}

func TestTargetsAreSorted(t *testing.T) {
	t.Parallel()
	n := newNamespaces(noConfigs, noPods)
	r := event.PortRange{Low: 40000, High: 40099}
	for _, inode := range []uint32{5, 9, 1, 7} {
		n.known[inode] = true
	}
	n.ranges[7] = r
	if want := []target{{inode: 1}, {inode: 5}, {inode: 7, ports: r}, {inode: 9}}; !reflect.DeepEqual(n.targets(), want) {
		t.Errorf("got %+v", n.targets())
	}
}

// A name is looked up once for a namespace, not for a later one with its inode, and their
// number is bounded.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	n := newNamespaces(noConfigs, noPods)
	if got := n.name(&event.Netns{Inode: unused, Name: "blue"}); got != "blue" || len(n.names) != 0 {
		t.Errorf("got %q", got)
	}
	n.names[namespaceKey{unused, 1}] = "web"
	if got := n.name(&event.Netns{Inode: unused, Cookie: 1}); got != "web" {
		t.Errorf("got %q", got)
	}
	if got := n.name(&event.Netns{Inode: unused, Cookie: 2}); got != "" {
		t.Errorf("got %q", got)
	}
	for i := range uint32(2 * maxNames) {
		n.name(&event.Netns{Inode: unused, Cookie: uint64(i)})
		if len(n.names) > maxNames+1 {
			t.Fatalf("%d names are kept", len(n.names))
		}
	}
}

func TestNameByProcess(t *testing.T) {
	t.Parallel()
	n := newNamespaces(noConfigs, noPods)
	if got, final := n.nameByProcess(0); got != "" || final {
		t.Errorf("no process gives %q", got)
	}
	me := self(t)
	if got, _ := n.nameByProcess(me.ID.PID); got != nameBy(&me) {
		t.Errorf("got %q, want %q", got, nameBy(&me))
	}
	for _, tc := range []struct{ container, unit, want string }{
		{"", "", ""},
		{"", "nginx.service", "nginx.service"},
		{"0123456789abcdef", "docker-0123456789abcdef.scope", "0123456789ab"},
		{"short", "", "short"},
	} {
		if got := nameBy(&event.Process{Container: tc.container, Unit: tc.unit}); got != tc.want {
			t.Errorf("container %q, unit %q: got %q", tc.container, tc.unit, got)
		}
	}
}

// TestNameOfPod: a namespace with a process of a pod is called by the pod, also if it has a name,
// once there is a link.
func TestNameOfPod(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0a1b2c3d", 8)
	dir := t.TempDir()
	pods := kubelet.New(dir)
	if err := os.Symlink("/var/log/pods/shop_web_"+strings.Repeat("9f", 16)+"/nginx/0.log", filepath.Join(dir, "web_shop_nginx-"+id+".log")); err != nil {
		t.Fatal(err)
	}
	p := event.Process{Cgroup: "/kubepods/pod" + strings.Repeat("9f", 16) + "/" + strings.Repeat("f", 64), Container: strings.Repeat("f", 64)}
	if p.Pod = pods.Of(p.Cgroup, p.Container); nameBy(&p) != "shop/web" {
		t.Errorf("the namespace of a sandbox is %q", nameBy(&p))
	}
	n := newNamespaces(noConfigs, pods)
	key := namespaceKey{unused, 1}
	n.names[key] = "shop/web"
	if got := n.name(&event.Netns{Inode: unused, Cookie: 1, Name: "cni-5c2"}); got != "shop/web" {
		t.Errorf("got %q", got)
	}
	if got := n.name(&event.Netns{Inode: unused, Cookie: 2, Name: "blue"}); got != "blue" {
		t.Errorf("without a process: got %q", got)
	}
	if got := n.name(&event.Netns{Inode: unused, Cookie: 1, Name: "host"}); got != "host" {
		t.Errorf("the host's: got %q", got)
	}
}
