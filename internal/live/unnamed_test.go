package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
)

// TestUnnamed: a process that was faster than the kubelet gets its name once there is a link,
// and is not waited for without end.
func TestUnnamed(t *testing.T) {
	t.Parallel()
	id, uid := strings.Repeat("0a1b2c3d", 8), strings.Repeat("9f", 16)
	dir := t.TempDir()
	u := unnamed{pods: kubelet.New(dir)}
	inPod := func(container string) *event.Process {
		return &event.Process{
			ID: event.ProcID{PID: 7, Start: 9}, Comm: "app", Container: container,
			Cgroup: "/kubepods/pod" + uid + "/" + container,
		}
	}
	p := inPod(id)
	u.note(p)
	u.note(&event.Process{Cgroup: "/system.slice/docker-" + id + ".scope", Container: id})
	if got := u.add(nil, 5); len(got) != 0 || len(u.waiting) != 1 {
		t.Fatalf("%+v without a link, %d are waited for", got, len(u.waiting))
	}
	if err := os.Symlink("/var/log/pods/shop_web_"+uid+"/nginx/0.log", filepath.Join(dir, "web_shop_nginx-"+id+".log")); err != nil {
		t.Fatal(err)
	}
	got := u.add(nil, 6)
	if len(got) != 1 || len(u.waiting) != 0 {
		t.Fatalf("%+v, %d are waited for", got, len(u.waiting))
	}
	want := *p
	want.Pod = "shop/web/nginx"
	if fact, ok := got[0].Fact.(*event.Process); !ok || fact.Pod != want.Pod || fact.Comm != "app" || got[0].Proc != p.ID || got[0].Kind != event.ProcessKnown {
		t.Errorf("got %+v", got[0])
	}
	if p.Pod != "" {
		t.Error("the fact that others have was changed")
	}
	other := inPod(id)
	other.Cgroup = strings.ReplaceAll(other.Cgroup, uid, strings.Repeat("3c", 16))
	other.Container = strings.Repeat("f", 64)
	for range 2 * maxUnnamed {
		u.note(other)
	}
	if len(u.waiting) != maxUnnamed {
		t.Errorf("%d are waited for", len(u.waiting))
	}
	for range namedAfter {
		u.add(nil, 7)
	}
	if len(u.waiting) != 0 {
		t.Errorf("%d are still waited for", len(u.waiting))
	}
}
