package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

// check runs the command as a user does. The name makes this binary porttrace, see TestMain.
func check(args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{"porttrace", "check"}, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// check shows the signals that a trace has, as JSON and as text.
func TestCheckAgrees(t *testing.T) {
	needRoot(t)
	for _, hooks := range []string{"fexit,kprobe,tracepoint,cgroup", "tracepoint", "tracepoint,syscall"} {
		t.Run(hooks, func(t *testing.T) {
			want := signalsOf(t, hooks)
			stdout, stderr, err := check("--json", "--hooks", hooks)
			if err != nil || stderr != "" {
				t.Fatalf("%v %s", err, stderr)
			}
			var got checked
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(event.Signals(got.Signals), want) {
				t.Errorf("got %+v\nwant %+v", got.Signals, want)
			}
			text, _, err := check("--hooks", hooks)
			if err != nil {
				t.Fatal(err)
			}
			checkText(t, text, want)
		})
	}
}

func signalsOf(t *testing.T, hooks string) event.Signals {
	t.Helper()
	var opts probe.Options
	for hook := range strings.SplitSeq(hooks, ",") {
		opts.Hooks = append(opts.Hooks, probe.Hook(hook))
	}
	source, err := live.Open(live.Options{Probe: opts})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	return source.Signals()
}

// checkText checks that there is a line of each signal, and a reason if it is not exact.
func checkText(t *testing.T, text string, signals event.Signals) {
	t.Helper()
	rows := map[string][]string{}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			rows[words[0]] = words
		}
	}
	for _, s := range signals {
		if row := rows[s.Name]; len(row) < 2 || row[1] != string(s.Mode) {
			t.Errorf("%s is %s, the text has %q", s.Name, s.Mode, row)
		}
		if s.Mode != event.Exact && s.Reason == "" {
			t.Errorf("%s is %s, and nothing says why", s.Name, s.Mode)
		}
		if s.Reason != "" && !strings.Contains(text, "\n"+s.Name+": "+s.Reason+"\n") {
			t.Errorf("the text does not have %q", s.Reason)
		}
	}
}

// If the BTF of the kernel is hidden, one line reports that, and what is needed.
func TestCheckWithoutBTF(t *testing.T) {
	needRoot(t)
	var stdout, stderr string
	err := withoutBTF(func() (err error) {
		stdout, stderr, err = check()
		return err
	})
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitCouldNot || stdout != "" {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	for _, want := range []string{"porttrace: cannot trace here: ", "has no BTF (/sys/kernel/btf/vmlinux)", "Linux 5.10 or later"} {
		if !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("got %q, want %q in one line", stderr, want)
		}
	}
}

// withoutBTF runs f on a thread in whose mounts there is no BTF. It ends with that thread.
func withoutBTF(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := errors.Join(
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/sys/kernel/btf", "tmpfs", 0, ""))
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

func needRoot(t *testing.T) {
	t.Helper()
	need.Root(t, "attaching to the kernel")
	need.BTF(t)
}
