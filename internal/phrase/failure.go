package phrase

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Headline returns in one line what fails now, else what failed most, in forms.
func Headline(s *snapshot.Snapshot) []string {
	if worst, others := s.WorstFailure(); worst != nil {
		forms := Failure(worst, s.Wall)
		if others > 0 {
			forms = append([]string{forms[0] + "; " + plural(others, "more failure")}, forms...)
		}
		return forms
	}
	var forms []string
	failures := slices.DeleteFunc(slices.Clone(s.Failures), func(f snapshot.Failure) bool { return f.Harmless() })
	if len(failures) > 0 {
		most := slices.MaxFunc(failures, func(a, b snapshot.Failure) int { return cmp.Compare(a.Count, b.Count) })
		subject, _ := caller(&most.Proc)
		forms = append(forms, fmt.Sprintf("nothing fails now; earlier, %s %s: %s, %s",
			subject, predicate(&most, "could not"), cause(&most), plural(most.Count, "time")))
	}
	if n := s.Totals.Failed(); n > 0 {
		forms = append(forms, "nothing fails now; "+plural(n, "failure")+" earlier", "nothing fails now")
	}
	if len(forms) == 0 {
		return []string{"no connect or bind has failed"}
	}
	return forms
}

// Failure returns which process fails to do what, why, and how often or when, in forms:
//
//	curl(4242) cannot connect to 10.0.0.2:80: no free local port (EADDRNOTAVAIL), 121/s
//
// What was inferred has the mark ~.
func Failure(f *snapshot.Failure, now time.Time) []string {
	verb, pace := "cannot", ", "+Rate(f.Rate)+"/s"
	if f.Rate <= 0 {
		verb, pace = "could not", ", "+Ago(now, f.Last)
	}
	full, name := caller(&f.Proc)
	does := " " + predicate(f, verb) + ": "
	why := cmp.Or(reasonWords(f), Errno(f), "unknown error")
	return []string{
		full + does + cause(f) + pace, name + does + cause(f) + pace, name + does + why + pace, name + ": " + why + pace,
	}
}

// caller returns the name of the process with its pid, and without.
func caller(p *event.Process) (full, name string) {
	name = printable.String(p.Comm)
	switch {
	case !p.ID.Known():
		name = cmp.Or(name, "an unknown process")
		return name, name
	case name == "":
		return "process " + PID(p.ID), "process " + PID(p.ID)
	}
	return Process(p.ID, p.Comm), name
}

// predicate returns what the process cannot do: cannot connect to 10.0.0.2:80.
func predicate(f *snapshot.Failure, verb string) string {
	target := Endpoint(f.Target)
	switch f.Op {
	case event.OpConnect:
		return verb + " connect to " + target
	case event.OpListen:
		return verb + " listen on " + target
	}
	return verb + " " + f.Op.String() + " " + target
}

// cause returns the reason with the errno behind it.
func cause(f *snapshot.Failure) string {
	words, code := reasonWords(f), Errno(f)
	if words != "" && code != "" {
		return words + " (" + code + ")"
	}
	return cmp.Or(words, code, "unknown error")
}

// Errno returns the error of a failure, marked if inferred.
func Errno(f *snapshot.Failure) string {
	return Marked(f.Inferred, event.FieldErrno, f.Errno.String())
}

// Marked returns text with the mark of inferred values if the field was inferred.
func Marked(inferred, field event.Field, text string) string {
	if text != "" && inferred&field != 0 {
		return "~" + text
	}
	return text
}
