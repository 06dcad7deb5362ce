package anonymize

import "github.com/porttrace/porttrace/internal/event"

// notice stands for a text, which can have any name in it.
const notice event.Text = "a notice that is not in this anonymous stream, as it may have names in it"

// hide replaces what identifies in an event. Facts are copied: others have them, too.
func (a *Anonymizer) hide(e *event.Event) {
	e.Src.Addr, e.Dst.Addr = a.addr(e.Src.Addr), a.addr(e.Dst.Addr)
	if e.Holder != nil {
		holder := *e.Holder
		holder.Local.Addr, holder.Remote.Addr = a.addr(holder.Local.Addr), a.addr(holder.Remote.Addr)
		e.Holder = &holder
	}
	e.Fact = a.fact(e.Fact)
}

// fact lists all facts, so that one which is added later does not come through unseen.
func (a *Anonymizer) fact(from event.Fact) event.Fact {
	switch fact := from.(type) {
	case *event.Process:
		return a.process(fact)
	case *event.Host:
		to := *fact // the kernel's release, its architecture and the inode of a pid namespace stay
		to.Name = a.names.host(fact.Name)
		return &to
	case *event.Netns:
		to := *fact // its reserved ports stay
		to.Name = a.names.netns(fact.Name)
		return &to
	case event.Text:
		return notice
	case event.Signals, event.Clock, *event.NetnsCounts, *event.FileUse, *event.UDPUse, *event.Census, *event.Fold,
		*event.Health, *event.Gap, *event.SpaceUse, *event.AddressStamp: // numbers, and what porttrace says of the kernel
		return fact
	}
	return nil
}

func (a *Anonymizer) process(from *event.Process) *event.Process {
	n := &a.names
	to := *from
	to.UID = n.user(from.UID)
	to.Comm = n.file(from.Comm)
	to.Exe = n.path(from.Exe)
	to.Cgroup = n.cgroup(from.Cgroup)
	to.Container = n.container(from.Container)
	to.Unit = n.unit(from.Unit)
	to.Pod = event.Pod(n.pod(string(from.Pod)))
	to.CommandLine = n.commandLine(from.CommandLine)
	to.Script = n.path(from.Script)
	to.Ancestors = nil
	for _, ancestor := range from.Ancestors {
		ancestor.Comm, ancestor.Script = n.file(ancestor.Comm), n.path(ancestor.Script)
		to.Ancestors = append(to.Ancestors, ancestor)
	}
	return &to
}

// scan replaces what identifies in a scan.
func (a *Anonymizer) scan(from *event.Scan) *event.Scan {
	if from == nil {
		return nil
	}
	to := &event.Scan{At: from.At, Netns: make([]event.NetnsScan, len(from.Netns))}
	for i, part := range from.Netns {
		sockets := part.Sockets
		part.Sockets = event.FoundList{}
		for _, s := range sockets.All() {
			s.Src.Addr, s.Dst.Addr = a.addr(s.Src.Addr), a.addr(s.Dst.Addr)
			part.Sockets.Add(&s)
		}
		to.Netns[i] = part
	}
	return to
}
