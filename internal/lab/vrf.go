package lab

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// iflaVRFTable is IFLA_VRF_TABLE of linux/if_link.h.
const iflaVRFTable = 1

// AddVRF makes a VRF (Documentation/networking/vrf.rst) with a routing table of its own. It fails
// with EOPNOTSUPP if the kernel has no VRF.
func (n *Netns) AddVRF(name string, table uint32) error {
	err := n.Do(func() error {
		r := newRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, unix.IfInfomsg{})
		r.attrString(unix.IFLA_IFNAME, name)
		r.nest(unix.IFLA_LINKINFO, func() {
			r.attrString(unix.IFLA_INFO_KIND, "vrf")
			r.nest(unix.IFLA_INFO_DATA, func() { r.attrUint32(iflaVRFTable, table) })
		})
		return r.send()
	})
	if err != nil {
		return fmt.Errorf("making VRF %s: %w", name, err)
	}
	return n.setUp(name)
}

// Enslave puts a device into a VRF: its addresses and routes are those of the VRF from then on.
func (n *Netns) Enslave(ifname, master string) error {
	err := n.onLink(master, func(to int) error {
		return n.onLink(ifname, func(index int) error {
			r := newRequest(unix.RTM_NEWLINK, 0, unix.IfInfomsg{Index: int32(index)})
			r.attrUint32(unix.IFLA_MASTER, uint32(to))
			return r.send()
		})
	})
	if err != nil {
		return fmt.Errorf("putting %s into %s: %w", ifname, master, err)
	}
	return nil
}

// DeviceIndex returns the number of a device of the namespace.
func (n *Netns) DeviceIndex(ifname string) (index int, err error) {
	err = n.onLink(ifname, func(i int) error { index = i; return nil })
	return index, err
}
