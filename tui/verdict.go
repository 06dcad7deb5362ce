package tui

import (
	"cmp"
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// recent is how long a failure that stopped is still named.
const recent = time.Minute

// wrong says in words what fails most now, else what failed last, else that
// nothing does. Notices give way to failures.
func wrong(s *snapshot.Snapshot) []piece {
	worst, others := worstFailure(s)
	if worst != nil {
		return []piece{verdict(worst, others, s.Wall)}
	}
	pieces := []piece{{forms: []string{"nothing fails"}}}
	if len(s.Notices) > 0 {
		text := printable.String(s.Notices[len(s.Notices)-1].Text)
		pieces = append(pieces, piece{tone: warn, forms: []string{text}})
	}
	return pieces
}

// worstFailure is the one to name, and how many more there are besides.
func worstFailure(s *snapshot.Snapshot) (worst *snapshot.Failure, others int) {
	for i := range s.Failures {
		f := &s.Failures[i]
		if s.Wall.Sub(f.Last) > recent && f.Rate <= 0 {
			continue
		}
		others++
		if worst == nil || cmp.Or(cmp.Compare(f.Rate, worst.Rate), f.Last.Compare(worst.Last)) > 0 {
			worst = f
		}
	}
	return worst, max(others-1, 0)
}

func verdict(f *snapshot.Failure, others int, now time.Time) piece {
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
