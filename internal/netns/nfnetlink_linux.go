package netns

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// dumpNetfilter calls f with the body of each message that a dump of netfilter lists in the
// namespace of this thread. It needs CAP_NET_ADMIN there. The kernel loads the module that
// answers: whether it is there must be known before, see modules.
func dumpNetfilter(kind uint16, f func(body []byte)) error {
	var anyFamily [nfGenLen]byte // version 0
	if err := dumpNetlink(unix.NETLINK_NETFILTER, kind, anyFamily[:], f); err != nil {
		return fmt.Errorf("asking netfilter: %w", err)
	}
	return nil
}
