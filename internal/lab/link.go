package lab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// vethInfoPeer is VETH_INFO_PEER of linux/veth.h.
const vethInfoPeer = 1

// Link joins two namespaces with a veth pair and gives each end its addresses.
// The kernel must have the veth module.
func Link(a, b *Netns, addrsA, addrsB []netip.Prefix) error {
	nameA, nameB := a.nextLink(), b.nextLink()
	if err := a.Do(func() error { return addVeth(nameA, nameB, b.file.Fd()) }); err != nil {
		return fmt.Errorf("making a veth pair: %w", err)
	}
	if err := a.configure(nameA, addrsA); err != nil {
		return err
	}
	return b.configure(nameB, addrsB)
}

func (n *Netns) nextLink() string {
	n.links++
	return fmt.Sprintf("lab%d", n.links)
}

// configure brings a device up and then gives it addresses, so that IPv6 ones
// are usable at once.
func (n *Netns) configure(ifname string, addrs []netip.Prefix) error {
	if err := n.setUp(ifname); err != nil {
		return err
	}
	for _, addr := range addrs {
		if err := n.AddAddr(ifname, addr); err != nil {
			return err
		}
	}
	return nil
}

// addVeth makes a veth pair: one end here, the other in the namespace of a file.
func addVeth(here, there string, peer uintptr) error {
	r := newRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, unix.IfInfomsg{})
	r.attrString(unix.IFLA_IFNAME, here)
	r.nest(unix.IFLA_LINKINFO, func() {
		r.attrString(unix.IFLA_INFO_KIND, "veth")
		r.nest(unix.IFLA_INFO_DATA, func() {
			r.nest(vethInfoPeer, func() {
				r.append(unix.IfInfomsg{})
				r.attrString(unix.IFLA_IFNAME, there)
				r.attrUint32(unix.IFLA_NET_NS_FD, uint32(peer))
			})
		})
	})
	return r.send()
}

// setUp brings a device up.
func (n *Netns) setUp(ifname string) error {
	err := n.onLink(ifname, func(index int) error {
		return newRequest(unix.RTM_NEWLINK, 0, unix.IfInfomsg{
			Index: int32(index), Flags: unix.IFF_UP, Change: unix.IFF_UP,
		}).send()
	})
	if err != nil {
		return fmt.Errorf("bringing %s up: %w", ifname, err)
	}
	return nil
}

// AddAddr gives a device an address. IPv6 duplicate detection, which would make
// it unusable for a second, is off.
func (n *Netns) AddAddr(ifname string, addr netip.Prefix) error {
	return n.addAddr(ifname, addr, unix.IFA_F_NODAD)
}

// AddTentative gives a device an IPv6 address, which is tentative until duplicate detection
// has ended, for a second or two.
func (n *Netns) AddTentative(ifname string, addr netip.Prefix) error {
	return n.addAddr(ifname, addr, 0)
}

func (n *Netns) addAddr(ifname string, addr netip.Prefix, flags uint32) error {
	err := n.onLink(ifname, func(index int) error {
		r := newRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, unix.IfAddrmsg{
			Family: family(addr.Addr()), Prefixlen: uint8(addr.Bits()), Index: uint32(index),
		})
		r.attr(unix.IFA_LOCAL, addr.Addr().AsSlice())
		r.attr(unix.IFA_ADDRESS, addr.Addr().AsSlice())
		r.attrUint32(unix.IFA_FLAGS, flags)
		return r.send()
	})
	if err != nil {
		return fmt.Errorf("adding %s to %s: %w", addr, ifname, err)
	}
	return nil
}

// AddLocal makes every address of dst local to the namespace, as if it were on
// the loopback device, and src the address from which it is reached.
func (n *Netns) AddLocal(dst netip.Prefix, src netip.Addr) error {
	err := n.onLink("lo", func(index int) error {
		r := newRequest(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, unix.RtMsg{
			Family: family(dst.Addr()), Dst_len: uint8(dst.Bits()),
			Table: unix.RT_TABLE_LOCAL, Protocol: unix.RTPROT_STATIC,
			Scope: unix.RT_SCOPE_HOST, Type: unix.RTN_LOCAL,
		})
		r.attr(unix.RTA_DST, dst.Addr().AsSlice())
		r.attr(unix.RTA_PREFSRC, src.AsSlice())
		r.attrUint32(unix.RTA_OIF, uint32(index))
		return r.send()
	})
	if err != nil {
		return fmt.Errorf("adding local %s: %w", dst, err)
	}
	return nil
}

// Of linux/fib_rules.h.
const (
	fraPriority   = 6
	fraIPProto    = 22
	fraSportRange = 23
	frActProhibit = 8
)

// ProhibitPorts adds a rule by which the IPv4 routes of connections from these local ports fail
// with EACCES.
func (n *Netns) ProhibitPorts(low, high uint16) error {
	err := n.Do(func() error {
		// struct fib_rule_hdr: the family is its first byte, the action its eighth.
		fibRuleHeader := [12]byte{0: unix.AF_INET, 7: frActProhibit}
		r := newRequest(unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, fibRuleHeader)
		r.attrUint32(fraPriority, 0)
		r.attr(fraIPProto, []byte{unix.IPPROTO_TCP})
		r.attr(fraSportRange, binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, low), high))
		return r.send()
	})
	if err != nil {
		return fmt.Errorf("prohibiting ports: %w", err)
	}
	return nil
}

// onLink runs fn inside the namespace with the index of a device.
func (n *Netns) onLink(ifname string, fn func(index int) error) error {
	return n.Do(func() error {
		device, err := net.InterfaceByName(ifname)
		if err != nil {
			return err
		}
		return fn(device.Index)
	})
}

func family(addr netip.Addr) uint8 {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
