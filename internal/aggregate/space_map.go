package aggregate

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxMapped is how many of the fullest spaces have a map, and how many more in which calls found
// no port: a screen shows one or two at a time. Another one must be in the Focus.
const maxMapped = 16

// portClass is what holds a port, by the fields of snapshot.PortSlice.
type portClass uint8

const (
	portFree portClass = iota
	portReserved
	portOpen
	portSynSent
	portCloseWait
	portTimeWait
	portBound
	portListener

	classMask = 15
	byBind    = classMask + 1 // a flag: a bind() owns the port
)

func classOf(socket *portspace.Socket) (class portClass) {
	switch socket.State {
	case event.StateSynSent:
		class = portSynSent
	case event.StateCloseWait:
		class = portCloseWait
	case event.StateTimeWait:
		class = portTimeWait
	case event.StateBound:
		return portBound | byBind
	case event.StateListen:
		return portListener | byBind
	default:
		class = portOpen
	}
	if socket.Flags.Has(event.OwnedByBind) {
		class |= byBind
	}
	return class
}

// classOfOwned returns what holds a port of which the space itself has no connection.
func classOfOwned(o *portspace.OwnedPort) portClass {
	switch {
	case o.Waiting():
		return portTimeWait | byBind
	case o.State == event.StateListen:
		return portListener | byBind
	}
	return portBound | byBind
}

// portPlot is what holds each port of a range. One is used for all maps of a snapshot, one after
// another.
type portPlot struct {
	ports   event.PortRange
	classes []portClass // by port, from the first of the range on
	holders []int32     // the same: the number of the process, see spaceRows.number; 0: unknown

	lent   bool       // to a row: what is set is taken back
	before []portHeld // it was set
}

// portHeld is what a plot has of a port.
type portHeld struct {
	at     int32
	holder int32
	class  portClass
}

func (p *portPlot) set(port uint16, class portClass, holder int32) {
	i := int(port) - int(p.ports.Low)
	if p.lent {
		p.before = append(p.before, portHeld{int32(i), p.holders[i], p.classes[i]})
	}
	p.classes[i], p.holders[i] = class, holder
}

// giveBack ends that the plot is lent.
func (p *portPlot) giveBack() {
	for _, was := range slices.Backward(p.before) { // a port may have been set twice
		p.classes[was.at], p.holders[was.at] = was.class, was.holder
	}
	p.lent, p.before = false, p.before[:0]
}

// mapped decides which rows have a map. The rows must be in their order.
func (b *spaceRows) mapped(focus []snapshot.SpaceID) {
	fullest, failing := 0, 0
	for _, row := range b.rows {
		switch {
		case !row.canMap():
		case fullest < maxMapped:
			fullest++
			row.mapped = true
		case row.Exhausted > 0 && failing < maxMapped:
			failing++
			row.mapped = true
		case len(focus) > 0 && slices.Contains(focus, row.ID()):
			row.mapped = true
		}
	}
}

// canMap reports whether the ports are known one by one. No range of a kernel begins with port 0,
// but a recording can hold anything.
func (r *spaceRow) canMap() bool { return r.udp == nil && r.Range.Low > 0 && r.Capacity > 0 }

// plotOf returns what holds the ports of a row that is mapped, but for its own sockets, which the
// caller adds; nil if it is not. It is valid until the next call, and must be given back. The shared
// one is lent to a row that sets few ports: a copy has 140 KB.
func (b *spaceRows) plotOf(row *spaceRow) *portPlot {
	if !row.mapped {
		return nil
	}
	binds := row.view.Binds()
	all := b.plots[binds]
	if all == nil {
		all = b.sharedPlot(row.Netns, binds)
		b.plots[binds] = all
	}
	if row.Kind == snapshot.ConnectSpace && row.Range == all.ports && 8*row.view.InUse() < row.Range.Size() {
		all.lent = true
		return all
	}
	if b.plot == nil {
		b.plot = b.room.newPlot(0)
	}
	plot := b.plot
	plot.ports = row.Range
	from, to := int(row.Range.Low)-int(all.ports.Low), int(row.Range.High)-int(all.ports.Low)+1
	plot.classes = append(plot.classes[:0], all.classes[from:to]...)
	plot.holders = append(plot.holders[:0], all.holders[from:to]...)
	if row.Kind == snapshot.BindSpace { // it has its own way to find all that is in the way
		clear(plot.holders)
		for i, class := range plot.classes {
			if class != portReserved {
				plot.classes[i] = portFree
			}
		}
	}
	return plot
}

// sharedPlot returns what holds ports for all connect spaces of a namespace with that bind table.
func (b *spaceRows) sharedPlot(inode uint32, binds *portspace.BindTable) *portPlot {
	n := b.table.Netns(inode)
	r := n.Ports()
	p := b.room.newPlot(r.Size())
	p.ports = r
	for i := range p.classes {
		if !n.Usable(r.Low + uint16(i)) {
			p.classes[i] = portReserved
		}
	}
	binds.EachOwned(func(port uint16, o portspace.OwnedPort) { p.set(port, classOfOwned(&o), b.number(o.Proc)) })
	return p
}

// number returns a number for a process, from 1 on, the same for all maps of a snapshot.
func (b *spaceRows) number(id event.ProcID) int32 {
	n := b.numbers[id]
	if n == 0 {
		n = int32(len(b.numbers) + 1)
		b.numbers[id] = n
	}
	return n
}

// addMap makes the map and the ranges of the holders that are listed, from a plot with all sockets.
func (b *spaceRows) addMap(row *spaceRow, plot *portPlot) {
	row.Map = &snapshot.PortMap{Low: row.Range.Low, High: row.Range.High, Slices: plot.slices()}
	held := plot.held(row.Holders, b.number, len(b.numbers))
	for i := range row.Holders {
		row.Holders[i].Held = held[i]
	}
}

// slices counts the ports of each slice. The counts of all classes fit into one word: a slice has
// no more than 128 ports.
func (p *portPlot) slices() []snapshot.PortSlice {
	width := snapshot.SliceWidth(p.ports)
	list := make([]snapshot.PortSlice, 0, (len(p.classes)+width-1)/width)
	for part := range slices.Chunk(p.classes, width) {
		var counts classCounts
		for at := nextTaken(part, 0); at < len(part); at = nextTaken(part, at+1) {
			counts += countUnits[part[at]&classMask]
		}
		list = append(list, snapshot.PortSlice{
			Ports: uint16(len(part)), Reserved: counts.of(portReserved), Open: counts.of(portOpen), SynSent: counts.of(portSynSent),
			CloseWait: counts.of(portCloseWait), TimeWait: counts.of(portTimeWait), Bound: counts.of(portBound), Listener: counts.of(portListener),
		})
	}
	return list
}

// nextTaken returns the place of the first port from one on that is not free, the end if all are.
// Most ports of most spaces are free, so that many are compared at once.
func nextTaken(classes []portClass, from int) int {
	const many = 32
	for at := from; at < len(classes); at++ {
		for len(classes)-at >= many && *(*[many]portClass)(classes[at:]) == [many]portClass{} {
			at += many
		}
		if at < len(classes) && classes[at] != portFree {
			return at
		}
	}
	return len(classes)
}

// classCounts has a byte for each portClass.
type classCounts uint64

func (c classCounts) of(class portClass) uint16 { return uint16(c >> (8 * class) & 0xff) }

var countUnits = func() (units [classMask + 1]classCounts) {
	for class := range portListener + 1 {
		units[class] = 1 << (8 * class)
	}
	return units
}()
