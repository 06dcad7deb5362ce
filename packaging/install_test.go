package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// debian is a new Debian, in a folder.
type debian struct {
	t    *testing.T
	root string
}

// newDebian unpacks a minimal Debian 12, which is kept in .cache.
func newDebian(t *testing.T) *debian {
	t.Helper()
	need.Root(t, "a new root")
	const kept = "../.cache/debian-12.tar"
	if _, err := os.Stat(kept); err != nil {
		if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
			t.Fatal(err)
		}
		root := filepath.Join(t.TempDir(), "root")
		run(t, exec.Command(need.Program(t, "debootstrap"), "--variant=minbase", "--include=systemd,systemd-sysv", "bookworm", root))
		run(t, exec.Command("tar", "-C", root, "--one-file-system", "--exclude=./var/cache/apt/archives/*.deb", "-cf", kept+".new", "."))
		if err := os.Rename(kept+".new", kept); err != nil {
			t.Fatal(err)
		}
	}
	d := &debian{t, t.TempDir()}
	run(t, exec.Command("tar", "-C", d.root, "-xpf", kept))
	return d
}

// mounts has what a system has, in a mount namespace that ends with the command.
const mounts = `mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"`

// run returns what a command prints in this Debian, where it must succeed.
func (d *debian) run(args ...string) string {
	d.t.Helper()
	cmd := exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "sh", "-c", mounts, d.root}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
	return run(d.t, cmd)
}

func (d *debian) has(name string) bool {
	_, err := os.Stat(d.root + name)
	return err == nil
}

// copyIn copies files into /tmp of this Debian.
func (d *debian) copyIn(files ...string) {
	d.t.Helper()
	for _, file := range files {
		run(d.t, exec.Command("cp", file, d.root+"/tmp/"))
	}
}

// files lists all files but those of dpkg and man-db, and temporary ones.
func (d *debian) files() string {
	d.t.Helper()
	return d.run("sh", "-c", `find / -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache/man -o -path /tmp -o -path /proc -o -path /sys -o -path /dev \) -prune -o -print | sort`)
}

// TestInstall installs the deb in a new Debian, uses it, upgrades, removes and purges it.
func TestInstall(t *testing.T) {
	dist := firstRelease(t)
	need.BTF(t)
	d := newDebian(t)
	arch := strings.TrimSpace(d.run("dpkg", "--print-architecture"))
	newer := release(t, nil, second, arch, func(copied string) {
		name := filepath.Join(copied, "packaging/porttrace.conf")
		if err := os.WriteFile(name, []byte(read(t, name)+"keep = 5\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	old, upgrade := "porttrace_1.0.0-1_"+arch+".deb", "porttrace_1.0.1-1_"+arch+".deb"
	d.copyIn(filepath.Join(dist, old), filepath.Join(newer, upgrade), "../internal/incidents/recorded/testdata/proxy.ptrace")
	before := d.files()

	d.run("dpkg", "-i", "/tmp/"+old)
	d.use(first)
	d.edit("/etc/porttrace/porttrace.conf", "ring     = 10m", "ring     = 3m")
	d.run("install", "-D", "/dev/null", "/var/lib/private/porttrace/kept.ptrace")

	d.run("dpkg", "--force-confold", "-i", "/tmp/"+upgrade)
	d.use(second)
	if !strings.Contains(read(t, d.root+"/etc/porttrace/porttrace.conf"), "= 3m") || !d.has("/etc/porttrace/porttrace.conf.dpkg-dist") {
		t.Error("an upgrade does not keep edited settings, or not those of the package beside them")
	}

	d.run("dpkg", "-r", "porttrace")
	if d.has("/usr/bin/porttrace") || !d.has("/etc/porttrace/porttrace.conf") || !d.has("/var/lib/private/porttrace/kept.ptrace") {
		t.Error("removed, it leaves the program, or does not leave settings and recordings")
	}

	d.run("dpkg", "-P", "porttrace")
	left := strings.Split(d.files(), "\n")
	left = slices.DeleteFunc(left, func(name string) bool { return slices.Contains(strings.Split(before, "\n"), name) })
	left = slices.DeleteFunc(left, func(name string) bool { return name == "/var/lib/private" }) // of systemd
	if len(left) > 0 {
		t.Errorf("purged, it leaves %q", left)
	}
}

// use runs what was installed.
func (d *debian) use(version string) {
	t := d.t
	t.Helper()
	if got := d.run("porttrace", "version"); !strings.HasPrefix(got, "porttrace v"+version+" ") {
		t.Errorf("the version is %q, want %s", got, version)
	}
	if got := d.run("porttrace", "check"); !strings.Contains(got, "states") || !strings.Contains(got, "exact") {
		t.Errorf("check: %s", got)
	}
	if got := d.run("sh", "-c", "porttrace doctor /tmp/proxy.ptrace; test $? = 2"); !strings.Contains(got, "CRITICAL: nginx") {
		t.Errorf("doctor: %s", got)
	}
	d.run("porttrace", "record", "-d", "1s", "-o", "/tmp/"+version+".ptrace")
	if got := d.run("porttrace", "report", "/tmp/"+version+".ptrace"); got == "" {
		t.Error("a recording without report")
	}
	if got := d.run("gzip", "-dc", "/usr/share/man/man8/porttrace.8.gz"); !strings.Contains(got, "porttrace v"+version) {
		t.Errorf("the manual page is of another version: %.200s", got)
	}
	if got := d.run("sh", "-c", d.service()+" --check-config"); !strings.Contains(got, "no mistakes found") {
		t.Errorf("the settings: %s", got)
	}
}

// service returns the command of the unit.
func (d *debian) service() string {
	d.t.Helper()
	command := regexp.MustCompile(`(?m)^ExecStart=(.+)$`).FindStringSubmatch(read(d.t, d.root+"/lib/systemd/system/porttrace.service"))
	if command == nil {
		d.t.Fatal("the unit has no ExecStart")
	}
	return command[1]
}

// write makes a file in this Debian, with the folder that it is in.
func (d *debian) write(name, text string) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(d.root+name), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(d.root+name, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *debian) edit(name, old, changed string) {
	d.t.Helper()
	text := read(d.t, d.root+name)
	if !strings.Contains(text, old) {
		d.t.Fatalf("%s has no %q", name, old)
	}
	d.write(name, strings.ReplaceAll(text, old, changed))
}
