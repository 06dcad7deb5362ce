package netns

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// skipStats is RTEXT_FILTER_SKIP_STATS: the statistics are most of what the kernel says of a device.
const skipStats = 8

// VRFs returns which VRF the devices of a namespace are in, as far as its bind buckets differ by
// that. It needs CAP_SYS_ADMIN, unless this program is in that namespace itself, and costs nothing
// on a host without VRFs.
func (n *Namespaces) VRFs(inode uint32) (vrfs event.DeviceVRFs, err error) {
	n.mu.Lock()
	possible := n.modules.has(vrfModule)
	n.mu.Unlock()
	if !possible {
		return "", nil
	}
	err = n.Inside(inode, func() error {
		vrfs, err = readVRFs()
		return err
	})
	return vrfs, err
}

// readVRFs is VRFs in the namespace of this thread.
func readVRFs() (event.DeviceVRFs, error) {
	// inet_sk_bound_l3mdev, include/net/inet_sock.h
	if accept, ok := optional("tcp_l3mdev_accept"); !ok || accept != 0 {
		return "", nil
	}
	vrfOf := map[uint32]uint32{}
	if err := dumpNetlink(unix.NETLINK_ROUTE, unix.RTM_GETLINK, linkRequest(), func(body []byte) { addVRF(vrfOf, body) }); err != nil {
		return "", fmt.Errorf("listing devices: %w", err)
	}
	return event.DeviceVRFsOf(vrfOf), nil
}

// linkRequest asks for all devices, with little of each.
func linkRequest() []byte {
	request := make([]byte, linkInfoLen, linkInfoLen+8)
	request = binary.NativeEndian.AppendUint16(request, 8)
	request = binary.NativeEndian.AppendUint16(request, unix.IFLA_EXT_MASK)
	return binary.NativeEndian.AppendUint32(request, skipStats)
}
