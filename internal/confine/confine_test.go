package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// roleEnv makes this test binary a process that is confined for good, and tries what it may.
const roleEnv = "PORTTRACE_TEST_ROLE"

var roles = map[string]func() error{"live": tryLive, "screen": tryScreen, "reader": tryReader}

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// play runs a role in a folder of its own, and fails with what it finds wrong.
func play(t *testing.T, role string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Dir = append(os.Environ(), roleEnv+"="+role), t.TempDir()
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", role, err, text)
	}
}

// want returns an error unless the call has ended as it should; errno 0 is success.
func want(call string, got error, errno unix.Errno) error {
	if errno == 0 && got == nil || errno != 0 && errors.Is(got, errno) {
		return nil
	}
	return fmt.Errorf("%s: got %w, want %w", call, got, errno)
}

func bpf(command uintptr) error {
	var attr [16]uint64
	if _, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr)); errno != 0 {
		return errno
	}
	return nil
}

// tryCalls tries calls of which some are refused once it is confined, and which work before.
func tryCalls() error {
	netns, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	_, readErr := os.ReadFile("/proc/self/status")
	return errors.Join(
		want("unshare", unix.Unshare(0), unix.EPERM),
		want("ptrace", unix.PtraceDetach(1), unix.EPERM),
		want("setns to a user namespace", unix.Setns(netns, unix.CLONE_NEWUSER), unix.EPERM),
		want("bpf, loading a program", bpf(unix.BPF_PROG_LOAD), unix.EPERM),
		want("bpf, a link by its id", bpf(unix.BPF_LINK_GET_FD_BY_ID), unix.EPERM),
		want("setuid", unix.Setuid(os.Geteuid()), unix.EPERM),
		want("reading", readErr, 0),
		want("bpf, attaching a bad file", bpf(unix.BPF_RAW_TRACEPOINT_OPEN), unix.EINVAL),
		want("bpf, information on a bad file", bpf(unix.BPF_OBJ_GET_INFO_BY_FD), unix.EINVAL),
	)
}

func tryLive() error {
	if err := unix.Unshare(0); err != nil {
		return fmt.Errorf("unshare works in no case: %w", err)
	}
	state, err := Apply(Options{Mode: Drop})
	if err != nil || state.Unfiltered != nil {
		return fmt.Errorf("%+v %w", state, err)
	}
	return errors.Join(tryCalls(), want("a program", exec.Command("true").Run(), unix.EPERM))
}

func tryScreen() error {
	state, err := Apply(Options{Mode: Least, Programs: true})
	if err != nil || state.Unfiltered != nil {
		return fmt.Errorf("%+v %w", state, err)
	}
	text, err := exec.Command("cat", "/proc/self/status").Output()
	if err == nil && !strings.Contains(string(text), "NoNewPrivs:\t1") {
		err = errors.New("it has new privileges")
	}
	if os.Geteuid() == 0 && !strings.Contains(string(text), "CapEff:\t0000000000000000") {
		err = errors.Join(err, errors.New("a program of root has capabilities"))
	}
	return errors.Join(err, tryCalls())
}

func tryReader() error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	writable, other := filepath.Join(folder, "writable"), filepath.Join(folder, "other")
	if err := errors.Join(os.Mkdir(writable, 0o700), os.Mkdir(other, 0o700), os.WriteFile(other+"/x", []byte("x"), 0o600)); err != nil {
		return err
	}
	if err := Reader(writable, filepath.Join(folder, "missing")); err != nil {
		return err
	}
	var refused unix.Errno
	if hasLandlock() {
		refused = unix.EACCES
	}
	null, err := os.OpenFile("/dev/null", os.O_WRONLY, 0)
	_, readErr := os.ReadFile(other + "/x")
	kept := cap.GetProc()
	for v := range cap.MaxBits() {
		if has, err := kept.GetFlag(cap.Permitted, v); err == nil && has && v != cap.DAC_OVERRIDE && v != cap.DAC_READ_SEARCH {
			return fmt.Errorf("it has %s", v)
		}
	}
	return errors.Join(err, null.Close(),
		want("writing where it may", os.WriteFile(writable+"/x", nil, 0o600), 0),
		want("reading", readErr, 0),
		want("writing elsewhere", os.WriteFile(other+"/y", nil, 0o600), refused),
		want("overwriting", os.WriteFile(other+"/x", nil, 0o600), refused),
		want("deleting", os.Remove(other+"/x"), refused),
		tryCalls(),
	)
}

// hasLandlock reports whether this kernel has it.
func hasLandlock() bool {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	return errno == 0
}

// TestFilter: a run makes its calls and no others: no program is started or loaded, no other process and
// no namespace but those of networks is entered.
func TestFilter(t *testing.T) {
	t.Parallel()
	play(t, "live")
}

// TestPrograms: a program that the screen starts, such as tmux, has no privileges.
func TestPrograms(t *testing.T) {
	t.Parallel()
	play(t, "screen")
}

// TestReader: a command that reads a stranger's recording cannot change a file but its output.
func TestReader(t *testing.T) {
	t.Parallel()
	play(t, "reader")
}

// TestFilterJumps: a jump of the kernel's filter is a byte, and ends within the program.
func TestFilterJumps(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Programs: true}, {Child: true}} {
		program := filter(&o)
		for i, step := range program {
			if step.Code&7 == unix.BPF_JMP && i+1+int(max(step.Jt, step.Jf)) >= len(program) {
				t.Errorf("%+v: step %d of %d jumps too far: %+v", o, i, len(program), step)
			}
		}
	}
	calls := slices.Concat(never, architectureCalls, programCalls, traceCalls)
	slices.Sort(calls)
	if len(calls) > 250 || len(slices.Compact(calls)) != len(slices.Concat(never, architectureCalls, programCalls, traceCalls)) {
		t.Errorf("%d calls, or one of them twice", len(calls))
	}
}

func TestLookUp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]User{"root": {"root", 0, 0, nil}, "0": {"root", 0, 0, nil}, "61234": {"61234", 61234, 61234, nil}} {
		got, err := LookUp(text)
		if err != nil || got.Name != want.Name || got.UID != want.UID || got.GID != want.GID {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"no-such-user", "", "-1", "99999999999"} {
		if got, err := LookUp(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestNeedsOverride: root makes files in its own directories without CAP_DAC_OVERRIDE, in those of others
// only with it.
func TestNeedsOverride(t *testing.T) {
	need.Root(t, "giving a directory to another user")
	t.Parallel()
	own, other := t.TempDir(), t.TempDir()
	if err := os.Chown(other, 61234, 61234); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{own: false, other: true, filepath.Join(own, "new"): false, filepath.Join(other, "new", "newer"): true} {
		if got := needsOverride(dir); got != want {
			t.Errorf("%s: %t", dir, got)
		}
	}
}
