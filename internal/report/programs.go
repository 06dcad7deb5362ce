package report

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// program is the processes of one executable with one script.
type program struct {
	Name       string `json:"program"`
	Executable string `json:"executable"` // empty: its process is not known
	Script     string `json:"script"`
	Processes  int    `json:"processes"`
	About      bool   `json:"processes_estimated"` // to some percent
	FirstPID   uint32 `json:"first_pid"`           // of the oldest process
	LastPID    uint32 `json:"last_pid"`            // of the newest
}

func newProgram(p *snapshot.Program) program {
	return program{p.Name, p.Executable, p.Script, p.Processes, p.About, p.First.PID, p.Proc.ID.PID}
}

type holderProgram struct {
	program
	ports
}

type victimProgram struct {
	program
	Failures uint64  `json:"failures"`
	Rate     float64 `json:"rate"` // per second, over the last seconds of the window
	First    string  `json:"first"`
	Last     string  `json:"last"`
}

func addPrograms(out *space, s *snapshot.PortSpace) {
	holders, rest := s.HoldersByProgram()
	out.HolderPrograms = convert(holders, func(h *snapshot.ProgramHolder) holderProgram {
		return holderProgram{newProgram(&h.Program), newPorts(&h.HeldCount)}
	})
	if rest.Ports() > 0 {
		others := newPorts(&rest.HeldCount)
		out.OtherPrograms = &others
	}
	out.VictimPrograms = convert(s.VictimsByProgram(), func(v *snapshot.ProgramVictim) victimProgram {
		return victimProgram{newProgram(&v.Program), v.Failures, v.Rate, formatTime(v.First), formatTime(v.Last)}
	})
}

// failureProgram is the calls of all processes of a program that failed in the same way.
type failureProgram struct {
	program
	Op        string   `json:"op"`
	Errno     string   `json:"errno"`
	Reason    string   `json:"reason"`
	Inferred  []string `json:"inferred"`
	Count     uint64   `json:"count"`
	Resent    uint64   `json:"syn_resent"` // of count: connects whose SYN was retransmitted
	Rate      float64  `json:"rate"`       // of all processes, per second, over the last seconds of the window
	First     string   `json:"first"`
	Last      string   `json:"last"`
	Netns     uint32   `json:"netns"`
	NetnsName string   `json:"netns_name"`
	NetnsGone bool     `json:"netns_gone"`
	Proto     string   `json:"proto"`
	Addr      string   `json:"addr"` // what was asked for: the destination of a connect(), empty: several; the address of a bind()
	Port      uint16   `json:"port"`
}

func newFailureProgram(f *snapshot.ProgramFailure) failureProgram {
	addr := f.Target.Host()
	if f.Op != event.OpConnect {
		addr = f.Target.Addr.String() // the argument of the call, hence known
	}
	return failureProgram{
		program: newProgram(&f.Program), Op: f.Op.String(), Errno: f.Errno.String(), Reason: f.Reason.String(),
		Inferred: append([]string{}, f.Inferred.Names()...), Count: f.Count, Resent: f.Resent, Rate: f.Rate,
		First: formatTime(f.First), Last: formatTime(f.Last), Netns: f.Netns, NetnsName: f.NetnsName, NetnsGone: f.NetnsGone,
		Proto: f.Proto.String(), Addr: addr, Port: f.Target.Port,
	}
}
