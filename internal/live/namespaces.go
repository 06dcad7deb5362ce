package live

import (
	"fmt"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
	"github.com/porttrace/porttrace/internal/netns"
)

// namespaces are the network namespaces of this host, as people name them and as they
// allocate ports.
type namespaces struct {
	netns   *netns.Namespaces
	known   map[uint32]bool        // those to report and to scan
	last    map[uint32]event.Netns // what was reported of them last
	ranges  map[uint32]event.PortRange
	refused map[uint32]event.Counter
	names   names
	pods    *kubelet.Pods
	configs func() ([]event.Netns, error) // of all that a process is in, without entering them
	counts  *netnsCounts
	shared  hostConfig
	vrfs    *vrfs
}

// hostConfig are the settings that all namespaces share.
type hostConfig struct {
	maxOrphans event.Counter
	tcpMem     [3]uint64
	read       time.Time
}

// hostConfigKept is for how long they are not read again.
const hostConfigKept = 10 * time.Second

func newNamespaces(configs func() ([]event.Netns, error), pods *kubelet.Pods) *namespaces {
	n := netns.New()
	return &namespaces{
		netns: n, counts: newNetnsCounts(n, netns.Own()), known: map[uint32]bool{}, last: map[uint32]event.Netns{}, ranges: map[uint32]event.PortRange{},
		refused: map[uint32]event.Counter{}, names: names{}, configs: configs, pods: pods,
		vrfs: newVRFs(n.VRFs),
	}
}

func (n *namespaces) discover() error {
	if err := n.netns.Discover(); err != nil {
		return fmt.Errorf("searching for network namespaces: %w", err)
	}
	return nil
}

// countsOf returns the counts to report of those that are known.
func (n *namespaces) countsOf(now event.Time, whole bool) []event.NetnsCounts {
	return n.counts.survey(n.inodes(), now, whole)
}

// inodes returns the known namespaces, sorted.
func (n *namespaces) inodes() []uint32 {
	inodes := make([]uint32, 0, len(n.known))
	for inode := range n.known {
		inodes = append(inodes, inode)
	}
	slices.Sort(inodes)
	return inodes
}

// targets returns the namespaces to scan.
func (n *namespaces) targets() []target {
	var list []target
	for _, inode := range n.inodes() {
		list = append(list, target{inode: inode, ports: n.ranges[inode], reserved: n.last[inode].Reserved})
	}
	return list
}

// facts returns what is true of them now. One that is gone is in them a last time.
func (n *namespaces) facts() []event.Netns {
	for _, inode := range n.netns.Inodes() {
		n.known[inode] = true
	}
	configs := n.readConfigs()
	n.readShared()
	n.vrfs.refresh(n.known)
	facts := n.netns.Refresh(n.inodes())
	for i := range facts {
		fact := &facts[i]
		config, known := configs[fact.Inode]
		if fact.TimeWait < 0 && !known { // it is gone, or cannot be read; an event brings it back
			n.end(fact)
			continue
		}
		if !known { // no process is in it
			config, _ = n.netns.Config(fact.Inode) // if it may not be entered, nothing is known
		}
		config.Inode, config.Name, config.TimeWait = fact.Inode, fact.Name, fact.TimeWait
		*fact = config
		fact.Name, fact.Refused = n.name(fact), n.countRefused(fact)
		if fact.Ports.Known() {
			n.ranges[fact.Inode] = fact.Ports
			fact.MaxOrphans, fact.TCPMem = n.shared.maxOrphans, n.shared.tcpMem
			fact.VRFs = n.vrfs.of(fact.Inode)
		}
		n.last[fact.Inode] = *fact
	}
	return facts
}

func (n *namespaces) readShared() {
	if time.Since(n.shared.read) >= hostConfigKept {
		n.shared.read = time.Now()
		n.shared.maxOrphans, n.shared.tcpMem = n.netns.HostConfig()
	}
}

// countRefused returns how many buckets the namespace was refused so far. The count changes
// only at the limit, and buckets live for a minute: far below it the last reading holds.
func (n *namespaces) countRefused(fact *event.Netns) event.Counter {
	last := n.refused[fact.Inode]
	if !fact.Ports.Known() || last.Known() && fact.TimeWait < fact.MaxTimeWait/2 {
		return last
	}
	if count, err := n.netns.Refused(fact.Inode); err == nil {
		n.refused[fact.Inode] = event.CounterOf(count)
	}
	return n.refused[fact.Inode]
}

// end forgets a namespace that cannot be found any more: no thread is in it, and it has no
// name. If it was read before, the fact becomes its last.
func (n *namespaces) end(fact *event.Netns) {
	if last, was := n.last[fact.Inode]; was {
		*fact = last
		fact.Gone, fact.TimeWait = true, 0
		n.netns.Forget(fact.Inode)
	}
	delete(n.last, fact.Inode)
	delete(n.known, fact.Inode)
	delete(n.ranges, fact.Inode)
	delete(n.refused, fact.Inode)
}

func (n *namespaces) readConfigs() map[uint32]event.Netns {
	list, err := n.configs()
	if err != nil {
		return nil // the signal "census" is off
	}
	configs := make(map[uint32]event.Netns, len(list))
	for _, one := range list {
		configs[one.Inode] = one
	}
	return configs
}
