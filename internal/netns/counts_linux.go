package netns

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// Counts returns what the kernel has counted in the namespace, as /proc/net shows it. What
// the kernel does not count stays unknown. Max and NAT of Conntrack come from Tracking.
func (n *Namespaces) Counts(inode uint32) (event.NetnsCounts, error) {
	counts := event.NetnsCounts{Netns: inode}
	ns, err := n.find(inode)
	if err != nil {
		return counts, err
	}
	if ns.pid != 0 {
		err = readCounts(linux.ProcPath(ns.pid, "net"), &counts)
		if err == nil {
			err = ns.checkProcess()
		}
	} else {
		err = ns.inside(func() error { return readCounts("/proc/thread-self/net", &counts) })
	}
	if err != nil {
		return event.NetnsCounts{Netns: inode}, fmt.Errorf("counts of network namespace %d: %w", inode, err)
	}
	return counts, nil
}

// readCounts reads the files of one folder. Only conntrack may be missing: it is a module.
func readCounts(dir string, c *event.NetnsCounts) error {
	for name, parse := range map[string]func(io.Reader) error{
		"netstat":  func(r io.Reader) error { return parseCounters(r, "TcpExt:", counterFields("TcpExt:", c)) },
		"snmp":     func(r io.Reader) error { return parseCounters(r, "Tcp:", counterFields("Tcp:", c)) },
		"sockstat": func(r io.Reader) error { return parseSockstat(r, sockstatFields(c)) },
	} {
		if err := parseFile(dir+"/"+name, parse); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	err := parseFile(dir+"/stat/nf_conntrack", func(r io.Reader) (err error) {
		c.Conntrack, err = parseConntrackStat(r)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("reading stat/nf_conntrack: %w", err)
	}
	return nil
}
