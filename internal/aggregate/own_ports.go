package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// minOwnPorts is from how many ports without a gap on a program is taken to choose them itself: the
// kernel gives them out at random.
const minOwnPorts = 16

// ownPorts returns the processes whose connections have all ports of a block that is not the whole
// range, each port bound before connect().
func (s *State) ownPorts() map[event.ProcID]*snapshot.OwnPorts {
	found := map[event.ProcID]*snapshot.OwnPorts{}
	s.table.EachNetns(func(n *portspace.Netns) {
		blocks := map[event.ProcID]*ownBlock{}
		n.EachOwned(func(port uint16, o portspace.OwnedPort) {
			if o.Proc.Known() && o.State != event.StateListen {
				blockOf(blocks, o.Proc).add(port, &o)
			}
		})
		ports := n.Ports()
		for proc, b := range blocks {
			whole := b.Low == ports.Low && b.High == ports.High
			if b.ports >= minOwnPorts && b.ports == b.Size() && !b.mixed && !whole {
				b.Netns = n.Fact().Inode
				found[proc] = &b.OwnPorts
			}
		}
	})
	return found
}

// ownBlock is the ports of one process in a namespace.
type ownBlock struct {
	snapshot.OwnPorts
	ports int
	mixed bool // they are of several addresses
}

func blockOf(blocks map[event.ProcID]*ownBlock, proc event.ProcID) *ownBlock {
	if blocks[proc] == nil {
		blocks[proc] = &ownBlock{}
	}
	return blocks[proc]
}

func (b *ownBlock) add(port uint16, o *portspace.OwnedPort) {
	if b.ports == 0 {
		b.Local, b.Low, b.High = o.Local, port, port
	}
	b.mixed = b.mixed || b.Local != o.Local
	b.Low, b.High = min(b.Low, port), max(b.High, port)
	b.ports++
	if !o.Waiting() {
		b.Open++
	}
}
