package privileges

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab/built"
)

func itoa(n int) string { return strconv.Itoa(n) }

func hex(bits uint64) string { return fmt.Sprintf("%016x", bits) }

// TestThreads: what every thread has once it traces.
func TestThreads(t *testing.T) {
	needHost(t)
	t.Parallel()
	least := mask(unix.CAP_BPF, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH)
	user := itoa(person)
	for name, c := range map[string]struct {
		user       *syscall.SysProcAttr
		args       []string
		kept, uids string
	}{
		"root":                  {root, nil, mask(tracing...), "0\t0\t0\t0"},
		"root, least":           {root, []string{"--privileges", "least"}, least, "0\t0\t0\t0"},
		"root, --user":          {root, []string{"--user", user}, mask(tracing...), "61234\t61234\t61234\t61234"},
		"root, --user, least":   {root, []string{"--user", user, "--privileges", "least"}, least, "61234\t61234\t61234\t61234"},
		"CAP_BPF + CAP_PERFMON": {as(unix.CAP_BPF, unix.CAP_PERFMON), nil, mask(unix.CAP_BPF), "65534\t65534\t65534\t65534"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, c.user, binary, append([]string{"events", "-v", "--json"}, c.args...)...)
			got := p.status(t)
			want := map[string]string{
				"CapEff": c.kept, "CapPrm": c.kept, "CapInh": mask(), "CapAmb": mask(), "CapBnd": mask(),
				"NoNewPrivs": "1", "Seccomp": "2", "Uid": c.uids, "Gid": c.uids,
			}
			if c.user != root { // to empty the bounding set takes CAP_SETPCAP
				delete(want, "CapBnd")
			}
			if len(c.args) > 1 && c.args[0] == "--user" {
				want["Groups"] = ""
			}
			for field, value := range want {
				if got[field] != value {
					t.Errorf("%s is %q, want %q", field, got[field], value)
				}
			}
			p.End(t)
		})
	}
}

// TestKeep: for debugging all can be kept.
func TestKeep(t *testing.T) {
	needHost(t)
	t.Parallel()
	own, err := os.ReadFile("/proc/self/status")
	noError(t, err)
	p := start(t, root, binary, "events", "-v", "--privileges", "keep")
	got := p.status(t)
	for _, field := range []string{"CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp"} {
		if want := fieldsOf(string(own))[field]; got[field] != want {
			t.Errorf("%s is %q, want %q", field, got[field], want)
		}
	}
}

// TestCommandHasPrivileges: the command after -- runs as the user who has typed it, with all of their
// privileges, whatever porttrace itself drops, and is ended with it.
func TestCommandHasPrivileges(t *testing.T) {
	needHost(t)
	t.Parallel()
	own, err := os.ReadFile("/proc/self/status")
	noError(t, err)
	for _, args := range [][]string{nil, {"--user", itoa(person)}} {
		file := filepath.Join(t.TempDir(), "status")
		line := append(append([]string{"events", "-v"}, args...), "--", "sh", "-c", "cat /proc/self/status >"+file+".tmp; mv "+file+".tmp "+file+"; exec sleep 600")
		p := start(t, root, binary, line...)
		var text []byte
		built.Eventually(t, "the status of the command", func() bool { text, err = os.ReadFile(file); return err == nil })
		got, want := fieldsOf(string(text)), fieldsOf(string(own))
		for _, field := range []string{"Uid", "Gid", "CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp"} {
			if got[field] != want[field] {
				t.Errorf("%v: %s is %q, want %q", args, field, got[field], want[field])
			}
		}
		p.End(t) // waits for the command
	}
}

// TestFileCapabilities: setcap(8) gives an ordinary user what tracing needs.
func TestFileCapabilities(t *testing.T) {
	needHost(t)
	t.Parallel()
	dir := t.TempDir()
	for parent := dir; parent != os.TempDir(); parent = filepath.Dir(parent) {
		noError(t, os.Chmod(parent, 0o755))
	}
	file := filepath.Join(dir, "porttrace")
	text, err := os.ReadFile(binary)
	noError(t, err, os.WriteFile(file, text, 0o755))
	noError(t, unix.Setxattr(file, "security.capability", fileCapabilities(unix.CAP_BPF, unix.CAP_PERFMON), 0))
	p := start(t, as(), file, "events", "-v", "--json")
	client := dial(t)
	if e := p.opens(t, client.Pid); e.Exe == "" || e.Comm == "" {
		t.Errorf("%+v", e)
	}
	if got := p.status(t)["CapEff"]; got != mask(unix.CAP_BPF) {
		t.Errorf("it has %s", got)
	}
	p.End(t)
}

// fileCapabilities is struct vfs_cap_data of include/uapi/linux/capability.h, with capabilities that are
// permitted and effective.
func fileCapabilities(capabilities ...uintptr) []byte {
	const version2, effective = 2 << 24, 1
	var bits uint64
	for _, c := range capabilities {
		bits |= 1 << c
	}
	words := []uint32{version2 | effective, uint32(bits), 0, uint32(bits >> 32), 0}
	var data []byte
	for _, word := range words {
		data = append(data, byte(word), byte(word>>8), byte(word>>16), byte(word>>24))
	}
	return data
}

// TestRefusals: what cannot be is one line before anything is traced.
func TestRefusals(t *testing.T) {
	needHost(t)
	t.Parallel()
	for _, c := range []struct {
		user *syscall.SysProcAttr
		args []string
		want string
	}{
		{root, []string{"events", "--user", "no-such-user"}, "--user no-such-user: there is no such user"},
		{root, []string{"events", "--user", "0", "--privileges", "keep"}, "--privileges keep and --user exclude each other"},
		{root, []string{"events", "--privileges", "none"}, "must be one of drop, least, keep"},
		{as(unix.CAP_BPF, unix.CAP_PERFMON), []string{"events", "--user", "0"}, "this takes root, or CAP_SETUID and CAP_SETGID"},
	} {
		cmd := exec.Command(binary, c.args...)
		cmd.SysProcAttr, cmd.Dir = c.user, "/"
		text, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(text), c.want) || strings.Contains(string(text), "goroutine") {
			t.Errorf("%v: %v: %s", c.args, err, text)
		}
	}
}

// TestNotDumpable: after root was dropped, and with the capabilities of its file, the memory of the
// process is not its user's: no core dump, no ptrace.
func TestNotDumpable(t *testing.T) {
	needHost(t)
	t.Parallel()
	p := start(t, root, binary, "events", "-v", "--user", itoa(person))
	info, err := os.Stat(filepath.Join("/proc", itoa(p.Cmd.Process.Pid), "mem"))
	noError(t, err)
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 { // proc_pid(5): root's if it is not dumpable
		t.Errorf("its memory is user %d's", owner)
	}
	memory := exec.Command("head", "-c1", filepath.Join("/proc", itoa(p.Cmd.Process.Pid), "environ"))
	memory.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: person, Gid: person}}
	if text, err := memory.CombinedOutput(); err == nil {
		t.Errorf("its user can read it: %q", text)
	}
}
