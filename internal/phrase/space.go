package phrase

import (
	"fmt"
	"strconv"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Arrow stands between the local and the remote end of a connect space.
const Arrow = " → "

// Space returns the name of a port space: LOCAL → REMOTE:PORT, LOCAL: bind() to port 0.
func Space(s *snapshot.PortSpace) string {
	if s.Kind == snapshot.BindSpace {
		return Local(s) + ": " + bindOf(s) + " to port 0"
	}
	return Local(s) + Arrow + Remote(s.Proto, s.Remote)
}

// bindOf returns the call that allocates from a bind space. TCP and UDP have ports of their
// own each.
func bindOf(s *snapshot.PortSpace) string {
	if s.Proto == event.UDP {
		return "UDP bind()"
	}
	return "bind()"
}

// Local returns the local address, with the interface as ss(8) writes it. A bind() to 0.0.0.0 or [::] needs
// a port that is free on every address: others can have free ports when it finds none.
func Local(s *snapshot.PortSpace) string {
	name := s.Local.String()
	switch unspecified := s.Local.IP().IsUnspecified(); {
	case unspecified && s.Kind != snapshot.BindSpace:
		name = "?"
	case unspecified && !s.Local.Is4():
		name = "[::]" // a colon can follow
	}
	if s.Device != 0 {
		name += "%" + strconv.FormatUint(uint64(s.Device), 10)
	}
	return name
}

// Purpose returns which calls allocate from the space.
func Purpose(s *snapshot.PortSpace) string {
	on := "that address"
	if s.Local.IP().IsUnspecified() {
		on = "any address"
	}
	if s.Proto == event.UDP {
		return bindOf(s) + " to port 0, and the first send or connect of a UDP socket, on " + Local(s) +
			": they allocate ports that no UDP socket on " + on + " has, connected or not"
	}
	if s.Kind == snapshot.BindSpace {
		return bindOf(s) + " to port 0 on " + Local(s) + ": it allocates ports that no socket on " + on + " has, connected or not"
	}
	return "connect() from " + Local(s) + " to " + Remote(s.Proto, s.Remote) + "; other destinations have their own"
}

// StatePorts returns a number of ports by the state of a TCP connection: a UDP socket has none.
func StatePorts(s *snapshot.PortSpace, ports int) string {
	if s.Proto == event.UDP {
		return Unknown
	}
	return Ports(s, ports)
}

// Ports returns a number of ports of the space. Without a range none is counted.
func Ports(s *snapshot.PortSpace, ports int) string {
	if s.Capacity <= 0 {
		return Unknown
	}
	return Count(ports)
}

// Capacity returns the number of ports of the space.
func Capacity(s *snapshot.PortSpace) string {
	if s.Capacity <= 0 {
		return "?"
	}
	return Count(s.Capacity)
}

// Taken returns the share that is taken: 100% only if the space is full, 0% only if no
// port is taken.
func Taken(s *snapshot.PortSpace) string {
	percent := s.TakenPercent()
	switch {
	case s.Capacity <= 0:
		return "?"
	case percent == 0 && s.TakenShare() > 0:
		return "<1%"
	}
	return strconv.Itoa(percent) + "%"
}

// Sustainable returns the opens per second that the space can serve, with a decimal: the
// rule of thumb often differs by less than one.
func Sustainable(s *snapshot.PortSpace) string {
	switch {
	case s.Sustainable <= 0:
		return Unknown
	case s.Sustainable < 1000:
		return strconv.FormatFloat(s.Sustainable, 'f', 1, 64)
	}
	return Rate(s.Sustainable)
}

// SustainableSentence is Sustainable with its condition and the rule of thumb.
func SustainableSentence(s *snapshot.PortSpace) string {
	if s.Sustainable <= 0 {
		return "not known yet"
	}
	if s.SustainableRough {
		return Sustainable(s) + "/s if each connection is closed at once; how long they last is not known yet"
	}
	text := Sustainable(s) + "/s at current lifetimes"
	if s.Textbook > 0 {
		text += fmt.Sprintf("; %.1f/s by the rule of thumb, ports / %.0f s", s.Textbook, s.TimeWaitLength.Seconds())
	}
	return text
}

// TimeWait returns how many ports are in TIME_WAIT, and how many of them wait for the peer.
func TimeWait(s *snapshot.PortSpace) string {
	text := fmt.Sprintf("%s after an active close by this host, each for %.0f s", Count(s.TimeWait), s.TimeWaitLength.Seconds())
	if s.FinWait2 > 0 {
		text += "; " + Count(s.FinWait2) + " of them in FIN_WAIT2, until the peer closes or tcp_fin_timeout ends them"
	}
	return text
}

// Headroom returns how many ports are left.
func Headroom(s *snapshot.PortSpace) string {
	switch {
	case s.Capacity <= 0:
		return "not known"
	case s.Reusable > 0:
		return Count(s.Headroom()) + ", plus " + Count(s.Reusable) + " in TIME_WAIT that can be reused (tcp_tw_reuse)"
	case s.Unstamped > 0:
		return Count(s.Headroom()) + "; " + Count(s.Unstamped) + " in TIME_WAIT cannot be reused: the peer sends no TCP timestamps, or tcp_timestamps is 0"
	}
	return Count(s.Headroom())
}

// FullFor returns for how long the space has been full: for 24s, for over 24s.
func FullFor(s *snapshot.PortSpace, now time.Time) string {
	if s.FullBeforeStart {
		return "for over " + Elapsed(now.Sub(s.FullSince))
	}
	return "for " + Elapsed(now.Sub(s.FullSince))
}

// FullSince returns since when the space has been full, empty while a port is left.
func FullSince(s *snapshot.PortSpace, layout string) string {
	switch {
	case s.FullSince.IsZero():
		return ""
	case s.FullBeforeStart:
		return "since before start"
	}
	return "since " + Time(s.FullSince, layout)
}
