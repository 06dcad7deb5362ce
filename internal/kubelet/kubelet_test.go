package kubelet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	uid    = "0f3d1c5e-9a7b-4c2d-8e6f-0123456789ab"
	hash   = "5f1e2d3c4b5a69788796a5b4c3d2e1f0" // of a pod from a file of the kubelet
	shopID = "1111111111111111111111111111111111111111111111111111111111111111"
	sideID = "2222222222222222222222222222222222222222222222222222222222222222"
	etcdID = "3333333333333333333333333333333333333333333333333333333333333333"
	pause  = "4444444444444444444444444444444444444444444444444444444444444444"
)

func slice(uid string) string {
	return "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice"
}

// node is the directory /var/log of a node.
type node struct {
	*testing.T
	dir string
}

// run makes what the kubelet makes when a container has started.
func (n node) run(namespace, pod, uid, container, id string) {
	n.Helper()
	target := filepath.Join("/var/log/pods", namespace+"_"+pod+"_"+uid, container, "0.log") // dangling, as in a container
	n.link(pod+"_"+namespace+"_"+container+"-"+id+".log", target)
}

func (n node) link(name, target string) {
	n.Helper()
	if err := os.Symlink(target, filepath.Join(n.dir, name)); err != nil {
		n.Fatal(err)
	}
}

func TestPods(t *testing.T) {
	t.Parallel()
	n := node{t, t.TempDir()}
	n.run("shop", "web-7d9f8-x2x", uid, "nginx", shopID)
	n.run("shop", "web-7d9f8-x2x", uid, "log-shipper", sideID)
	n.run("kube-system", "etcd-node.example", hash, "etcd", etcdID)
	n.link("not-of-the-kubelet.log", "/etc/passwd")
	n.link("Web_shop_nginx-"+pause+".log", "/x")
	pods := New(n.dir)
	for _, tc := range []struct {
		name, cgroup, container string
		want                    event.Pod
	}{
		{"systemd driver", slice(uid) + "/cri-containerd-" + shopID + ".scope", shopID, "shop/web-7d9f8-x2x/nginx"},
		{"its second container", slice(uid) + "/crio-" + sideID + ".scope", sideID, "shop/web-7d9f8-x2x/log-shipper"},
		{"cgroupfs driver", "/kubepods/pod" + uid + "/" + shopID, shopID, "shop/web-7d9f8-x2x/nginx"},
		{"a cgroup namespace", "/../cri-containerd-" + shopID + ".scope", shopID, "shop/web-7d9f8-x2x/nginx"},
		{"a pod from a file", slice(hash) + "/cri-containerd-" + etcdID + ".scope", etcdID, "kube-system/etcd-node.example/etcd"},
		{"the sandbox", slice(uid) + "/cri-containerd-" + pause + ".scope", pause, "shop/web-7d9f8-x2x"},
		{"another pod", slice(strings.Repeat("a", 32)) + "/cri-containerd-" + pause + ".scope", pause, ""},
		{"docker alone", "/system.slice/docker-" + pause + ".scope", pause, ""},
		{"a service", "/system.slice/nginx.service", "", ""},
	} {
		if got := pods.Of(tc.cgroup, tc.container); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestCutName: with the longest names the kubelet cuts the id away, and the target has the rest.
func TestCutName(t *testing.T) {
	t.Parallel()
	n := node{t, t.TempDir()}
	pod := strings.Repeat("a", 253)
	n.link((pod + "_shop_nginx-" + shopID)[:251]+".log", "/var/log/pods/shop_"+pod+"_"+uid+"/nginx/0.log")
	if got, want := New(n.dir).Of(slice(uid)+"/crio-"+shopID+".scope", shopID), event.PodOf("shop", pod, ""); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLaterLinks: a container that starts is found at once, one that has ended is forgotten with
// its link, and nothing is read while nothing changes.
func TestLaterLinks(t *testing.T) {
	t.Parallel()
	n := node{t, filepath.Join(t.TempDir(), "containers")}
	pods := New(n.dir)
	if pods.Exist() || pods.Of(slice(uid), shopID) != "" {
		t.Error("a pod without a directory")
	}
	if err := os.Mkdir(n.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if !pods.Exist() || pods.Of(slice(uid), shopID) != "" {
		t.Error("a pod without a link")
	}
	n.run("shop", "web", uid, "nginx", shopID)
	if got := pods.Of(slice(uid), shopID); got != "shop/web/nginx" {
		t.Errorf("got %q after the container has started", got)
	}
	if err := os.Remove(filepath.Join(n.dir, "web_shop_nginx-"+shopID+".log")); err != nil {
		t.Fatal(err)
	}
	n.run("shop", "job", hash, "run", sideID)
	if got := pods.Of(slice(hash), sideID); got != "shop/job/run" {
		t.Errorf("got %q", got)
	}
	if got := pods.Of(slice(uid), shopID); got != "" {
		t.Errorf("got %q of a container that is gone", got)
	}
	// A change that leaves the time as it was is not seen: the directory was not read again.
	past := time.Now().Add(-time.Hour)
	touch := func() {
		if err := os.Chtimes(n.dir, past, past); err != nil {
			t.Fatal(err)
		}
	}
	touch()
	pods.Of(slice(uid), pause)
	n.run("shop", "late", uid, "c", pause)
	touch()
	if got := pods.Of(slice(uid), pause); got != "" {
		t.Errorf("got %q: read again although nothing has changed", got)
	}
}

func TestUID(t *testing.T) {
	t.Parallel()
	under := strings.ReplaceAll(uid, "-", "_")
	for path, want := range map[string]string{
		"/kubepods.slice/kubepods-pod" + under + ".slice/crio-" + shopID + ".scope":            uid,
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + under + ".slice": uid,
		"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + under + ".slice/x":      uid,
		"/kubepods/burstable/pod" + uid + "/" + shopID:                                         uid,
		"/kubepods/pod" + hash: hash,
		"/system.slice/containerd.service/kubepods-pod" + under + ".slice:cri-containerd:" + shopID: uid,
		"/../../kubepods-besteffort-pod" + under + ".slice/cri-containerd-" + shopID + ".scope":     uid,
		"/kubepods/pod" + hash + "/" + shopID + "/kubepods/pod" + uid + "/" + sideID:                uid,
		"/kubepods.slice/kubepods-burstable.slice":                                                  "",
		"/machine.slice/libpod-" + shopID + ".scope":                                                "",
		"/user.slice/podcast.service":                                                               "",
		"/kubepods/pod" + uid + "x":                                                                 "",
		"":                                                                                          "",
	} {
		if got := UID(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// FuzzParse: whatever a link is called, names are those that the API server accepts.
func FuzzParse(f *testing.F) {
	f.Add("web_shop_nginx-"+shopID+".log", "/var/log/pods/shop_web_"+uid+"/nginx/0.log")
	f.Add("a_b_c-.log", "../x_y_z/..")
	f.Fuzz(func(t *testing.T, name, target string) {
		l := parse(name, target)
		if l.pod == "" {
			return
		}
		if !valid(l.pod.Namespace(), l.pod.Name(), l.pod.Container()) {
			t.Errorf("%q -> %q gives %+v", name, target, l)
		}
	})
}
