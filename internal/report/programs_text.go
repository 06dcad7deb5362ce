package report

import (
	"bytes"
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func writeHolders(out *bytes.Buffer, s *snapshot.PortSpace) {
	for i := range s.Holders[:min(len(s.Holders), topHolders)] {
		writeHolder(out, phrase.Holder(&s.Holders[i]), &s.Holders[i])
	}
	if len(s.Holders) > topHolders || s.OtherHolders.Ports() > 0 {
		out.WriteString("    and by others\n")
	}
}

func writeHolderPrograms(out *bytes.Buffer, s *snapshot.PortSpace) {
	holders, others := s.HoldersByProgram()
	for i := range holders[:min(len(holders), topHolders)] {
		writeHolder(out, phrase.ProgramHolder(&holders[i]), &holders[i].Holder)
	}
	if len(holders) > topHolders || others.Ports() > 0 {
		out.WriteString("    and by others\n")
	}
}

func writeHolder(out *bytes.Buffer, name string, h *snapshot.Holder) {
	fmt.Fprintf(out, "    held by %s: %s\n", name, phrase.Held(h))
}

func writeVictims(out *bytes.Buffer, s *snapshot.PortSpace) {
	for i := range s.Victims[:min(len(s.Victims), topHolders)] {
		v := &s.Victims[i]
		fmt.Fprintf(out, "    no port for %s: %s times, last at %s\n", phrase.Program(&v.Proc), phrase.Grouped(v.Failures),
			phrase.Time(v.Last, time.TimeOnly))
	}
	writeMore(out, len(s.Victims)-topHolders)
}

func writeVictimPrograms(out *bytes.Buffer, s *snapshot.PortSpace) {
	victims := s.VictimsByProgram()
	for i := range victims[:min(len(victims), topHolders)] {
		v := &victims[i]
		fmt.Fprintf(out, "    no port for %s, last at %s\n", phrase.ProgramVictim(v), phrase.Time(v.Last, time.TimeOnly))
	}
	writeMore(out, len(victims)-topHolders)
}

func writeMore(out *bytes.Buffer, more int) {
	if more > 0 {
		fmt.Fprintf(out, "    and for %d more\n", more)
	}
}

// writeFailurePrograms lists the failures by program: of all its processes, also those that have
// no row of their own any more.
func writeFailurePrograms(out *bytes.Buffer, s *snapshot.Snapshot) {
	t := table{
		head: []string{"count", "per s", "program", "call", "error", "reason", "address", "first", "last", "holder"},
		left: "program call error reason address holder",
	}
	failures := snapshot.FailuresByProgram(s)
	for _, f := range top(failures) {
		reason := f.Reason.String()
		if f.Inferred&(event.FieldErrno|event.FieldReason) != 0 {
			reason += " (inferred)"
		}
		t.add(phrase.Grouped(f.Count), fmt.Sprintf("%.1f", f.Rate), phrase.Programs(&f.Program), f.Op.String(), f.Errno.String(), reason,
			f.Target.String()+phrase.ProtoSuffix(f.Proto), f.First.UTC().Format(time.TimeOnly), f.Last.UTC().Format(time.TimeOnly), heldBy(f.HeldBy))
	}
	t.write(out, "Failures", len(failures)-topRows)
	for i := range s.Sweeps[:min(len(s.Sweeps), topRows)] {
		fmt.Fprintf(out, "  %s\n", phrase.Sweep(&s.Sweeps[i], s.Wall))
	}
}
