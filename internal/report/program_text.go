package report

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// program is what processes have in common that are listed as one.
type program struct {
	comm, exe string
	pid       event.ProcID // of a process without a name, which is like no other
}

func programOf(p *event.Process) program {
	if p.Comm == "" {
		return program{pid: p.ID}
	}
	return program{comm: p.Comm, exe: p.Exe}
}

// several returns NAME ×N, of which p is one.
func several(p *event.Process, n int) string {
	return phrase.Command(p.ID, p.Comm) + " ×" + phrase.Grouped(n)
}
