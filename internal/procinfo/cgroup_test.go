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

func TestCgroupPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file, want string }{
		{"version 2", "0::/system.slice/a.service\n", "/system.slice/a.service"},
		{"version 1", "2:cpu,cpuacct:/x\n1:name=systemd:/docker/1\n", "/docker/1"},
		{"hybrid, unified unused", "1:name=systemd:/docker/1\n0::/\n", "/docker/1"},
		{"hybrid, unified used", "1:name=systemd:/a\n0::/b\n", "/b"},
		{"no systemd", "3:cpu:/x\n0::/\n", "/"},
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

func FuzzIdentify(f *testing.F) {
	f.Add("/system.slice/docker-" + idA + ".scope")
	f.Add("/a.service/b:cri-containerd:" + idA)
	f.Fuzz(func(t *testing.T, path string) {
		container, unit := Identify(path)
		if container != "" && !isContainerID(container) {
			t.Errorf("container of %q is %q", path, container)
		}
		if !strings.Contains(path, container) || !strings.Contains(path, unit) {
			t.Errorf("Identify(%q) = %q, %q: not in the path", path, container, unit)
		}
	})
}
