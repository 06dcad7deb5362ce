package tui

import (
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxName is the width beyond which a name is cut even in a line of its own.
const maxName = 48

// endpoint returns ADDR:PORT in at most width cells. The address is cut, not the port.
func endpoint(e event.Endpoint, width int) string {
	text := phrase.Endpoint(e)
	at := strings.LastIndexByte(text, ':')
	addr, port, opening := text[:at], text[at:], ""
	if strings.HasPrefix(addr, "[") {
		addr, port, opening = strings.Trim(addr, "[]"), "]"+port, "["
	}
	return opening + cut(addr, max(width-len(opening)-len(port), 1)) + port
}

// remoteEnd returns an endpoint and its protocol in at most width cells.
func remoteEnd(proto event.Proto, end event.Endpoint, width int) string {
	suffix := phrase.ProtoSuffix(proto)
	return endpoint(end, width-len(suffix)) + suffix
}

// targetOf returns what a call that failed asked for, in at most width cells.
func targetOf(f *snapshot.Failure, width int) string {
	if !f.TargetKnown() {
		return cut(phrase.Target(f), width)
	}
	return remoteEnd(f.Proto, f.Target, width)
}

// process returns NAME(PID) in at most width cells. The name is cut, not the pid.
func process(id event.ProcID, comm string, width int) string {
	if !id.Known() {
		return cut(phrase.Process(id, comm), width)
	}
	pid := "(" + phrase.PID(id) + ")"
	return cut(phrase.Command(id, comm), max(width-len(pid), 1)) + pid
}

// programName returns NAME ×2,137, or NAME(PID) of one process, in at most width cells. The name is
// cut, not the number.
func programName(p *snapshot.Program, width int) string {
	switch {
	case !p.Known():
		return cut(phrase.Programs(p), width)
	case p.Processes <= 1:
		if text := phrase.Programs(p); cells(text) <= width {
			return text
		}
		return process(p.Proc.ID, p.Name, width)
	}
	times := phrase.Times(p.Processes, p.About)
	return cut(phrase.ProgramsName(p), max(width-cells(times), 1)) + times
}

// holderName returns the name of a holder in at most width cells.
func holderName(h *snapshot.ProgramHolder, width int) string {
	if !h.Program.Known() {
		return cut(phrase.ProgramHolder(h), width)
	}
	return programName(&h.Program, width)
}

// spaceName returns LOCAL → REMOTE:PORT in at most width cells, or the name of a bind
// space. The remote end identifies the space, so the local one is cut first.
func spaceName(s *snapshot.PortSpace, width int) string {
	if s.Kind == snapshot.BindSpace {
		return cut(phrase.Space(s), width)
	}
	const least = 2
	room := width - cells(phrase.Arrow)
	remote := remoteEnd(s.Proto, s.Remote, maxName)
	if room-cells(remote) < least {
		remote = remoteEnd(s.Proto, s.Remote, max(room-least, 1))
	}
	return cut(phrase.Local(s), max(room-cells(remote), least)) + phrase.Arrow + remote
}
