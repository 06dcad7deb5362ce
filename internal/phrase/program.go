package phrase

import (
	"cmp"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// UnknownOwner is the name of a holder whose process is not known.
const UnknownOwner = "unknown owner"

// Program returns the name of a process with its pid: curl(4242), and of a script with its
// interpreter: billing.py (python3 18641).
func Program(p *event.Process) string {
	if p.Script == "" || !p.ID.Known() {
		return Process(p.ID, p.Name())
	}
	return ProgramName(p) + " (" + cmp.Or(printable.String(p.Name()), "?") + " " + PID(p.ID) + ")"
}

// ProgramName returns the same without the pid: curl, billing.py.
func ProgramName(p *event.Process) string { return Command(p.ID, p.Program()) }

// Programs returns the name of a program: curl ×2,137, and of its only process as Program does.
func Programs(p *snapshot.Program) string {
	switch {
	case !p.Known():
		return UnknownOwner
	case p.Processes <= 1:
		return Program(&p.Proc)
	}
	return ProgramsName(p) + Times(p.Processes, p.About)
}

// ProgramsName returns the same without the number of processes.
func ProgramsName(p *snapshot.Program) string {
	if !p.Known() {
		return UnknownOwner
	}
	return cmp.Or(printable.String(p.Name), "?")
}

// Times returns how many processes a program is, as it follows its name: ×2,137, or ×~9,800 if that
// is an estimate.
func Times(processes int, about bool) string {
	if about {
		return " ×~" + Grouped(processes)
	}
	return " ×" + Grouped(processes)
}

// ProgramHolder returns the name of a holder: of an unknown one, whether its sockets are from
// before the start.
func ProgramHolder(h *snapshot.ProgramHolder) string {
	if !h.Program.Known() {
		return Holder(&h.Holder)
	}
	return Programs(&h.Program)
}

// ProgramVictim returns the name of a program that found no port, with how often that was.
func ProgramVictim(v *snapshot.ProgramVictim) string {
	text := Programs(&v.Program) + ": " + Plural(v.Failures, "time")
	if v.Rate > 0 {
		text += ", " + Rate(v.Rate) + "/s"
	}
	return text
}
