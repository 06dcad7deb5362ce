package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// The child has a listener and TIME_WAIT, which are found by both ways: as root by a list
// from sock_diag inside, else by the child's files.
func TestSockets(t *testing.T) {
	t.Parallel()
	_, inode := startChild(t)
	n := New()
	before := event.Time(linux.Monotonic())
	found, inodes, err := n.Sockets(inode, []event.FoundSocket{{Cookie: 42}}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2+childBuckets || len(inodes) != len(found)-1 || found[0].Cookie != 42 {
		t.Fatalf("%d sockets and %d inodes: %+v", len(found)-1, len(inodes), found)
	}
	for i, e := range found[1:] {
		listens := e.State == event.StateListen
		if e.Src.Addr.String() != "10.9.8.7" || listens != (inodes[i] != 0) || listens == e.Dst.Known() {
			t.Errorf("found %+v, inode %d", e, inodes[i])
		}
		if owned := e.Src.Port == 80; owned != e.Flags.Has(event.OwnedByBind) {
			t.Errorf("owned by bind %v: %+v", !owned, e)
		}
		if left := e.Expiry.Sub(before); !listens && (e.State != event.StateTimeWait || left <= 50*time.Second || left > 62*time.Second) {
			t.Errorf("%s left: %+v", left, e)
		}
	}
	files := lister{inode: inode, limit: 1000}
	if err := files.readFiles(n); err != nil {
		t.Fatal(err)
	}
	files.inferOwned()
	if got, want := summary(files.sockets), summary(found[1:]); got != want {
		t.Errorf("by files:\n%s\nby the other way:\n%s", got, want)
	}
	if few, _, err := n.Sockets(inode, nil, 2); err != nil || len(few) != 2 {
		t.Errorf("%d of 2 sockets, %v", len(few), err)
	}
	if _, _, err := n.Sockets(7, nil, 1000); err == nil {
		t.Error("sockets of a namespace that does not exist")
	}
}

// summary has the fields that both lists have.
func summary(found []event.FoundSocket) string {
	var lines []string
	for _, e := range found {
		lines = append(lines, fmt.Sprint(e.State, e.Direction, e.Flags, e.Src, e.Dst))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The own namespace is not entered, which would take privileges.
func TestInside(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n, thread, done := New(), unix.Gettid(), errors.New("done")
	err := n.Inside(selfInode(t), func() error {
		if unix.Gettid() != thread {
			t.Error("on another thread")
		}
		return done
	})
	if !errors.Is(err, done) {
		t.Errorf("got %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	_, inode := startChild(t)
	err = n.Inside(inode, func() error {
		if in, err := readNetns("/proc/thread-self/ns/net"); err != nil || in != inode {
			t.Errorf("inside %d, %v, want %d", in, err, inode)
		}
		return done
	})
	if !errors.Is(err, done) {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	inode := selfInode(t)
	got, err := New().Config(inode)
	if err != nil {
		t.Fatal(err)
	}
	if got.Inode != inode || !got.Ports.Known() || got.Reuse > 2 || got.MaxTimeWait <= 0 || got.TimeWait != -1 || got.ReuseDelay > uint64(time.Minute) {
		t.Errorf("got %+v", got)
	}
}

func BenchmarkConfig(b *testing.B) {
	n, inode := New(), hostNetns()
	for b.Loop() {
		if _, err := n.Config(inode); err != nil {
			b.Skip(err)
		}
	}
}
