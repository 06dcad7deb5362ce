package netns

import (
	"encoding/binary"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel lists every device, in the form that is read here.
func TestDumpLinks(t *testing.T) {
	t.Parallel()
	devices, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	names := map[uint32]string{}
	err = dumpNetlink(unix.NETLINK_ROUTE, unix.RTM_GETLINK, linkRequest(), func(body []byte) {
		name := attributes(body[linkInfoLen:])[unix.IFLA_IFNAME]
		names[binary.NativeEndian.Uint32(body[4:])] = unix.ByteSliceToString(name)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range devices {
		if got := names[uint32(device.Index)]; got != device.Name {
			t.Errorf("device %d is %q, want %q", device.Index, got, device.Name)
		}
	}
	if _, err := New().VRFs(selfInode(t)); err != nil {
		t.Error(err)
	}
	if _, err := readVRFs(); err != nil {
		t.Error(err)
	}
}
