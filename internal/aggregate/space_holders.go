package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxHolders is how many holders and victims a space lists.
const maxHolders = 10

// boundPorts are those of the range that one process owns by bind().
type boundPorts struct {
	ports   int
	waiting int // of ports: only TIME_WAIT buckets are left
	before  int // of ports
}

// add counts a port n times, -1 takes it away.
func (b *boundPorts) add(o *portspace.OwnedPort, n int) {
	b.ports += n
	if o.Waiting() {
		b.waiting += n
	}
	if o.Before {
		b.before += n
	}
}

// holders are those of a space, by process.
type holders struct {
	byProc map[event.ProcID]*holder
	last   *holder // that of the socket before, mostly that of the next
	lastID event.ProcID
	number func(event.ProcID) int32
}

type holder struct {
	snapshot.Holder
	number int32 // see spaceRows.number
}

func (b *spaceRows) newHolders(plot *portPlot) *holders {
	h := &holders{byProc: map[event.ProcID]*holder{}, number: func(event.ProcID) int32 { return 0 }}
	if plot != nil {
		h.number = b.number
	}
	return h
}

func (h *holders) of(id event.ProcID) *holder {
	if h.last != nil && h.lastID == id {
		return h.last
	}
	one := h.byProc[id]
	if one == nil {
		one = &holder{number: h.number(id)}
		h.byProc[id] = one
	}
	h.last, h.lastID = one, id
	return one
}

// addHolders adds the processes that hold the ports, and the map.
func (b *spaceRows) addHolders(row *spaceRow) {
	plot := b.plotOf(row)
	list := b.newHolders(plot)
	for id, bound := range b.boundPorts(row) {
		h := list.of(id)
		h.Bound, h.TimeWait, h.Before = bound.ports-bound.waiting, bound.waiting, bound.before
	}
	if plot == nil && row.view.IsPlain() {
		row.view.EachHolding(b.now, list.add)
	} else {
		b.addSockets(row, list, plot)
	}
	b.list(row, list, plot)
}

// add adds sockets whose ports no bind() owns.
func (h *holders) add(sockets *portspace.Holding) {
	if !sockets.InRange {
		return
	}
	one := h.of(sockets.Proc)
	one.Live += int(sockets.Open)
	one.CloseWait += int(sockets.CloseWait)
	one.TimeWait += int(sockets.TimeWait)
	one.Before += int(sockets.Before)
}

// addSockets adds the sockets of a space one by one.
func (b *spaceRows) addSockets(row *spaceRow, list *holders, plot *portPlot) {
	binds, owns := row.view.Binds(), row.view.OwnedPorts()
	for port, socket := range row.view.Each() {
		if !row.view.Holds(port) {
			continue
		}
		if owns(port) { // counted with the connection and not as bound
			owner := binds.Owner(port)
			var own boundPorts
			own.add(&owner, 1)
			h := list.of(owner.Proc)
			h.Bound, h.TimeWait, h.Before = h.Bound-own.ports+own.waiting, h.TimeWait-own.waiting, h.Before-own.before
		}
		h := list.of(socket.Proc)
		addSocket(&h.Holder, &socket)
		if plot != nil {
			plot.set(port, classOf(&socket), h.number)
		}
	}
}

// list ranks the holders, and makes the map of a row that has one.
func (b *spaceRows) list(row *spaceRow, of *holders, plot *portPlot) {
	b.rank(row, of)
	if plot != nil {
		b.addMap(row, plot)
		plot.giveBack()
	}
}

// addBindHolders adds the processes that hold the ports which a bind() cannot get, and the map.
func (b *spaceRows) addBindHolders(row *spaceRow) {
	plot := b.plotOf(row)
	list := b.newHolders(plot)
	for port, socket := range b.table.BindHolders(row.id.bindSpace()) {
		h := list.of(socket.Proc)
		addSocket(&h.Holder, &socket)
		if plot != nil {
			plot.set(port, classOf(&socket), h.number)
		}
	}
	b.list(row, list, plot)
}

func addSocket(h *snapshot.Holder, socket *portspace.Socket) {
	switch socket.State {
	case event.StateBound, event.StateListen:
		h.Bound++
	case event.StateTimeWait:
		h.TimeWait++
	case event.StateCloseWait:
		h.CloseWait++
		h.Live++
	default:
		h.Live++
	}
	if socket.Flags.Has(event.BeforeStart) {
		h.Before++
	}
}

// boundPorts returns the ports that a bind() owns, by owner; the same for most spaces with one
// bind table.
func (b *spaceRows) boundPorts(row *spaceRow) map[event.ProcID]boundPorts {
	binds := row.view.Binds()
	if known := b.bound[binds]; known != nil && !row.PerSocketRange {
		return known
	}
	owners := map[event.ProcID]boundPorts{}
	binds.EachOwned(func(port uint16, o portspace.OwnedPort) {
		if row.PerSocketRange && !row.Range.Holds(port) {
			return
		}
		bound := owners[o.Proc]
		bound.add(&o, 1)
		owners[o.Proc] = bound
	})
	if !row.PerSocketRange {
		b.bound[binds] = owners
	}
	return owners
}

// rank lists the holders with the most ports and sums up the rest, by process and by program: a
// loop of 2,000 curls is one holder of 2,000 ports.
func (b *spaceRows) rank(row *spaceRow, all *holders) {
	var ids []event.ProcID
	var programs snapshot.HolderSum
	for id, h := range all.byProc {
		if h.Ports() > 0 {
			ids = append(ids, id)
			programs.Add(b.whois(id), &h.Holder)
		}
	}
	slices.SortFunc(ids, func(a, c event.ProcID) int {
		return cmp.Or(cmp.Compare(all.byProc[c].Ports(), all.byProc[a].Ports()), compareProc(a, c))
	})
	for i, id := range ids {
		if h := all.byProc[id]; i < maxHolders {
			h.Proc = *b.whois(id)
			row.Holders = append(row.Holders, h.Holder)
		} else {
			row.OtherHolders.Add(&h.HeldCount)
		}
	}
	row.Programs = programs.Programs()
	for i := maxHolders; i < len(row.Programs); i++ {
		row.OtherPrograms.Add(&row.Programs[i].HeldCount)
	}
	row.Programs = slices.Clip(row.Programs[:min(len(row.Programs), maxHolders)])
}

func compareProc(a, b event.ProcID) int {
	return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.Start, b.Start))
}
