package phrase

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// FailingIncident returns which program's calls failed, how often and why: "nginx: 7,731 failures
// to connect to 10.77.0.2:9000, no free local port (EADDRNOTAVAIL)". They can have
// had several targets.
func FailingIncident(f *snapshot.Failure, several bool) string {
	_, name := caller(&f.Proc)
	what := asked(f)
	if several {
		what = "several targets"
	}
	return name + ": " + Plural(f.Count, "failure") + " to " + deed(f) + " " + what + ", " + cause(f)
}

// FullIncident returns which port space had no port left, and how many it has.
func FullIncident(id snapshot.SpaceID, capacity int) string {
	space := snapshot.PortSpace{Kind: id.Kind, Proto: id.Proto, Local: id.Local, Remote: id.Remote, Device: id.Device}
	return Space(&space) + " full, " + Plural(capacity, "port")
}

// DamageIncident returns how much of a recording cannot be read, or was not recorded.
func DamageIncident(g *event.Gap) string {
	if g.Unrecorded {
		return "not recorded for " + ShortDuration(g.End.Sub(g.Begin).Round(time.Millisecond))
	}
	if missing := g.End.Sub(g.Begin); g.Begin != 0 && missing > 0 {
		return "damaged: " + ShortDuration(missing.Round(time.Millisecond)) + " cannot be read"
	}
	return "damaged: a part cannot be read"
}
