package procinfo

import (
	"strings"
	"testing"
)

var (
	idA = strings.Repeat("0a1b2c3d", 8)
	idB = strings.Repeat("f9e8d7c6", 8)
)

func TestIdentify(t *testing.T) {
	t.Parallel()
	const pod = "kubepods-burstable-pod1f2e3d4c_5b6a_7980_a1b2_c3d4e5f60718.slice"
	for _, tc := range []struct{ name, path, container, unit string }{
		{"root", "/", "", ""},
		{"empty", "", "", ""},
		{"service", "/system.slice/nginx.service", "", "nginx.service"},
		{"template", "/system.slice/system-getty.slice/getty@tty1.service", "", "getty@tty1.service"},
		{"login session", "/user.slice/user-1000.slice/session-3.scope", "", "session-3.scope"},
		{"user service", "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", "", "x.service"},
		{"delegated", "/system.slice/x.service/worker", "", "x.service"},
		{"docker, systemd", "/system.slice/docker-" + idA + ".scope", idA, ""},
		{"docker, cgroupfs", "/docker/" + idA, idA, ""},
		{"docker buildkit", "/docker/buildkit/" + idA, idA, ""},
		{"docker of a service's slice", "/web.slice/docker-" + idA + ".scope/init", idA, ""},
		{"containerd, systemd", "/kubepods.slice/kubepods-burstable.slice/" + pod + "/cri-containerd-" + idA + ".scope", idA, ""},
		{"containerd, cgroupfs", "/kubepods/besteffort/pod1f2e3d4c-5b6a-7980-a1b2-c3d4e5f60718/" + idA, idA, ""},
		{"containerd, drivers mixed", "/system.slice/containerd.service/" + pod + ":cri-containerd:" + idA, idA, "containerd.service"},
		{"nerdctl", "/system.slice/nerdctl-" + idA + ".scope", idA, ""},
		{"CRI-O", "/kubepods.slice/" + pod + "/crio-" + idA + ".scope", idA, ""},
		{"CRI-O child", "/kubepods.slice/" + pod + "/crio-" + idA + ".scope/container", idA, ""},
		{"CRI-O monitor", "/kubepods.slice/" + pod + "/crio-conmon-" + idA + ".scope", "", "crio-conmon-" + idA + ".scope"},
		{"podman", "/machine.slice/libpod-" + idA + ".scope/container", idA, ""},
		{"podman monitor", "/machine.slice/libpod-conmon-" + idA + ".scope", "", "libpod-conmon-" + idA + ".scope"},
		{"podman, rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + idA + ".scope", idA, "user@1000.service"},
		{"podman, quadlet", "/system.slice/web.service/libpod-payload-" + idA, idA, "web.service"},
		{"systemd in a container", "/system.slice/docker-" + idA + ".scope/system.slice/nginx.service", idA, "nginx.service"},
		{"container in a container", "/docker/" + idA + "/kubelet.slice/cri-containerd-" + idB + ".scope", idB, ""},
		{"no id: too short", "/docker/" + idA[1:], "", ""},
		{"no id: upper case", "/docker/" + strings.ToUpper(idA), "", ""},
		{"scope like a container's", "/system.slice/docker-web.scope", "", "docker-web.scope"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			container, unit := Identify(tc.path)
			if container != tc.container || unit != tc.unit {
				t.Errorf("Identify(%q) = %q, %q, want %q, %q", tc.path, container, unit, tc.container, tc.unit)
			}
		})
	}
}

// ubuntu is a process of Ubuntu 20.04, whose systemd keeps both versions.
func ubuntu(one, unified string) string {
	return "12:devices:" + one + "\n11:memory:" + one + "\n10:perf_event:/\n9:cpuset:" + one + "\n8:cpu,cpuacct:" + one +
		"\n7:pids:" + one + "\n6:rdma:/\n5:freezer:/\n4:blkio:" + one + "\n3:hugetlb:/\n2:net_cls,net_prio:/\n" +
		"1:name=systemd:" + one + "\n0::" + unified + "\n"
}

// userService is a service of a user's systemd: controllers know the user's manager only.
const userService = "12:devices:/user.slice\n7:pids:/user.slice/user-1000.slice/user@1000.service\n" +
	"1:name=systemd:/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n" +
	"0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n"

// centos is a container of CentOS 7, which has version 1 only.
var centos = strings.ReplaceAll("11:cpuset:P\n10:net_prio,net_cls:P\n9:pids:P\n8:hugetlb:P\n7:cpuacct,cpu:P\n"+
	"6:blkio:P\n5:perf_event:P\n4:freezer:P\n3:devices:P\n2:memory:P\n1:name=systemd:P\n",
	"P", "/kubepods.slice/kubepods-pod1.slice/docker-"+idA+".scope")

func TestVersionOne(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{"": false, "0::/a.service\n": false, centos: true, userService: true, "1:net_cls:/\n0::/\n": true} {
		if got := hasVersionOne(file); got != want {
			t.Errorf("%q: %v", file, got)
		}
	}
}

func TestCgroupPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file, want string }{
		{"version 2", "0::/system.slice/a.service\n", "/system.slice/a.service"},
		{"version 1", "2:cpu,cpuacct:/x\n1:name=systemd:/docker/1\n", "/docker/1"},
		{"hybrid, unified unused", "1:name=systemd:/docker/1\n0::/\n", "/docker/1"},
		{"hybrid, unified used", "1:name=systemd:/a\n0::/b\n", "/b"},
		{"no systemd", "3:cpu:/x\n0::/\n", "/x"},
		{"OpenRC", "11:pids:/docker/" + idA + "\n5:cpuacct,cpu:/docker/" + idA + "\n1:name=openrc:/docker\n", "/docker/" + idA},
		{"only a controller without use", "1:net_cls:/\n0::/system.slice/a.service\n", "/system.slice/a.service"},
		{"Ubuntu 20.04, Docker", ubuntu("/docker/"+idA, "/system.slice/containerd.service"), "/docker/" + idA},
		{"Ubuntu 20.04, a service", ubuntu("/system.slice/cron.service", "/system.slice/cron.service"), "/system.slice/cron.service"},
		{"Ubuntu 20.04, a user's service", userService, "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service"},
		{"CentOS 7, Kubernetes", centos, "/kubepods.slice/kubepods-pod1.slice/docker-" + idA + ".scope"},
		{"a controller of no name", "4:memory:/manager/1\n1:name=x:/a.service\n0::/\n", "/a.service"},
		{"removed", "0::/a.scope (deleted)\n", "/a.scope"},
		{"colon in a name", "0::/a/b:cri-containerd:c\n", "/a/b:cri-containerd:c"},
		{"empty", "", ""},
		{"not lines of cgroups(7)", "x\n1:y\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := cgroupPath(tc.file); got != tc.want {
				t.Errorf("cgroupPath(%q) = %q, want %q", tc.file, got, tc.want)
			}
		})
	}
}
