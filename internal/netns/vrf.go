package netns

import "encoding/binary"

// Attributes of a device, include/uapi/linux/if_link.h.
const (
	linkInfoLen  = 16 // struct ifinfomsg, before the attributes
	linkMaster   = 10 // IFLA_MASTER
	linkInfo     = 18 // IFLA_LINKINFO
	linkKind     = 1  // IFLA_INFO_KIND
	linkPortKind = 4  // IFLA_INFO_SLAVE_KIND: of the device that it is a port of
)

// addVRF adds the VRF that a device is in, or is, if it is so. body is an RTM_NEWLINK
// (l3mdev_master_ifindex_rcu, net/l3mdev/l3mdev.c).
func addVRF(vrfOf map[uint32]uint32, body []byte) {
	if len(body) < linkInfoLen {
		return
	}
	list := attributes(body[linkInfoLen:])
	info := attributes(list[linkInfo])
	device, vrf := binary.NativeEndian.Uint32(body[4:]), uint32(0)
	switch {
	case string(info[linkKind]) == "vrf\x00":
		vrf = device
	case string(info[linkPortKind]) == "vrf\x00" && len(list[linkMaster]) == 4:
		vrf = binary.NativeEndian.Uint32(list[linkMaster])
	}
	if device != 0 && vrf != 0 {
		vrfOf[device] = vrf
	}
}
