package compare

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// groups compares the programs: what they open, and how long that lives.
func (c *comparison) groups() {
	before, after := snapshot.GroupProcesses(c.before, snapshot.ByProgram), snapshot.GroupProcesses(c.after, snapshot.ByProgram)
	each(before, after, programOf, func(was, is *snapshot.ProcessGroup) {
		program := cmp.Or(is.GroupKey, was.GroupKey)
		each(was.Destinations, is.Destinations, destinationOf, func(was, is *snapshot.Pair) {
			to := is
			if to.Remote == (event.Endpoint{}) {
				to = was
			}
			c.addCounts(Change{Kind: Opens, Program: program, Netns: to.NetnsName, Proto: to.Proto, Remote: to.Remote}, was.Opens, is.Opens)
		})
		if was.ClosesOut >= leastLives && is.ClosesOut >= leastLives {
			c.add(Change{Kind: Lifetime, Program: program, Before: was.LifetimeP50.Seconds(), After: is.LifetimeP50.Seconds()}, 0.001)
		}
	})
}

// programOf identifies a program in another recording, where its processes are others.
func programOf(g *snapshot.ProcessGroup) snapshot.GroupKey {
	key := g.GroupKey
	if key.Executable != "" || key.Script != "" {
		key.Name = "" // the most frequent of its processes' names
	}
	return key
}

type destination struct {
	netns  string
	proto  event.Proto
	remote event.Endpoint
}

func destinationOf(p *snapshot.Pair) destination { return destination{p.NetnsName, p.Proto, p.Remote} }

type failureKey struct {
	name, executable, script, netns string
	proto                           event.Proto
	target                          event.Endpoint
	reason                          event.Reason
	op                              event.Op
}

func failureOf(f *snapshot.ProgramFailure) failureKey {
	return failureKey{f.Program.Name, f.Program.Executable, f.Program.Script, f.NetnsName, f.Proto, f.Target, f.Reason, f.Op}
}

func (c *comparison) failures() {
	each(snapshot.FailuresByProgram(c.before), snapshot.FailuresByProgram(c.after), failureOf, func(was, is *snapshot.ProgramFailure) {
		f := is
		if f.Count == 0 {
			f = was
		}
		c.addCounts(Change{
			Kind: Failures, Program: programKey(&f.Program), Netns: f.NetnsName, Proto: f.Proto, Remote: f.Target, Reason: f.Reason, Op: f.Op,
		}, was.Count, is.Count)
	})
}

func programKey(p *snapshot.Program) snapshot.GroupKey {
	return snapshot.GroupKey{Name: p.Name, Executable: p.Executable, Script: p.Script}
}

type spaceKey struct {
	kind   snapshot.SpaceKind
	netns  string
	proto  event.Proto
	local  event.Addr
	remote event.Endpoint
}

func spaceOf(p *snapshot.PortSpace) spaceKey {
	return spaceKey{p.Kind, p.NetnsName, p.Proto, p.Local, p.Remote}
}

// spaces compares the port spaces: how full they were, and who holds their ports.
func (c *comparison) spaces() {
	each(c.before.PortSpaces, c.after.PortSpaces, spaceOf, func(was, is *snapshot.PortSpace) {
		p := is
		if p.Capacity == 0 {
			p = was
		}
		one := Change{Netns: p.NetnsName, Proto: p.Proto, Local: p.Local, Remote: p.Remote, Capacity: p.Capacity}
		space := one
		space.Kind, space.Before, space.After = Space, float64(was.Peak), float64(is.Peak)
		c.add(space, max(leastPorts, 0.05*float64(p.Capacity)))
		before, _ := was.HoldersByProgram()
		after, _ := is.HoldersByProgram()
		each(before, after, func(h *snapshot.ProgramHolder) snapshot.GroupKey { return programKey(&h.Program) }, func(was, is *snapshot.ProgramHolder) {
			held := one
			held.Kind, held.Before, held.After = Held, float64(was.Ports()), float64(is.Ports())
			held.Program = programKey(&is.Program)
			if is.Ports() == 0 {
				held.Program = programKey(&was.Program)
			}
			c.add(held, max(leastPorts, 0.05*float64(p.Capacity)))
		})
	})
}

// settings compares the settings of namespaces that are in both.
func (c *comparison) settings() {
	byName := map[string]*snapshot.Namespace{}
	for i := range c.before.Namespaces {
		byName[c.before.Namespaces[i].Name] = &c.before.Namespaces[i]
	}
	for i := range c.after.Namespaces {
		is := &c.after.Namespaces[i]
		was := byName[is.Name]
		if was == nil || !was.Ports.Known() || !is.Ports.Known() {
			continue
		}
		old, now := settingsOf(was), settingsOf(is)
		for i := range now {
			if old[i].value != now[i].value && old[i].value != "" && now[i].value != "" {
				c.list = append(c.list, Change{Kind: Setting, Netns: is.Name, Name: now[i].name, From: old[i].value, To: now[i].value})
			}
		}
	}
}

type setting struct{ name, value string }

// settingsOf returns the settings that decide on ports, by the names of sysctl(8); empty: not known.
func settingsOf(n *snapshot.Namespace) []setting {
	known := func(known bool, value string) string {
		if !known {
			return ""
		}
		return value
	}
	reserved := n.Reserved
	if reserved == "" {
		reserved = "none"
	}
	return []setting{
		{"net.ipv4.ip_local_port_range", fmt.Sprintf("%d %d", n.Ports.Low, n.Ports.High)},
		{"net.ipv4.ip_local_reserved_ports", reserved},
		{"net.ipv4.tcp_tw_reuse", strconv.Itoa(int(n.Reuse))},
		{"net.ipv4.tcp_max_tw_buckets", strconv.FormatInt(n.MaxTimeWait, 10)},
		{"net.ipv4.tcp_timestamps", known(n.Timestamps.Known(), strconv.FormatUint(uint64(n.Timestamps.Value()), 10))},
		{"net.ipv4.tcp_fin_timeout", known(n.FinTimeout > 0, n.FinTimeout.String())},
		{"net.ipv4.tcp_tw_timeout", known(n.TimeWaitSetting > 0, n.TimeWaitSetting.String())},
		{"net.ipv4.ip_nonlocal_bind", known(n.NonlocalBind.Known(), strconv.FormatUint(uint64(n.NonlocalBind.Value()), 10))},
		{"net.ipv4.tcp_max_orphans", known(n.MaxOrphans.Known(), strconv.FormatUint(n.MaxOrphans.Value(), 10))},
	}
}
