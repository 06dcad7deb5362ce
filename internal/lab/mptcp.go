package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// include/uapi/linux/mptcp.h and mptcp_pm.h
const (
	mptcpFamily      = "mptcp_pm"
	mptcpVersion     = 1
	mptcpAddAddr     = 1 // commands
	mptcpSetLimits   = 5
	mptcpAddr        = 1 // attributes
	mptcpSubflows    = 3
	mptcpAddrFamily  = 1 // attributes of an address
	mptcpAddr4       = 3
	mptcpAddrFlags   = 6
	mptcpFlagSubflow = 1 << 1
)

// genlHeader is struct genlmsghdr of linux/genetlink.h.
type genlHeader struct {
	Command, Version uint8
	_                uint16
}

// AllowSubflows lets MPTCP connections of the namespace have that many subflows
// beyond the first.
func (n *Netns) AllowSubflows(count uint32) error {
	return n.mptcp(mptcpSetLimits, func(r *request) { r.attrUint32(mptcpSubflows, count) })
}

// AddSubflow has each MPTCP connection that is opened in the namespace open a
// subflow from that IPv4 address, too.
func (n *Netns) AddSubflow(from netip.Addr) error {
	return n.mptcp(mptcpAddAddr, func(r *request) {
		r.nest(mptcpAddr|unix.NLA_F_NESTED, func() {
			r.attr(mptcpAddrFamily, binary.NativeEndian.AppendUint16(nil, unix.AF_INET))
			r.attr(mptcpAddr4, from.AsSlice())
			r.attrUint32(mptcpAddrFlags, mptcpFlagSubflow)
		})
	})
}

// mptcp gives a command to the path manager of the namespace.
func (n *Netns) mptcp(command uint8, fill func(*request)) error {
	err := n.Do(func() error {
		family, err := genlFamily(mptcpFamily)
		if err != nil {
			return err
		}
		r := newRequest(family, 0, genlHeader{Command: command, Version: mptcpVersion})
		fill(r)
		answer, err := r.ask(unix.NETLINK_GENERIC)
		if err != nil {
			return err
		}
		return verdict(answer)
	})
	if err != nil {
		return fmt.Errorf("asking the path manager of MPTCP: %w", err)
	}
	return nil
}

// genlFamily returns the number under which a family of generic netlink goes.
func genlFamily(name string) (uint16, error) {
	r := newRequest(unix.GENL_ID_CTRL, 0, genlHeader{Command: unix.CTRL_CMD_GETFAMILY, Version: 1})
	r.attrString(unix.CTRL_ATTR_FAMILY_NAME, name)
	answer, err := r.ask(unix.NETLINK_GENERIC)
	if err != nil {
		return 0, err
	}
	if len(answer) >= unix.NLMSG_HDRLEN && binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		return 0, verdict(answer)
	}
	for at := unix.NLMSG_HDRLEN + unix.GENL_HDRLEN; at+unix.SizeofRtAttr+2 <= len(answer); {
		size, typ := binary.NativeEndian.Uint16(answer[at:]), binary.NativeEndian.Uint16(answer[at+2:])
		if typ == unix.CTRL_ATTR_FAMILY_ID {
			return binary.NativeEndian.Uint16(answer[at+unix.SizeofRtAttr:]), nil
		}
		at += (max(int(size), unix.SizeofRtAttr) + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1)
	}
	return 0, errors.New("generic netlink named no number")
}
