package verdict

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// ownPorts adds the findings about programs that have all ports in use that they choose themselves.
func (c *collector) ownPorts() {
	for i := range c.findings {
		f := &c.findings[i]
		if f.Cause != doctor.OwnPorts || f.Severity == doctor.Info {
			continue
		}
		if p := c.rowOf(f.Subject.Proc); p != nil && p.OwnPorts != nil {
			c.ownPortsUsed(f, p)
		}
	}
}

// rowOf returns the row of a process, nil without one.
func (c *collector) rowOf(id event.ProcID) *snapshot.Process {
	for i := range c.s.Processes {
		if p := &c.s.Processes[i]; id.Known() && p.Info.ID == id {
			return p
		}
	}
	return nil
}

func (c *collector) ownPortsUsed(f *doctor.Finding, p *snapshot.Process) {
	own := p.OwnPorts
	who := phrase.Program(&p.Info)
	name := ""
	if n := c.s.Namespace(own.Netns); n != nil {
		name = n.Name
	}
	ports := fmt.Sprintf("ports %d-%d of %s%s", own.Low, own.High, own.Local, phrase.InNetns(name))
	c.add(trouble{
		level: Soon, kind: otherFinding, process: p.Info.ID, finding: f,
		title: fmt.Sprintf("ALL %s PORTS OF %s IN USE", phrase.Count(own.Size()), phrase.ProgramName(&p.Info)),
		lines: []string{
			fmt.Sprintf("%s has bound %s itself, one by one, and all %s are open.", who, ports, phrase.Count(own.Size())),
			"It opens no further connection, and closes connections that it has accepted.",
			"If these are all its ports (HAProxy: source ADDRESS:LOW-HIGH), it refuses clients for want of one; no call fails.",
		},
		short: who + " has all " + ports + " in use",
	})
}
