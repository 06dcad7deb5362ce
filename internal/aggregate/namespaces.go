package aggregate

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// addNamespaces adds the namespaces as they allocate ports.
func (s *State) addNamespaces(snap *snapshot.Snapshot) {
	s.table.EachNetns(func(n *portspace.Netns) {
		fact := n.Fact()
		if !s.scope.part(fact.Inode) {
			return
		}
		row := snapshot.Namespace{
			Inode: fact.Inode, Name: fact.Name, Gone: fact.Gone, Ports: fact.Ports, Reserved: fact.Reserved, Capacity: n.Capacity(),
			Reuse: fact.Reuse, TimeWait: fact.TimeWait, MaxTimeWait: fact.MaxTimeWait, Bound: n.Bound(),
			Timestamps: fact.Timestamps, FinTimeout: time.Duration(fact.FinTimeout), TimeWaitLength: n.TimeWaitLength(),
			Refused: n.Refused(), RefusedKnown: fact.Refused.Known(),
			ListenPorts:  n.ListenPorts(),
			NonlocalBind: fact.NonlocalBind, UnprivilegedPort: fact.UnprivilegedPort, MaxOrphans: fact.MaxOrphans, TCPMem: fact.TCPMem,
			TimeWaitSetting: time.Duration(fact.TimeWaitSetting),
			LastScan:        wallTime(s.world.Clock, n.CensusAt), LastScanTook: time.Duration(n.Census.Took), BoundKnown: n.Census.Bound,
		}
		s.addListeners(&row, n)
		s.addCounts(&row)
		snap.Namespaces = append(snap.Namespaces, row)
	})
	slices.SortFunc(snap.Namespaces, func(a, b snapshot.Namespace) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Inode, b.Inode))
	})
}
