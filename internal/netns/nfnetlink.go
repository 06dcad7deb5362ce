package netns

import (
	"encoding/binary"
	"errors"

	"github.com/porttrace/porttrace/internal/event"
)

// Messages and attributes of include/uapi/linux/netfilter: nfnetlink.h, nf_tables.h and
// nfnetlink_conntrack.h. Numbers in them are big-endian, but for the headers.
const (
	nlHeaderLen   = 16
	nfGenLen      = 4      // struct nfgenmsg, before the attributes
	attrTypeMask  = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
	nlDone        = 3
	nlError       = 2
	nlInterrupted = 0x10 // NLM_F_DUMP_INTR: it has changed while it was listed

	subsysConntrack = 1
	subsysTables    = 10
	getStatsCPU     = subsysConntrack<<8 | 4 // IPCTNL_MSG_CT_GET_STATS_CPU
	getChain        = subsysTables<<8 | 4    // NFT_MSG_GETCHAIN

	chainHook   = 4
	chainUse    = 6 // rules in it
	chainType   = 7
	hookNumber  = 1
	postrouting = 4 // NF_INET_POST_ROUTING

	statsInsertFailed = 9
	statsDrop         = 10
	statsEarlyDrop    = 11
)

var errNetlink = errors.New("malformed netlink message")

// eachMessage calls f with every message of a datagram, without its header.
func eachMessage(b []byte, f func(kind, flags uint16, body []byte) error) error {
	for len(b) >= nlHeaderLen {
		size := int(binary.NativeEndian.Uint32(b))
		if size < nlHeaderLen || size > len(b) {
			return errNetlink
		}
		if err := f(binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:]), b[nlHeaderLen:size]); err != nil {
			return err
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return nil
}

// attributes returns the values of a list of attributes by type.
func attributes(b []byte) map[uint16][]byte {
	list := map[uint16][]byte{}
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			break
		}
		list[binary.NativeEndian.Uint16(b[2:])&attrTypeMask] = b[4:size]
		b = b[min((size+3)&^3, len(b)):]
	}
	return list
}

func attributeNumber(b []byte) (n uint32, ok bool) {
	if len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}

// isSourceNAT reports whether a chain of nf_tables, as NFT_MSG_GETCHAIN lists it, can
// translate the addresses of what leaves the namespace: a chain for NAT at postrouting that
// has a rule. An empty one, as iptables leaves behind when it lists rules, does nothing.
func isSourceNAT(body []byte) bool {
	if len(body) < nfGenLen {
		return false
	}
	chain := attributes(body[nfGenLen:])
	if kind := chain[chainType]; string(kind) != "nat\x00" {
		return false
	}
	hook, ok := attributeNumber(attributes(chain[chainHook])[hookNumber])
	rules, counted := attributeNumber(chain[chainUse])
	return ok && hook == postrouting && counted && rules > 0
}

// addConntrackStats adds the counts of one processor, as IPCTNL_MSG_CT_GET_STATS_CPU lists
// them.
func addConntrackStats(c *event.Conntrack, body []byte) {
	if len(body) < nfGenLen {
		return
	}
	list := attributes(body[nfGenLen:])
	for number, sum := range map[uint16]*event.Counter{
		statsInsertFailed: &c.InsertFailed, statsDrop: &c.Drops, statsEarlyDrop: &c.EarlyDrops,
	} {
		if n, ok := attributeNumber(list[number]); ok {
			*sum = addCount(*sum, uint64(n))
		}
	}
}
