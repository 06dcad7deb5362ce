package kerneltest

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/probe"
)

var (
	watchNets = flag.String("watch", "", "tell on standard output what is seen of these network namespaces, until standard input ends")
	watchLock = flag.Uint64("watch-memlock", 0, "with so many bytes of locked memory")
)

// watchLongest bounds a watcher, which waits until all others have attached.
const watchLongest = 10 * time.Minute

// sight is what a watcher tells: first whether it is attached, at the end what it saw.
type sight struct {
	Error   string // it is not
	Signals event.Signals

	Events   []event.Event
	Exes     map[uint32]string // by pid
	TimeWait map[uint32]int64  // by namespace, where it can be read
}

// TestWatcher is what the tests of privileges start as another user: porttrace, in this
// binary, because a virtual machine has no other.
func TestWatcher(t *testing.T) {
	if *watchNets == "" {
		return
	}
	if *watchLock > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: *watchLock, Max: *watchLock}); err != nil {
			t.Fatal(err)
		}
	}
	out := json.NewEncoder(os.Stdout)
	source, err := live.Open(live.Options{Probe: probe.Options{Hooks: hooks(t)}})
	if err != nil {
		tellSight(t, out, &sight{Error: err.Error()})
		return
	}
	defer source.Close()
	tellSight(t, out, &sight{Signals: source.Signals()})
	tellSight(t, out, watch(t, source))
}

func tellSight(t *testing.T, out *json.Encoder, s *sight) {
	t.Helper()
	if err := out.Encode(s); err != nil {
		t.Fatal(err)
	}
}

// watch watches until standard input ends.
func watch(t *testing.T, source *live.Source) *sight {
	t.Helper()
	seen := &sight{Exes: map[uint32]string{}, TimeWait: map[uint32]int64{}}
	nets := strings.Split(*watchNets, ",")
	tee := func(e *event.Event, _ *event.World) error {
		ours := slices.Contains(nets, strconv.FormatUint(uint64(e.Netns), 10))
		switch fact := e.Fact.(type) {
		case *event.Process:
			seen.Exes[fact.ID.PID] = fact.Exe
		case *event.Netns:
			if fact.TimeWait >= 0 {
				seen.TimeWait[fact.Inode] = fact.TimeWait
			}
		case nil:
			if ours && e.Kind.AboutSocket() {
				seen.Events = append(seen.Events, *e)
			}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), watchLongest)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with who started it
		cancel()
	}()
	if _, err := pipeline.Run(ctx, source, pipeline.Options{Tee: tee}); err != nil {
		t.Fatal(err)
	}
	return seen
}

// watcher is such a process.
type watcher struct {
	attached sight
	stdin    io.Closer
	sights   *json.Decoder
}

// nobody is a user who owns nothing.
const nobody = 65534

// as is a user with those capabilities and no other; all is root.
func as(capabilities []uintptr) *syscall.SysProcAttr {
	if slices.Equal(capabilities, all) {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, AmbientCaps: capabilities,
	}
}

// startWatcher returns when it has attached, or could not.
func startWatcher(t *testing.T, user *syscall.SysProcAttr, nets []uint32, args ...string) (*watcher, error) {
	var inodes []string
	for _, inode := range nets {
		inodes = append(inodes, strconv.FormatUint(uint64(inode), 10))
	}
	args = append(args, "-test.run=^TestWatcher$", "-watch="+strings.Join(inodes, ","))
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.SysProcAttr, cmd.Stderr = user, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // what it could not do it has told
	})
	w := &watcher{stdin: stdin, sights: json.NewDecoder(stdout)}
	return w, w.sights.Decode(&w.attached)
}

// end is what it saw.
func (w *watcher) end(t *testing.T) (seen sight) {
	t.Helper()
	_ = w.stdin.Close()
	if err := w.sights.Decode(&seen); err != nil {
		t.Fatal(err)
	}
	return seen
}
