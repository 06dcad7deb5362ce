package verdict

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// stalledFor is for how many seconds a program with a block of its own has opened nothing.
	stalledFor = 5
	// refusedIn is within how many seconds it has closed accepted connections, enoughRefused of them.
	refusedIn, enoughRefused = 10, 3
)

// ownPorts adds the programs that choose their ports themselves and use all that they have had so
// far, while they open nothing and close accepted connections: a program that finds no port in a
// list of its own makes no call that fails.
func (c *collector) ownPorts() {
	for i := range c.s.Processes {
		if p := &c.s.Processes[i]; p.OwnPorts != nil && p.OwnPorts.Open == p.OwnPorts.Size() && refuses(p) {
			c.ownPortsUsed(p)
		}
	}
}

// refuses reports whether the process has opened nothing in the last seconds and closed what it has
// accepted: all its outgoing connections are still there.
func refuses(p *snapshot.Process) bool {
	opens, closes := 0, 0
	for i, point := range p.History {
		if i >= len(p.History)-stalledFor {
			opens += int(point.Opens)
		}
		if i >= len(p.History)-refusedIn {
			closes += int(point.Closes)
		}
	}
	return len(p.History) > stalledFor && opens == 0 && closes >= enoughRefused
}

func (c *collector) ownPortsUsed(p *snapshot.Process) {
	own := p.OwnPorts
	who := phrase.Program(&p.Info)
	name := ""
	if n := c.s.Namespace(own.Netns); n != nil {
		name = n.Name
	}
	ports := fmt.Sprintf("ports %d-%d of %s%s", own.Low, own.High, own.Local, phrase.InNetns(name))
	c.add(trouble{
		level: Soon, kind: otherFinding, process: p.Info.ID,
		title: fmt.Sprintf("ALL %s PORTS OF %s IN USE", phrase.Count(own.Size()), phrase.ProgramName(&p.Info)),
		lines: []string{
			fmt.Sprintf("%s has bound %s itself, one by one, and all %s are open.", who, ports, phrase.Count(own.Size())),
			"It opens no further connection, and closes connections that it has accepted.",
			"If these are all its ports (HAProxy: source ADDRESS:LOW-HIGH), it refuses clients for want of one; no call fails.",
		},
		do:    "Give " + phrase.ProgramName(&p.Info) + " more ports, or another source address",
		short: who + " has all " + ports + " in use",
	})
}
