package tui

import (
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// writeOwner writes what is known of a process.
func writeOwner(to *sheet, s *snapshot.Snapshot, info *event.Process) {
	if !info.ID.Known() {
		to.field("process", "unknown: the sockets are from before start, or their owner had ended", plain)
		return
	}
	to.untrusted("command", info.CommandLine)
	to.untrusted("script", info.Script)
	to.untrusted("executable", info.Exe)
	to.field("started", begin(info.ID, s.Clock)+", uid "+number(info.UID), plain)
	writeAncestors(to, s, info)
	to.untrusted("unit", info.Unit)
	to.untrusted("pod", string(info.Pod.Whole()))
	to.untrusted("container", containerName(info))
	if info.Unit == "" && info.Container == "" {
		to.untrusted("cgroup", info.Cgroup)
	}
}

// containerName returns the name in the pod, if it is known, and the id of the container.
func containerName(info *event.Process) string {
	return strings.TrimSpace(info.Pod.Container() + " " + info.Container)
}

// writeAncestors writes the processes from which it descends, each of which leads to its row.
func writeAncestors(to *sheet, s *snapshot.Snapshot, info *event.Process) {
	if len(info.Ancestors) == 0 {
		to.field("parent", number(info.PPID), plain)
		return
	}
	label := "parents"
	for i := range info.Ancestors {
		a := &info.Ancestors[i]
		name := process(a.ID, a.Program(), to.width)
		if processOf(s, a.ID) == nil {
			to.field(label, name, plain)
		} else {
			to.link(label, name, plain, a.ID, func() subject { return processOf(s, a.ID) })
		}
		label = "  of"
	}
}

// begin returns when the process started, counted from boot if there is no clock.
func begin(id event.ProcID, clock event.Clock) string {
	if at := clock.StartTime(id); !at.IsZero() {
		return at.Format(time.DateTime + " MST")
	}
	return phrase.Elapsed(time.Duration(id.Start)*(time.Second/event.TicksPerSecond)) + " after boot"
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
