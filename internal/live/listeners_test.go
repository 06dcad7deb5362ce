package live

import (
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
)

func oldListener(p event.ProcID, inode uint32, port uint16) listener {
	return listener{netns.Listener{Netns: inode, Port: port}, event.Process{ID: p, Comm: "old"}}
}

// found returns listeners whose search has that result.
func found(list ...listener) *listeners {
	l := newListeners()
	l.found = make(chan []listener, 1)
	l.found <- list
	close(l.found)
	return l
}

// What the search has found fills in what is not known by now. The processes are reported
// either way, once.
func TestTakeFound(t *testing.T) {
	t.Parallel()
	list := []listener{oldListener(worker, netns1, 80), oldListener(worker, netns1, 81), oldListener(nginx, netns2, 80)}
	l := found(list...)
	newer := listen(nginx, netns1, "0.0.0.0:80")
	l.add(&newer)
	dst := []event.Event{newer}
	got := l.takeFound(dst, start)
	want := dst[:1:1]
	for i := range list {
		want = append(want, event.Event{Time: start, Kind: event.ProcessKnown, Fact: &list[i].process})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	known := map[netns.Listener]event.ProcID{
		{Netns: netns1, Port: 80}: nginx, {Netns: netns1, Port: 81}: worker, {Netns: netns2, Port: 80}: nginx,
	}
	if !reflect.DeepEqual(l.byPort, known) {
		t.Errorf("known are %v", l.byPort)
	}
	if again := l.takeFound(nil, start); again != nil {
		t.Errorf("and again %+v", again)
	}
	l.stop() // all was taken
}

// Only stop waits for a search.
func TestTakeFoundDoesNotWait(t *testing.T) {
	t.Parallel()
	if got := newListeners().takeFound(nil, start); got != nil {
		t.Errorf("without a search: %+v", got)
	}
	newListeners().stop()
	synctest.Test(t, func(t *testing.T) {
		l := newListeners()
		l.found = make(chan []listener, 1)
		if got := l.takeFound(nil, start); got != nil {
			t.Errorf("from a search that goes on: %+v", got)
		}
		searched := false
		go func() {
			time.Sleep(time.Second)
			searched = true
			l.found <- []listener{oldListener(nginx, netns1, 80)}
			close(l.found)
		}()
		if l.stop(); !searched {
			t.Error("the search goes on after the end")
		}
	})
}

// The search finds a socket of this process.
func TestSearch(t *testing.T) {
	t.Parallel()
	socket, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	namespaces := netns.New()
	if err := namespaces.Discover(); err != nil {
		t.Fatal(err)
	}
	l := newListeners()
	l.search(namespaces)
	list := <-l.found
	l.stop()
	l = found(list...)
	l.takeFound(nil, start)
	at := netns.Listener{Netns: ownNetns(t), Port: uint16(socket.Addr().(*net.TCPAddr).Port)}
	if got, want := l.byPort[at], self(t).ID; got != want {
		t.Errorf("%v listens, want %v", got, want)
	}
}
