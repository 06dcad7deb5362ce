package kerneltest

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/confine"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// watcher is the helper that traces as another user. It writes reports.
type watcher struct {
	Netns   []uint32
	Memlock uint64 // limits locked memory to this many bytes; 0: no own limit
	Drop    bool   // drops what it does not need once it has attached
	User    string // goes on as this user then
}

// watchReport is what a watcher writes: first whether it is attached; then what it has seen up
// to now, once a second and at the end.
type watchReport struct {
	Error   string // it is not attached
	Signals event.Signals

	Events   []event.Event
	Exes     map[uint32]string // by pid
	TimeWait map[uint32]int64  // by namespace, if it can be read
}

func (w *watcher) run(ctx context.Context) error {
	if w.Memlock > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: w.Memlock, Max: w.Memlock}); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	source, err := openLive(live.Options{})
	if err != nil {
		return out.Encode(&watchReport{Error: err.Error()})
	}
	defer source.Close()
	if w.Drop {
		if err := w.drop(); err != nil {
			return err
		}
	}
	if err := out.Encode(&watchReport{Signals: source.Signals()}); err != nil {
		return err
	}
	seen := &watchReport{Exes: map[uint32]string{}, TimeWait: map[uint32]int64{}}
	tee := func(e *event.Event, _ *event.World) error {
		w.add(seen, e)
		if e.Kind == event.HealthKnown {
			return out.Encode(seen)
		}
		return nil
	}
	if err := stream(ctx, source, pipeline.Options{Tee: tee}); err != nil {
		return err
	}
	return out.Encode(seen)
}

// drop is what a session of porttrace does.
func (w *watcher) drop() error {
	opts := confine.Options{Mode: confine.Drop}
	if w.User != "" {
		user, err := confine.LookUp(w.User)
		if err != nil {
			return err
		}
		opts.User = user
	}
	_, err := confine.Apply(opts)
	return err
}

func (w *watcher) add(seen *watchReport, e *event.Event) {
	switch fact := e.Fact.(type) {
	case *event.Process:
		seen.Exes[fact.ID.PID] = fact.Exe
	case *event.Netns:
		if fact.TimeWait >= 0 {
			seen.TimeWait[fact.Inode] = fact.TimeWait
		}
	case nil:
		if slices.Contains(w.Netns, e.Netns) && e.Kind.AboutSocket() {
			seen.Events = append(seen.Events, *e)
		}
	}
}

// find reports whether there is an event of a kind and a namespace of which it holds.
func (r *watchReport) find(kind event.Kind, netns uint32, holds func(*event.Event) bool) bool {
	return slices.ContainsFunc(r.Events, func(e event.Event) bool { return e.Kind == kind && e.Netns == netns && holds(&e) })
}

// watcherProc is a watcher that runs.
type watcherProc struct {
	*helperProc
	attached watchReport
	ended    chan struct{}

	mu     sync.Mutex
	newest watchReport
}

// unprivilegedUID is a user that owns nothing.
const unprivilegedUID = 65534

// as returns a user with the capabilities and no other; all is root.
func as(capabilities []uintptr) *syscall.SysProcAttr {
	if slices.Equal(capabilities, all) {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: unprivilegedUID, Gid: unprivilegedUID}, AmbientCaps: capabilities,
	}
}

// startWatcher returns when it has attached, or could not.
func startWatcher(t *testing.T, user *syscall.SysProcAttr, args watcher) (*watcherProc, error) {
	t.Helper()
	return startWatcherOf(t, "/proc/self/exe", user, args)
}

func startWatcherOf(t *testing.T, file string, user *syscall.SysProcAttr, args watcher) (*watcherProc, error) {
	t.Helper()
	w := &watcherProc{ended: make(chan struct{})}
	var err error
	if w.helperProc, err = startHelperOf(t, file, "watcher", &args, user); err != nil {
		return w, err
	}
	if err := w.output.Decode(&w.attached); err != nil {
		return w, err
	}
	go w.read()
	return w, nil
}

// read keeps the newest report until there are no more.
func (w *watcherProc) read() {
	defer close(w.ended)
	for {
		var r watchReport
		if w.output.Decode(&r) != nil {
			return
		}
		w.mu.Lock()
		w.newest = r
		w.mu.Unlock()
	}
}

func (w *watcherProc) report() watchReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

func (w *watcherProc) seesBinds() bool {
	return !slices.ContainsFunc(w.attached.Signals, func(s event.Signal) bool { return s.Name == "bind" && s.Mode == event.Off })
}

// end ends the watcher and returns its last report.
func (w *watcherProc) end() watchReport {
	_ = w.stdin.Close()
	<-w.ended
	return w.report()
}
