package report

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	topSpaces  = 10 // those after them have room
	topHolders = 3  // those after them hold little, as a rule
)

// writeSpaces lists the fullest port spaces, and says of those that are full or nearly so
// who holds their ports and who gets none.
func writeSpaces(out *bytes.Buffer, s *snapshot.Snapshot) {
	t := table{
		head: []string{"taken", "space", "in use", "of", "live", "time_wait", "bound", "opens/s", "of", "full", "failed", "netns"},
		left: "space full netns",
	}
	fullest, _ := snapshot.ColumnNamed(snapshot.SpaceColumns(), "taken")
	listed := snapshot.Sort(s.PortSpaces, fullest, false)
	listed = listed[:min(len(listed), topSpaces)]
	for i := range listed {
		p := &listed[i]
		outlook := p.Outlook()
		t.add(taken(p), spaceName(p), figure(p, p.InUse()), capacity(p), figure(p, p.Live), figure(p, p.TimeWait),
			figure(p, p.Bound), fmt.Sprintf("%.1f", p.OpenRate), sustainable(p), outlook.String(),
			strconv.FormatUint(p.Exhausted, 10), netns(p.NetnsName, p.Netns))
	}
	t.write(out, "Port spaces: "+verdict(s), len(s.PortSpaces)-len(listed)+s.OtherPortSpaces)
	for i := range listed {
		if p := &listed[i]; p.Tight(s.Wall) && len(p.Holders)+len(p.Victims) > 0 {
			writeTight(out, p)
		}
	}
}

// verdict is what one wants to know of all port spaces together.
func verdict(s *snapshot.Snapshot) string {
	var full, near, waiting, spaces, known int
	var fullest *snapshot.PortSpace
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		switch {
		case !p.Tight(s.Wall):
		case p.IsFull() || p.Fails(s.Wall):
			full++
		default:
			near++
		}
		if p.Kind == snapshot.ConnectSpace && p.TimeWait > 0 {
			waiting += p.TimeWait
			spaces++
		}
		if p.Capacity > 0 {
			known++
		}
		if p.Capacity > 0 && p.Wanted() && (fullest == nil || p.TakenShare() > fullest.TakenShare()) {
			fullest = p
		}
	}
	switch {
	case full+near > 0:
		return fmt.Sprintf("%d full or without a port for a call, %d nearly full", full, near)
	case fullest == nil && known > 0:
		return "nobody draws from them"
	case fullest == nil:
		return "how many ports they have is not known"
	}
	return fmt.Sprintf("none is near full, the fullest has %s taken; %d ports in TIME_WAIT, spread over %d spaces",
		taken(fullest), waiting, spaces)
}

// taken is 100% of a full space only.
func taken(s *snapshot.PortSpace) string {
	if s.Capacity <= 0 {
		return "?"
	}
	return fmt.Sprintf("%d%%", s.TakenPercent())
}

// figure is a number of ports: those in the range are counted, so without one none is.
func figure(s *snapshot.PortSpace, ports int) string {
	if s.Capacity <= 0 {
		return "-"
	}
	return strconv.Itoa(ports)
}

func capacity(s *snapshot.PortSpace) string {
	if s.Capacity <= 0 {
		return "?"
	}
	return strconv.Itoa(s.Capacity)
}

func sustainable(s *snapshot.PortSpace) string {
	if s.Sustainable <= 0 {
		return "?"
	}
	return fmt.Sprintf("%.1f", s.Sustainable)
}

// spaceName is LOCAL -> REMOTE:PORT, or whose ports bind() hands out.
func spaceName(s *snapshot.PortSpace) string {
	local := localAddr(s)
	if s.Kind == snapshot.BindSpace && s.Local == (event.Addr{}) {
		local = "any address"
	}
	if s.Device != 0 {
		local += "%" + strconv.FormatUint(uint64(s.Device), 10)
	}
	if s.Kind == snapshot.BindSpace {
		return "bind() on " + local
	}
	return cmp.Or(local, "?") + " -> " + s.Remote.String()
}

func writeTight(out *bytes.Buffer, s *snapshot.PortSpace) {
	fmt.Fprintf(out, "\n  %s %s\n", spaceName(s), state(s))
	for _, h := range s.Holders[:min(len(s.Holders), topHolders)] {
		fmt.Fprintf(out, "    held by %s: %s\n", printable.String(owner(&h)), held(&h))
	}
	if len(s.Holders) > topHolders || s.OtherHolders.Ports() > 0 {
		out.WriteString("    and by others\n")
	}
	for _, v := range s.Victims[:min(len(s.Victims), topHolders)] {
		fmt.Fprintf(out, "    no port for %s: %d times, last at %s\n", printable.String(named(&v.Proc)), v.Failures,
			v.Last.UTC().Format(time.TimeOnly))
	}
	if more := len(s.Victims) - topHolders; more > 0 {
		fmt.Fprintf(out, "    and for %d more\n", more)
	}
}

// state is how full a space is, and since or until when.
func state(s *snapshot.PortSpace) string {
	forecast := s.Outlook()
	switch {
	case s.FullBefore:
		return "is full since before " + s.Full.UTC().Format(time.TimeOnly)
	case !s.Full.IsZero():
		return "is full since " + s.Full.UTC().Format(time.TimeOnly)
	case s.IsFull():
		return "is full"
	case s.Capacity <= 0:
		return "had no port for a call"
	case !forecast.Known:
		return "has " + taken(s) + " taken"
	}
	return "has " + taken(s) + " taken, full " + forecast.String()
}

// owner is a process, or what is known of sockets without one.
func owner(h *snapshot.Holder) string {
	if !h.Proc.ID.Known() && h.Before > 0 {
		return "sockets from before the start"
	}
	return named(&h.Proc)
}

func named(p *event.Process) string {
	if !p.ID.Known() {
		return "an unknown process"
	}
	return fmt.Sprintf("%s (%d)", cmp.Or(p.Comm, "?"), p.ID.PID)
}

func held(h *snapshot.Holder) string {
	var states []string
	for _, part := range []struct {
		n    int
		what string
	}{{h.Live, "live"}, {h.CloseWait, "of them in CLOSE_WAIT"}, {h.TimeWait, "in TIME_WAIT"}, {h.Bound, "bound"}} {
		if part.n > 0 {
			states = append(states, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(states, ", ")
}
