package tui

import (
	"cmp"
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// verdictLine says in words what fails most now, else what failed last, else that
// nothing does. Notices give way to failures.
func verdictLine(s *snapshot.Snapshot) []piece {
	worst, others := s.Worst()
	if worst != nil {
		return []piece{failurePiece(worst, others, s.Wall)}
	}
	calm := piece{forms: []string{"nothing fails"}}
	if n := s.Totals.Failed(); n > 0 {
		calm.forms = []string{"nothing fails now; " + times(n) + " earlier", "nothing fails now"}
	}
	pieces := []piece{calm}
	if len(s.Notices) > 0 {
		text := printable.String(s.Notices[len(s.Notices)-1].Text)
		pieces = append(pieces, piece{tone: warn, forms: []string{text}})
	}
	return pieces
}

func times(n uint64) string {
	if n == 1 {
		return "1 failure"
	}
	return count(n) + " failures"
}

func failurePiece(f *snapshot.Failure, others int, now time.Time) piece {
	p := piece{tone: fail}
	verb, pace := " fails: ", ", "+rate(f.Rate)+"/s"
	if f.Rate <= 0 {
		p.tone, verb, pace = warn, " failed: ", ", "+ago(now, f.Last)
	}
	name := command(f.Proc.ID, f.Proc.Comm)
	what := cmp.Or(errno(f), "an error") + towards(f)
	why := cmp.Or(reason(f), errno(f))
	said := what + pace
	if reason(f) != "" {
		said = what + " (" + reason(f) + ")" + pace
	}
	full := process(f.Proc.ID, f.Proc.Comm, maxName) + verb + said
	p.forms = []string{full, name + verb + said, name + verb + why + towards(f) + pace, name + verb + why + pace}
	if others > 0 {
		p.forms = append([]string{fmt.Sprintf("%s; %d more", full, others)}, p.forms...)
	}
	return p
}

// maxName keeps a name that is all escapes from filling the line.
const maxName = 48

// towards says what was asked for.
func towards(f *snapshot.Failure) string {
	target := endpoint(f.Target, maxName)
	if f.Op == event.OpConnect {
		return " towards " + target
	}
	return " at " + f.Op.String() + " " + target
}
