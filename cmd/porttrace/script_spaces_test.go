package main

import (
	"cmp"
	"errors"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/record"
)

const (
	spacesNetns = 4026532200
	spacesBegin = event.Time(1000 * time.Second)
)

var (
	spacesShop = event.Process{ID: event.ProcID{PID: 100, Start: 1}, PPID: 1, Comm: "shop", Exe: "/usr/bin/shop", Unit: "shop.service"}
	spacesJob  = event.Process{ID: event.ProcID{PID: 200, Start: 2}, PPID: 1, Comm: "job", Exe: "/usr/bin/job"}
)

// recordSpaces makes a recording of a namespace with 32 ports. The shop connects to its
// cache from each of them, with active closes, within two seconds; then it gets none. The
// job has one of those ports towards its mail server, binds the others after a minute and
// a half, and releases them after ten seconds.
func recordSpaces(name string) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	writer, err := record.NewWriter(file, 0)
	if err != nil {
		return err
	}
	var world event.World
	for _, e := range spacesStream() {
		world.Apply(&e)
		if err := errors.Join(writer.Add(&e, &world), writer.EndBatch(e.Time)); err != nil {
			return err
		}
	}
	return writer.Close()
}

func spacesStream() []event.Event {
	wall := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	events := []event.Event{
		{Time: spacesBegin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: spacesBegin, Wall: wall.UnixNano(), Boot: int64(spacesBegin)}},
		{Time: spacesBegin, Kind: event.ProcessKnown, Fact: &spacesShop},
		{Time: spacesBegin, Kind: event.ProcessKnown, Fact: &spacesJob},
		{Time: spacesBegin, Kind: event.NetnsKnown, Fact: &event.Netns{
			Inode: spacesNetns, Name: "blue", TimeWait: -1, Ports: event.PortRange{Low: 40000, High: 40031},
		}},
		spaceEvent(event.SpaceChanged, 0, "10.0.0.9:1", event.ProcID{}, 0), // has no place in a recording
		spaceEvent(event.Open, 40031, "10.0.0.3:25", spacesJob.ID, 0),
	}
	for port := uint16(40000); port < 40032; port++ {
		at := time.Duration(port-40000) * 50 * time.Millisecond
		closed := spaceEvent(event.Close, port, "10.0.0.2:6379", spacesShop.ID, at+40*time.Millisecond)
		closed.Flags, closed.ClosedBy = event.TimeWait, event.Local
		events = append(events, spaceEvent(event.Open, port, "10.0.0.2:6379", spacesShop.ID, at), closed)
	}
	failed := spaceEvent(event.ConnectFail, 0, "10.0.0.2:6379", spacesShop.ID, 2*time.Second)
	failed.Op, failed.Errno, failed.Reason = event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted
	events = append(events, failed)
	for port := uint16(40000); port < 40031; port++ {
		events = append(events, spaceEvent(event.Bind, port, "", spacesJob.ID, 90*time.Second),
			spaceEvent(event.SocketGone, port, "", spacesJob.ID, 100*time.Second))
	}
	for after := 3 * time.Second; after < 102*time.Second; after += time.Second {
		events = append(events, event.Event{Time: spacesBegin.Add(after), Kind: event.HealthKnown, Fact: &event.Health{}})
	}
	slices.SortStableFunc(events, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
	return events
}

func spaceEvent(kind event.Kind, port uint16, to string, proc event.ProcID, after time.Duration) event.Event {
	e := event.Event{
		Time: spacesBegin.Add(after), Kind: kind, Proto: event.TCP, Netns: spacesNetns, Proc: proc, Count: 1,
		Src: event.Endpoint{Addr: event.AddrFrom(netip.MustParseAddr("10.0.0.1")), Port: port},
	}
	if to != "" {
		remote := netip.MustParseAddrPort(to)
		e.Direction, e.Dst = event.Out, event.Endpoint{Addr: event.AddrFrom(remote.Addr()), Port: remote.Port()}
	}
	return e
}
