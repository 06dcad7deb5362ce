package kerneltest

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// Processes in cgroups that are called as the kubelet calls them have the names of their pods:
// one that was there before the trace, one that connects later, and one that is faster than
// the kubelet makes its link.
func TestPods(t *testing.T) {
	for _, h := range hierarchies {
		t.Run(h.name, func(t *testing.T) { testPods(t, mountCgroups(t, h.fstype, h.options, h.prefix)) })
	}
}

func testPods(t *testing.T, groups *cgroups) {
	t.Helper()
	const each = 3
	uid := "0f3d1c5e-9a7b-4c2d-8e6f-0123456789ab"
	slice := "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice"
	logs := t.TempDir()
	link := func(container, id string) {
		noError(t, os.Symlink(filepath.Join("/var/log/pods/shop_web-7d9f_"+uid, container, "0.log"),
			filepath.Join(logs, "web-7d9f_shop_"+container+"-"+id+".log")))
	}
	web, side, job := strings.Repeat("1", 64), strings.Repeat("2", 64), strings.Repeat("3", 64)
	link("nginx", web)
	link("side", side)
	n := loopbackNet(t, 100, loopV4)
	holds := &lab.Client{To: []netip.AddrPort{loopV4}, Count: each, Talk: true, Hold: true}
	want := map[int]event.Pod{}
	start := func(name, path string, pod event.Pod) {
		p := groups.within(path, func() *lab.Proc { return spawn(t, n, name, holds) })
		wantCounts(t, counted(t, p), each, 0)
		want[p.PID()] = pod
	}
	start("old-systemd", slice+"/cri-containerd-"+web+".scope", "shop/web-7d9f/nginx")
	w := traceSpacesWith(t, live.Options{ContainerLogs: logs}, n)
	w.awaitScans(n)
	start("new-crio", slice+"/crio-"+side+".scope", "shop/web-7d9f/side")
	start("new-cgroupfs", "/kubepods/burstable/pod"+uid+"/"+web, "shop/web-7d9f/nginx")
	start("sandbox", slice+"/cri-containerd-"+strings.Repeat("4", 64)+".scope", "shop/web-7d9f")
	start("docker", "/system.slice/docker-"+strings.Repeat("5", 64)+".scope", "")
	early := strings.ReplaceAll(uid, "0f3d", "aaaa")
	start("early", "/kubepods/pod"+early+"/"+job, "shop/early/run")
	noError(t, os.Symlink("/var/log/pods/shop_early_"+early+"/run/0.log", filepath.Join(logs, "early_shop_run-"+job+".log")))

	var missing string
	if !waitFor(waitLimit, func() bool {
		found := map[int]event.Pod{}
		for _, p := range w.snapshot().Processes {
			found[int(p.Info.ID.PID)] = p.Info.Pod
		}
		for pid, pod := range want {
			if got, known := found[pid]; !known || got != pod {
				missing = string(pod) + ": got " + string(got)
				return false
			}
		}
		return true
	}) {
		t.Error("in vain waited for " + missing)
	}
}
