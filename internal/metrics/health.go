package metrics

import (
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var (
	buildInfo  = gauge("build_info", "The version of porttrace, and of Go, which it was built with.", "version", "goversion")
	findings   = gauge("findings", "What porttrace doctor would say now.", "cause", "severity")
	signalInfo = gauge("signal_info", "How each signal is observed.", "signal", "mode", "hook")

	truncated    = gauge("truncated", "1 if there are more sockets than are followed, so that figures are lower bounds.")
	madeAt       = gauge("snapshot_timestamp_seconds", "When the snapshot was made that the gauges are of.")
	ringWriting  = gauge("ring_writing", "1 if the flight recorder writes its files, 0 if it cannot: the disk is full, or the directory is gone.")
	mapMemory    = gauge("map_memory_bytes", "What the maps of porttrace take in the kernel.")
	programTime  = counter("program_seconds", "Time in the BPF programs of porttrace, while the kernel measures it.")
	programRuns  = counter("program_runs", "Runs of the BPF programs of porttrace, while the kernel counts them.")
	healthCounts = []struct {
		*family
		of func(*event.Health) *uint64
	}{
		{counter("events", "Events that were delivered one by one."), func(h *event.Health) *uint64 { return &h.Events }},
		{counter("lost_events", "Events that were not even counted."), func(h *event.Health) *uint64 { return &h.Lost }},
		{counter("lost_details", "Events that were only counted for lack of room."), func(h *event.Health) *uint64 { return &h.LostDetails }},
		{counter("limited_events", "Events that were only counted because there were more than the detail limit."), func(h *event.Health) *uint64 { return &h.Limited }},
		{counter("repeated_failures", "Failures that were only counted because there were many alike."), func(h *event.Health) *uint64 { return &h.Repeated }},
		{counter("filtered_events", "Events that were only counted because they are not selected."), func(h *event.Health) *uint64 { return &h.Filtered }},
		{counter("unattributed_events", "Events of sockets without a known owner."), func(h *event.Health) *uint64 { return &h.Unattributed }},
		{counter("skipped_runs", "Runs of BPF programs that the kernel skipped."), func(h *event.Health) *uint64 { return &h.Missed }},
	}
)

// health is the highest that was shown of each count.
type health struct{ event.Health }

func (h *health) add(out *series, s *snapshot.Snapshot) {
	now := s.Health
	for _, c := range healthCounts {
		shown := c.of(&h.Health)
		*shown = max(*shown, *c.of(&now))
		out.add(c.family, nil, float64(*shown))
	}
	if h.ProgramTime, h.ProgramRuns = max(h.ProgramTime, now.ProgramTime), max(h.ProgramRuns, now.ProgramRuns); h.ProgramRuns > 0 {
		out.add(programTime, nil, time.Duration(h.ProgramTime).Seconds())
		out.add(programRuns, nil, float64(h.ProgramRuns))
	}
	out.add(mapMemory, nil, float64(now.Maps))
	out.add(madeAt, nil, float64(s.Wall.UnixMilli())/1e3)
	out.addFlag(truncated, s.SocketLimit > 0)
}

// addFlag adds 1 if it is so, else 0.
func (out *series) addFlag(f *family, so bool) {
	value := 0.0
	if so {
		value = 1
	}
	out.add(f, nil, value)
}

func (out *series) addSignals(signals event.Signals) {
	for _, s := range signals {
		out.addOf(signalInfo, 1, label{"signal", text(s.Name)}, label{"mode", text(string(s.Mode))}, label{"hook", text(s.Hook)})
	}
}

// addFindings adds how many findings there are of each cause and severity, those that there are none of, too:
// an alert on a series that is not there never ends. Remarks that something is no trouble have the cause none: beside a
// cause that is critical it would be read as "nothing is wrong".
func (out *series) addFindings(list []doctor.Finding) {
	for _, cause := range doctor.Causes() {
		if cause == doctor.None {
			continue
		}
		var counts [doctor.Critical + 1]int
		for i := range list {
			if list[i].Cause == cause {
				counts[list[i].Severity]++
			}
		}
		for i, n := range counts {
			out.addOf(findings, float64(n), label{"cause", string(cause)}, label{"severity", doctor.Severity(i).String()})
		}
	}
}
