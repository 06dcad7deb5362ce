package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// cgroups is a private mount of a hierarchy, cgroups(7).
type cgroups struct {
	t    testing.TB
	root string
	top  string // the parent of those of this test
	own  string // the cgroup of this process
}

// hierarchies are the unified one, and that of version 1 in which systemd keeps processes.
var hierarchies = []struct{ name, fstype, options, prefix string }{
	{"version 2", "cgroup2", "", "0::"},
	{"version 1", "cgroup", "none,name=systemd", ":name=systemd:"},
}

func mountCgroups(t testing.TB, fstype, options, prefix string) *cgroups {
	t.Helper()
	needKernel(t)
	c := &cgroups{t: t, root: t.TempDir(), top: fmt.Sprintf("/porttrace-test-%d", os.Getpid())}
	switch err := unix.Mount("none", c.root, fstype, 0, options); {
	case errors.Is(err, unix.ENODEV):
		t.Skipf("this kernel has no file system %s: %v", fstype, err)
	case err != nil:
		t.Fatalf("mounting %s: %v", fstype, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(c.root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile("/proc/self/cgroup")
	noError(t, err)
	for line := range strings.Lines(string(text)) {
		if _, path, is := strings.Cut(line, prefix); is {
			c.own = strings.TrimSuffix(path, "\n")
		}
	}
	return c
}

// within has children started in a cgroup: they begin in that of their parent.
func (c *cgroups) within(in string, start func() *lab.Proc) *lab.Proc {
	c.t.Helper()
	c.make(in)
	c.enter(c.top + in)
	defer c.enter(c.own)
	return start()
}

// make makes a cgroup that is removed with the test, and returns its folder.
func (c *cgroups) make(in string) string {
	c.t.Helper()
	dir := c.root
	for name := range strings.SplitSeq(strings.Trim(c.top+in, "/"), "/") {
		dir = filepath.Join(dir, name)
		err := os.Mkdir(dir, 0o755)
		if err != nil && !errors.Is(err, os.ErrExist) {
			c.t.Fatal(err)
		}
		if err == nil {
			made := dir
			c.t.Cleanup(func() { c.remove(made) })
		}
	}
	return dir
}

// remove waits for the end of the processes in it.
func (c *cgroups) remove(dir string) {
	eventually(c.t, "an empty cgroup", func() bool {
		err := os.Remove(dir)
		return err == nil || errors.Is(err, os.ErrNotExist)
	})
}

func (c *cgroups) enter(path string) {
	c.t.Helper()
	file := filepath.Join(c.root, path, "cgroup.procs")
	noError(c.t, os.WriteFile(file, []byte(fmt.Sprint(os.Getpid())), 0))
}

// Holders and victims are reported with their container and unit: processes that were there
// before the trace, and later ones.
func TestContainers(t *testing.T) {
	for _, h := range hierarchies {
		t.Run(h.name, func(t *testing.T) { testContainers(t, mountCgroups(t, h.fstype, h.options, h.prefix)) })
	}
}

func testContainers(t *testing.T, groups *cgroups) {
	t.Helper()
	const each, tries = 4, 10
	id := strings.Repeat("0123456789abcdef", 4)
	pod := "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod7f.slice"
	places := []struct{ name, path, container, unit string }{
		{"docker", "/system.slice/docker-" + id + ".scope", id, ""},
		{"cgroupfs", "/docker/" + id, id, ""},
		{"containerd", pod + "/cri-containerd-" + id + ".scope", id, ""},
		{"crio", pod + "/crio-" + id + ".scope", id, ""},
		{"systemd", "/system.slice/shop.service", "", "shop.service"},
	}
	ports := 2 * each * len(places)
	n := loopbackNet(t, ports, loopV4)
	to := []netip.AddrPort{loopV4}
	start := func(name, path string, job *lab.Client) *lab.Proc {
		return groups.within(path, func() *lab.Proc { return spawn(t, n, name, job) })
	}
	holds := &lab.Client{To: to, Count: each, Talk: true, Hold: true}
	procs := map[int]int{} // by pid: its place
	startAll := func(when string) {
		for i, place := range places {
			p := start(when+place.name, place.path, holds)
			wantCounts(t, counted(t, p), each, 0)
			procs[p.PID()] = i
		}
	}
	startAll("old-")
	w := traceSpaces(t, n)
	w.awaitScans(n)
	startAll("new-")
	victim := start("victim", places[0].path, &lab.Client{To: to, Count: tries})
	wantCounts(t, counted(t, victim), 0, tries)

	row := w.awaitRow("all failures", loopID(n, loopV4), func(p *snapshot.PortSpace) bool { return p.Exhausted == tries })
	check := func(p *event.Process, container, unit string) {
		if p.Container != container || p.Unit != unit {
			t.Errorf("%s is in container %q, unit %q: %+v", p.Comm, container, unit, p)
		}
	}
	if len(row.Holders) != 2*len(places) {
		t.Errorf("%d holders: %+v", len(row.Holders), row.Holders)
	}
	for i := range row.Holders {
		h := &row.Holders[i]
		place, known := procs[int(h.Proc.ID.PID)]
		if !known || h.Live != each {
			t.Errorf("ports of an unknown process: %+v", h)
			continue
		}
		check(&h.Proc, places[place].container, places[place].unit)
	}
	if len(row.Victims) != 1 {
		t.Fatalf("victims: %+v", row.Victims)
	}
	check(&row.Victims[0].Proc, places[0].container, "")
	for _, p := range w.snapshot().Processes {
		if place, ours := procs[int(p.Info.ID.PID)]; ours {
			check(&p.Info, places[place].container, places[place].unit)
		}
	}
}
