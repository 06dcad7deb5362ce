package live

import (
	"errors"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// The devices of a namespace are listed when a socket there is bound to one that was not seen before,
// and now and then; never of a namespace without such sockets.
func TestVRFsRead(t *testing.T) {
	t.Parallel()
	read := map[uint32]int{}
	kernel, failure := event.DeviceVRFs("3:3"), error(nil)
	v := newVRFs(func(inode uint32) (event.DeviceVRFs, error) {
		read[inode]++
		return kernel, failure
	})
	known := map[uint32]bool{netns1: true, netns2: true}
	step := func(what string, reads int, want event.DeviceVRFs) {
		t.Helper()
		v.refresh(known)
		if got := v.of(netns1); read[netns1] != reads || got != want {
			t.Errorf("%s: read %d times, want %d; got %q, want %q", what, read[netns1], reads, got, want)
		}
	}
	step("no socket is bound to a device", 0, "")
	v.note(netns1, 3)
	step("the first one", 1, "3:3")
	v.note(netns1, 3)
	step("the same again", 1, "3:3")
	kernel = "3:3,4:3"
	v.noteScan([]event.NetnsScan{{Census: event.Census{Netns: netns1}, Sockets: event.FoundOf(event.FoundSocket{Device: 4}, event.FoundSocket{})}})
	step("another one, that a scan has found", 2, "3:3,4:3")
	kernel = ""
	v.bound[netns1].listed = time.Now().Add(-2 * vrfsKept)
	step("a while later", 3, "")
	kernel, failure = "3:3", errors.New("no permission")
	v.note(netns1, 5)
	step("it may not be read", 4, "")
	if read[netns2] != 0 {
		t.Errorf("the other namespace was read %d times", read[netns2])
	}
	delete(known, netns1)
	v.refresh(known)
	if len(v.bound) != 0 {
		t.Error("one that is gone is still known")
	}
}

// Many namespaces are read a few at a time, until all were.
func TestVRFsOfManyNamespaces(t *testing.T) {
	t.Parallel()
	const many = 3*fewListed + 1
	read, known := map[uint32]bool{}, map[uint32]bool{}
	v := newVRFs(func(inode uint32) (event.DeviceVRFs, error) {
		read[inode] = true
		return "", nil
	})
	for inode := range uint32(many) {
		known[inode] = true
		v.note(inode, 3)
	}
	for n := 1; n <= 4; n++ {
		if v.refresh(known); len(read) != min(n*fewListed, many) {
			t.Errorf("survey %d: %d were read", n, len(read))
		}
	}
}
