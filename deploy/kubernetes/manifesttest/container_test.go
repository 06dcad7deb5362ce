package manifesttest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	core "k8s.io/api/core/v1"
)

// node is what a container of the DaemonSet needs: runc, root, and the image as a directory.
type node struct {
	*testing.T
	bundle string
	id     string
	logs   string // the host's /var/log/containers
	pod    core.PodSpec
}

// build returns the binary of the image, as make build makes it.
var build = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "porttrace")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	command := exec.Command("go", "build", "-C", root, "-buildvcs=false", "-o", filepath.Join(dir, "porttrace"), "./cmd/porttrace")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "porttrace"))
})

func newNode(t *testing.T) *node {
	t.Helper()
	need := func(holds bool, why string) {
		if holds {
			return
		}
		if os.Getenv("PORTTRACE_COMPLETE") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	_, err := exec.LookPath("runc")
	need(err == nil, "runc is not installed")
	need(os.Geteuid() == 0, "runc needs root")
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	n := &node{T: t, bundle: t.TempDir(), id: fmt.Sprintf("porttrace-test-%d", os.Getpid()), logs: t.TempDir(), pod: daemonSet(t).Spec.Template.Spec}
	image := filepath.Join(n.bundle, "rootfs")
	if err := os.Mkdir(image, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(image, "porttrace"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	return n
}

// spec returns the container as the kubelet and containerd make it of the DaemonSet, with other
// arguments: host namespaces, capabilities, the default seccomp profile, volumes.
func (n *node) spec(args ...string) *specs.Spec {
	c := n.pod.Containers[0]
	var names []string
	for _, name := range c.SecurityContext.Capabilities.Add {
		names = append(names, "CAP_"+string(name))
	}
	capabilities := &specs.LinuxCapabilities{Bounding: names, Effective: names, Permitted: names}
	spec := &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: "rootfs", Readonly: *c.SecurityContext.ReadOnlyRootFilesystem},
		Process: &specs.Process{
			Args: append([]string{"/porttrace"}, args...), Cwd: "/", Env: []string{"PATH=/"},
			Capabilities: capabilities, NoNewPrivileges: !*c.SecurityContext.AllowPrivilegeEscalation,
		},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755"}},
			{Destination: "/sys", Type: "bind", Source: "/sys", Options: []string{"rbind", "ro"}}, // with the host's network runtimes do not mount another
		},
		Linux: &specs.Linux{
			Namespaces:    []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.CgroupNamespace}},
			MaskedPaths:   []string{"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"},
			ReadonlyPaths: []string{"/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
			CgroupsPath:   "/" + n.id,
		},
	}
	if !n.pod.HostPID {
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.PIDNamespace})
	}
	if !n.pod.HostNetwork {
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	}
	for _, mount := range c.VolumeMounts {
		spec.Mounts = append(spec.Mounts, specs.Mount{Destination: mount.MountPath, Type: "bind", Source: n.logs, Options: []string{"rbind", "ro"}})
	}
	if c.SecurityContext.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault {
		spec.Linux.Seccomp = seccomp.DefaultProfile(spec)
	}
	return spec
}

// command runs the container, until the context ends.
func (n *node) command(ctx context.Context, spec *specs.Spec) *exec.Cmd {
	n.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		n.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(n.bundle, "config.json"), text, 0o600); err != nil {
		n.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "runc", "run", "--bundle", n.bundle, n.id)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	n.Cleanup(func() { _ = exec.Command("runc", "delete", "--force", n.id).Run() })
	return cmd
}

// TestCheck: all that attaching needs works without CAP_SYS_ADMIN, under the default profile.
func TestCheck(t *testing.T) {
	n := newNode(t)
	out, err := n.command(t.Context(), n.spec("check")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, signal := range []string{"states", "connect", "census", "time_wait"} {
		line := ""
		for l := range strings.Lines(string(out)) {
			if strings.HasPrefix(l, signal+" ") {
				line = l
			}
		}
		if !strings.Contains(line, "exact") && !strings.Contains(line, "inferred") {
			t.Errorf("signal %s: %q in\n%s", signal, line, out)
		}
	}
}

// TestOwnCgroups: with CAP_NET_ADMIN, too, programs at the root of cgroups are not taken for
// attached where that is the container's own.
func TestOwnCgroups(t *testing.T) {
	n := newNode(t)
	c := &n.pod.Containers[0]
	c.SecurityContext.Capabilities.Add = append(c.SecurityContext.Capabilities.Add, "NET_ADMIN")
	out, err := n.command(t.Context(), n.spec("check", "--hooks", "tracepoint,cgroup")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(string(out), "not seen from this cgroup namespace") {
		t.Errorf("bind() of the host seems to be seen:\n%s", out)
	}
}

// line has the fields of the JSON lines that the test needs.
type line struct {
	Kind, Exe, Comm, Pod string
	PID                  int
	Namespace            string `json:"pod_namespace"`
	Container            string `json:"container_name"`
	ContainerID          string `json:"container"`
}

// TestEvents: a container with the privileges of the DaemonSet reports the connection of a process
// of another user in another container, with its executable and the names of its pod.
func TestEvents(t *testing.T) {
	n := newNode(t)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go accept(listener)
	id, uid := strings.Repeat("0a1b2c3d", 8), strings.Repeat("9f", 16)
	link := filepath.Join(n.logs, "web-7d9f_shop_nginx-"+id+".log")
	if err := os.Symlink("/var/log/pods/shop_web-7d9f_"+uid+"/nginx/0.log", link); err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := n.command(ctx, n.spec("events", "--json", "--kind", "open", "--port", fmt.Sprint(port)))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan line)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			var l line
			if json.Unmarshal(scanner.Bytes(), &l) == nil {
				lines <- l
			}
		}
	}()
	for try := 0; ; try++ {
		client := n.connect("/kubepods/burstable/pod"+uid+"/"+id, port)
		select {
		case l, open := <-lines:
			if !open {
				t.Fatalf("the container has ended: %v", cmd.Wait())
			}
			if l.Exe != client || l.Pod != "web-7d9f" || l.Namespace != "shop" || l.Container != "nginx" || l.ContainerID != id {
				t.Errorf("got %+v, want the executable %s", l, client)
			}
			cancel()
			for range lines { // until it has ended
			}
			_ = cmd.Wait()
			return
		case <-time.After(500 * time.Millisecond): // it was not attached yet
			if try > 60 {
				t.Fatal("no event")
			}
		}
	}
}

func accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

// connect has a process of another user, in a cgroup, open a connection, and returns its executable.
func (n *node) connect(cgroup string, port int) string {
	n.Helper()
	dir, err := os.MkdirTemp("", "cgroup")
	if err != nil {
		n.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "cgroup2", 0, ""); err != nil {
		n.Fatal(err)
	}
	defer os.Remove(dir)
	defer func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }()
	top := filepath.Join(dir, n.id+"-node")
	own := filepath.Join(top, cgroup)
	if err := os.MkdirAll(own, 0o755); err != nil {
		n.Fatal(err)
	}
	defer func() {
		for d := own; d != dir; d = filepath.Dir(d) {
			_ = os.Remove(d)
		}
	}()
	group, err := os.Open(own)
	if err != nil {
		n.Fatal(err)
	}
	defer group.Close()
	bash, err := filepath.EvalSymlinks("/bin/bash")
	if err != nil {
		n.Fatal(err)
	}
	client := exec.Command(bash, "-c", fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d; read -t 0.3 <&3; true", port))
	client.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 12345, Gid: 12345}, UseCgroupFD: true, CgroupFD: int(group.Fd()),
	}
	if out, err := client.CombinedOutput(); err != nil {
		n.Fatalf("%v: %s", err, out)
	}
	return bash
}
