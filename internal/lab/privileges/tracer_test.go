package privileges

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab/built"
)

const (
	ownsNothing = 65534 // a user that owns nothing
	person      = 61234 // another one, without an entry in the list of users
)

// tracer is the program.
type tracer struct{ *built.Process }

// as is a user with these capabilities and no others.
func as(capabilities ...uintptr) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ownsNothing, Gid: ownsNothing}, AmbientCaps: capabilities}
}

// root is the user of the tests.
var root *syscall.SysProcAttr

// start starts a program of porttrace, whose arguments must contain -v, and waits until it has attached
// and dropped what it drops.
func start(t *testing.T, user *syscall.SysProcAttr, file string, args ...string) *tracer {
	t.Helper()
	cmd := exec.Command(file, args...)
	cmd.SysProcAttr, cmd.Dir = user, "/"
	return &tracer{built.Start(t, cmd, "privileges: ")}
}

// line is what the tests read of an event.
type line struct {
	Kind, Comm, Exe, Container string
	PID                        int
	UID                        *int
	Netns                      uint32
}

// events returns the events that it has printed so far.
func (p *tracer) events() (list []line) {
	decoder := json.NewDecoder(strings.NewReader(p.Stdout.String()))
	for {
		var e line
		if decoder.Decode(&e) != nil { // the last one may not be whole
			return list
		}
		list = append(list, e)
	}
}

// opens waits for an outgoing connection of a process, and returns its event.
func (p *tracer) opens(t *testing.T, pid int) (found line) {
	t.Helper()
	built.Eventually(t, "the connection", func() bool {
		for _, e := range p.events() {
			if e.Kind == "open" && e.PID == pid {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// status returns the lines of /proc/PID/task/TID/status that all threads of the process have in common:
// a value that differs becomes "differs".
func (p *tracer) status(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("/proc", itoa(p.Cmd.Process.Pid), "task/*/status"))
	noError(t, err)
	all, threads := map[string]string{}, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		threads++
		for name, value := range fieldsOf(string(text)) {
			if known, is := all[name]; is && known != value {
				value = "differs"
			}
			all[name] = value
		}
	}
	if threads < 2 {
		t.Fatalf("%d threads", threads)
	}
	return all
}

func fieldsOf(status string) map[string]string {
	fields := map[string]string{}
	for one := range strings.Lines(status) {
		name, value, _ := strings.Cut(one, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// mask is how /proc shows capabilities.
func mask(capabilities ...uintptr) string {
	var bits uint64
	for _, c := range capabilities {
		bits |= 1 << c
	}
	return hex(bits)
}

// tracing are the capabilities with which porttrace sees all that root does.
var tracing = []uintptr{unix.CAP_BPF, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN}
