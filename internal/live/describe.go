package live

import (
	"cmp"

	"github.com/porttrace/porttrace/internal/cmdline"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// describer reads the facts of processes from /proc. It is for one goroutine.
type describer struct {
	ancestry       procinfo.Ancestry
	pods           *kubelet.Pods // nil: no process is in one
	noCommandLines bool          // scripts are named all the same, as executables are
}

// read returns a process that runs; false if it has ended, or another one has its pid.
func (d *describer) read(id event.ProcID) (event.Process, bool) {
	p, err := procinfo.Read(id.PID)
	if err != nil || p.ID != id {
		return event.Process{}, false
	}
	d.complete(&p)
	return p, true
}

// complete adds what the kernel side does not report: the ancestors, and the command line if its
// pages were not in memory or it is longer than a record; the pod. Short-lived processes are often gone
// by now; their parents seldom are.
func (d *describer) complete(p *event.Process) {
	if p.CommandLine == "" || cmdline.Cut(p.CommandLine) && p.Script == "" {
		procinfo.ReadCommand(p)
	}
	if d.noCommandLines {
		p.CommandLine = ""
	}
	if d.pods != nil {
		p.Pod = d.pods.Of(p.Cgroup, p.Container)
	}
	p.Ancestors = d.ancestry.Of(p.PPID, cmp.Or(p.ID.Start, ^uint64(0)))
}
