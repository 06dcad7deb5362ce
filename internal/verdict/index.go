package verdict

import (
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// processes finds the rows of the processes that a verdict can name: of the host's others it holds
// none.
type processes map[event.ProcID]*snapshot.Process

func newProcesses(s *snapshot.Snapshot, ends *snapshot.Ends) processes {
	x := processes{}
	for i := range s.PortSpaces {
		if space := &s.PortSpaces[i]; space.Kind == snapshot.ConnectSpace {
			for _, p := range ends.Of(space).Pairs {
				x[p.Proc] = nil
			}
		}
	}
	for i := range s.Pairs {
		if p := &s.Pairs[i]; p.SynSent > 0 && !p.NetnsGone {
			x[p.Proc] = nil
		}
	}
	for i := range s.Processes {
		p := &s.Processes[i]
		if _, wanted := x[p.Info.ID]; wanted {
			x[p.Info.ID] = p
		}
	}
	return x
}

// row returns the row of a process that a verdict can name; nil without one. The rows are found when
// one is needed first.
func (c *collector) row(of event.ProcID) *snapshot.Process {
	if c.procs == nil {
		c.procs = newProcesses(c.s, &c.ends)
	}
	return c.procs[of]
}

// spaceFindings are the findings about port spaces, of which each space takes the most urgent.
type spaceFindings struct {
	exact map[spaceEnds]*doctor.Finding
	early []*doctor.Finding // about ports that are bound early
}

// spaceEnds is what a finding about a port space is about.
type spaceEnds struct {
	netns  uint32
	local  event.Addr
	remote event.Endpoint
	udp    bool
}

func newSpaceFindings(findings []doctor.Finding) spaceFindings {
	x := spaceFindings{exact: map[spaceEnds]*doctor.Finding{}}
	for i := range findings {
		f := &findings[i]
		if !spaceCauses[f.Cause] || f.Severity <= doctor.Info || f.Subject.Port != 0 {
			continue
		}
		ends := spaceEnds{f.Subject.Netns, f.Subject.Local, f.Subject.Remote, f.Cause == doctor.UDPPorts}
		if x.exact[ends] == nil {
			x.exact[ends] = f
		}
		if f.Cause == doctor.EarlyBind {
			x.early = append(x.early, f)
		}
	}
	return x
}
