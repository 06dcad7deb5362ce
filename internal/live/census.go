package live

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/procinfo"
)

const (
	// A look at all sockets costs some 10 ms for 28,000 of them. It is taken as often as
	// takes a hundredth of a processor, and once a second at most.
	censusEvery = time.Second
	censusShare = 100
	// restateEvery is how often a recording gets all sockets again: a reader that has
	// lost a part is right again from there on.
	restateEvery = time.Minute
	maxTold      = 1 << 14
	// censusPatience is how long the first screen and the last one wait for a look that is
	// under way.
	censusPatience = 150 * time.Millisecond
)

// census keeps the table of sockets that the stream has told of, and corrects the stream
// by looks at the sockets that there are.
type census struct {
	eyes     eyes
	table    *portspace.Table
	looks    chan look // the one that is under way, once it is done
	looking  bool
	touched  map[portspace.Port]bool // while one is under way
	next     event.Time
	every    time.Duration            // 0: by the cost
	room     map[uint32][]event.Event // by namespace: what was found there last, to be used again
	restated map[uint32]event.Time    // by namespace
	ended    []uint32                 // namespaces that are not there any more
	told     map[event.ProcID]bool
	rounds   int
	crowded  bool // and it has been said
}

// look is what there was, in all namespaces.
type look struct {
	began     event.Time
	cost      time.Duration // of a processor's time
	spaces    []looked
	processes []event.Process // who holds sockets
}

type looked struct {
	netns   uint32
	bound   bool            // ports that are only bound were seen
	ports   event.PortRange // to which the look was confined; zero: it was not
	took    time.Duration
	sockets []event.Event
	part    bool // there were more of them
}

func newCensus(eyes eyes) census {
	return census{
		eyes: eyes, table: portspace.New(portspace.Limit), looks: make(chan look, 1), touched: map[portspace.Port]bool{},
		room: map[uint32][]event.Event{}, restated: map[uint32]event.Time{}, told: map[event.ProcID]bool{},
	}
}

// follow takes events that go into the stream.
func (c *census) follow(events []event.Event) {
	for i := range events {
		e := &events[i]
		c.table.Add(e)
		if c.looking && e.Proto == event.TCP && e.Src.Port != 0 {
			c.touched[portspace.PortOf(e)] = true
		}
	}
}

// begin starts a look when one is due. Everything that happened before has been followed.
func (c *census) begin(inodes []uint32, now event.Time) {
	if c.looking || now < c.next {
		return
	}
	c.looking = true
	clear(c.touched)
	places := make([]place, len(inodes))
	for i, inode := range inodes {
		room := slices.Grow(c.room[inode], c.table.Held(inode))
		places[i] = place{inode, c.table.Netns(inode).Fact().Ports, room}
	}
	clear(c.room)
	for inode := range c.restated {
		if !slices.Contains(inodes, inode) {
			c.ended = append(c.ended, inode)
		}
	}
	told := c.told // nobody writes while a look is under way
	go func() { c.looks <- takeLook(c.eyes, places, told) }()
}

// wait returns the look that is done, if there is one within the time.
func (c *census) wait(patience time.Duration) *look {
	if !c.looking {
		return nil
	}
	select {
	case l := <-c.looks:
		return &l
	default:
	}
	if patience == 0 {
		return nil
	}
	select {
	case l := <-c.looks:
		return &l
	case <-time.After(patience):
		return nil
	}
}

// takeLook runs beside the reading of events.
func takeLook(eyes eyes, places []place, told map[event.ProcID]bool) look {
	l := look{began: monotonic()}
	l.spaces, l.cost = eyes.look(places)
	l.cost += onCPU(func() { l.processes = introduce(l.spaces, told) })
	return l
}

// introduce reads who the holders of sockets are that nobody has been told of.
func introduce(spaces []looked, told map[event.ProcID]bool) []event.Process {
	var list []event.Process
	met := map[event.ProcID]bool{}
	for _, one := range spaces {
		for i := range one.sockets {
			id := one.sockets[i].Proc
			if !id.Known() || told[id] || met[id] {
				continue
			}
			met[id] = true
			if p, err := procinfo.Read(id.PID); err == nil && p.ID == id {
				list = append(list, p)
			}
		}
	}
	return list
}

// finish takes a look that is done, after everything that happened before its end has been
// followed, and appends what it corrects.
func (c *census) finish(dst []event.Event, l *look, now event.Time) []event.Event {
	c.looking = false
	l.cost += onCPU(func() { dst = c.tell(dst, l, now) })
	c.rounds++
	c.next = l.began.Add(cmp.Or(c.every, max(censusEvery, censusShare*l.cost)))
	return dst
}

func (c *census) tell(dst []event.Event, l *look, now event.Time) []event.Event {
	if len(c.told) > maxTold {
		clear(c.told) // to tell of somebody twice does no harm
	}
	for i := range l.processes {
		p := &l.processes[i]
		c.told[p.ID] = true
		dst = append(dst, event.Event{Time: now, Kind: event.ProcessKnown, Fact: p})
	}
	for _, one := range l.spaces {
		dst = c.crowd(dst, &one, now)
		dst = c.correct(dst, one, now)
		c.room[one.netns] = one.sockets[:0]
	}
	for _, inode := range c.ended { // and all its sockets with it
		dst = c.correct(dst, looked{netns: inode, bound: true}, now)
		delete(c.restated, inode)
	}
	c.ended = c.ended[:0]
	return dst
}

// crowd says once that there are more sockets than are followed.
func (c *census) crowd(dst []event.Event, one *looked, now event.Time) []event.Event {
	if c.crowded || !one.part && !c.table.Crowded() {
		return dst
	}
	c.crowded = true
	return append(dst, event.Event{Time: now, Kind: event.Notice, Fact: event.Text(fmt.Sprintf(
		"%d sockets are followed and there are more: port spaces can be fuller than shown", portspace.Limit))})
}

func (c *census) correct(dst []event.Event, one looked, now event.Time) []event.Event {
	fact := &event.Census{
		Netns: one.netns, Bound: one.bound, Sockets: uint64(len(one.sockets)), Took: uint64(one.took),
	}
	if c.rounds == 0 {
		for i := range one.sockets {
			one.sockets[i].Flags |= event.BeforeStart
		}
	}
	last, restated := c.restated[one.netns]
	fresh := !restated && c.table.Held(one.netns) == 0
	due := restated && now.Sub(last) >= restateEvery
	dst = append(dst, event.Event{Time: now, Kind: event.CensusTaken, Fact: fact})
	begin := len(dst)
	dst = c.table.Compare(dst, portspace.Seen{
		Census: *fact, At: now, Sockets: one.sockets, Part: one.part, Ports: one.ports,
		Unsettled: func(p portspace.Port) bool { return c.touched[p] },
	})
	c.follow(dst[begin:])
	if due || !restated {
		c.restated[one.netns] = now
	}
	fact.Whole = due || fresh
	if !due {
		return dst // of a fresh one they are all sockets
	}
	gone := slices.DeleteFunc(dst[begin:], func(e event.Event) bool { return e.Kind != event.SocketGone })
	return c.table.Sockets(dst[:begin+len(gone)], one.netns, now)
}
