package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/query"
)

// What the rows of each table have, for a filter.
var (
	processFields = query.SetOf(query.PID, query.Comm, query.Exe, query.Script, query.Parent, query.Unit, query.Container, query.Pod, query.Cgroup, query.User)
	totalFields   = query.SetOf(query.Rate, query.Open, query.TimeWait, query.CloseWait, query.Fails, query.State)
	placeFields   = query.SetOf(query.Netns, query.Dest, query.Port)
	spaceFields   = query.SetOf(query.Percent, query.Rate, query.Ports, query.Open, query.TimeWait, query.CloseWait, query.Bound, query.Fails, query.State, query.Kind, query.Source)
	failureFields = query.SetOf(query.Errno, query.Reason, query.Kind, query.State, query.Fails, query.Source)
)

// addProcess adds what is known of a process, as it is shown.
func addProcess(to *query.Row, p *event.Process) {
	if p.ID.Known() {
		to.AddPID(p.ID.PID)
	}
	to.Add(query.Comm, printable.String(p.Comm))
	to.Add(query.Exe, printable.String(p.Exe))
	to.Add(query.Script, printable.String(p.Script))
	to.Add(query.Text, printable.String(p.CommandLine))
	to.Add(query.Unit, printable.String(p.Unit))
	to.Add(query.Container, printable.String(p.Container))
	to.Add(query.Pod, printable.String(string(p.Pod)))
	to.Add(query.Cgroup, printable.String(p.Cgroup))
	to.Add(query.User, number(p.UID))
	parent := p.Parent()
	to.Add(query.Parent, printable.String(parent.Program())+" "+phrase.PID(parent.ID))
}

func addTotals(to *query.Row, t *snapshot.Totals, r snapshot.Rates) {
	to.Set(query.Rate, r.Opens)
	to.Set(query.Open, float64(t.Live()))
	to.Set(query.TimeWait, float64(t.TimeWaitOut))
	to.Set(query.CloseWait, float64(t.CloseWait))
	to.Set(query.Fails, float64(t.Failed()))
	addState(to, stateOf(t, r))
}

// addState adds the state of a row by the word for its colour.
func addState(to *query.Row, t tone) {
	switch t {
	case fail:
		to.Add(query.State, "fail")
	case warn:
		to.Add(query.State, "warn")
	default:
		to.Add(query.State, "ok")
	}
}

func addPlace(to *query.Row, name string, inode uint32, gone bool, remote event.Endpoint) {
	to.Add(query.Netns, phrase.NetnsState(name, inode, gone))
	addRemote(to, remote)
}

func addRemote(to *query.Row, remote event.Endpoint) {
	if remote.Known() {
		to.AddDest(remote.AddrPort())
		to.AddPort(remote.Port, remote.Port)
	}
}

func processRow(to *query.Row, p *snapshot.Process) {
	addProcess(to, &p.Info)
	addTotals(to, &p.Totals, p.Rates)
	for i := range p.Destinations {
		addRemote(to, p.Destinations[i].Remote)
	}
}

func groupRow(to *query.Row, g *snapshot.ProcessGroup) {
	to.Add(query.Text, printable.String(g.Name))
	addTotals(to, &g.Totals, g.Rates)
	for _, p := range g.Members {
		addProcess(to, &p.Info)
	}
}

func destinationRow(to *query.Row, d *snapshot.Destination) {
	to.Add(query.Text, destination(d, 2*maxName))
	addPlace(to, d.NetnsName, d.Netns, d.NetnsGone, d.Remote)
	addTotals(to, &d.Totals, d.Rates)
	for i := range d.Processes {
		to.AddPID(d.Processes[i].Proc.PID)
		to.Add(query.Comm, printable.String(d.Processes[i].Comm))
	}
}

func failureRow(to *query.Row, f *snapshot.ProgramFailure) {
	to.Add(query.Text, printable.String(f.Program.Name))
	addProcess(to, &f.Proc)
	addPlace(to, f.NetnsName, f.Netns, f.NetnsGone, f.Target)
	to.Add(query.Text, targetOf(&f.Failure, 2*maxName))
	to.Add(query.Kind, f.Op.String())
	to.Add(query.Errno, f.Errno.String())
	to.Add(query.Reason, f.Reason.String())
	to.Set(query.Fails, float64(f.Count))
	if f.Local.Known() {
		to.AddSource(f.Local.AddrPort())
		to.AddPort(f.Local.Port, f.Local.Port)
	}
	addState(to, failing(f))
}

func (s *spaces) row(to *query.Row, space *snapshot.PortSpace) {
	to.Add(query.Text, spaceName(space, 2*maxName))
	to.Add(query.Kind, string(space.Kind))
	addPlace(to, space.NetnsName, space.Netns, space.NetnsGone, space.Remote)
	to.AddSource((event.Endpoint{Addr: space.Local}).AddrPort())
	to.AddPort(space.Range.Low, space.Range.High)
	if space.Capacity > 0 {
		to.Set(query.Percent, 100*space.TakenShare())
	}
	to.Set(query.Rate, space.OpenRate)
	to.Set(query.Ports, float64(space.InUse()))
	to.Set(query.Open, float64(space.Live))
	to.Set(query.TimeWait, float64(space.TimeWait))
	to.Set(query.CloseWait, float64(space.CloseWait))
	to.Set(query.Bound, float64(space.Bound))
	to.Set(query.Fails, float64(space.Exhausted))
	addState(to, s.pressure(space))
	for i := range space.Holders {
		addProcess(to, &space.Holders[i].Proc)
	}
	for i := range space.Victims {
		addProcess(to, &space.Victims[i].Proc)
	}
}
