package report

import (
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Schema names the form of the JSON report. Fields may be added to it; one that
// changes its meaning makes a new version.
const Schema = "porttrace.report/v1"

// document is the whole report. Its lists are never null.
type document struct {
	Schema            string            `json:"schema"`
	Host              host              `json:"host"`
	Window            window            `json:"window"`
	Totals            totals            `json:"totals"`
	Processes         []process         `json:"processes"`
	OtherProcesses    *counts           `json:"other_processes"` // the rest in one, null when all are listed
	GroupBy           snapshot.Grouping `json:"group_by"`
	Groups            []processGroup    `json:"groups"` // of the processes; empty if GroupBy is process
	Destinations      []destination     `json:"destinations"`
	OtherGroups       *counts           `json:"other_groups"`
	OtherDestinations *counts           `json:"other_destinations"`
	PortSpaces        []space           `json:"port_spaces"`       // fullest first
	OtherPortSpaces   int               `json:"other_port_spaces"` // how many are not listed
	Namespaces        []namespace       `json:"namespaces"`
	Failures          []failure         `json:"failures"`
	OtherFailures     *otherFailures    `json:"other_failures"` // the rest in one, null when all are listed
	FailurePrograms   []failureProgram  `json:"failures_by_program"`
	Sweeps            []sweep           `json:"sweeps"`   // failures of one kind and process, for many targets
	Findings          []finding         `json:"findings"` // worst first, without those of severity info
	Health            health            `json:"health"`
	Notices           []notice          `json:"notices"`
	Baseline          *baseline         `json:"baseline"` // null if there is none
}

type host struct {
	Name    string        `json:"name"`
	Kernel  string        `json:"kernel"`
	Arch    string        `json:"arch"`
	PIDNS   string        `json:"pid_namespace"` // empty: the host's own
	Signals event.Signals `json:"signals"`
}

type window struct {
	Start   string  `json:"start"`
	End     string  `json:"end"`
	Seconds float64 `json:"seconds"`
}

type notice struct {
	Time string `json:"time"`
	Text string `json:"text"`
}

// health is the losses and the cost of porttrace itself.
type health struct {
	Events       uint64  `json:"events"`          // on the whole host
	Selected     uint64  `json:"selected_events"` // of these: those that the filter selects
	Lost         uint64  `json:"lost"`            // not even counted
	LostDetails  uint64  `json:"lost_details"`    // counted without detail, as the ring was full
	Limited      uint64  `json:"limited"`         // counted without detail, as there were more than --detail-limit
	Repeated     uint64  `json:"repeated"`        // failures counted without detail, as there were many alike
	Filtered     uint64  `json:"filtered"`        // counted without detail because a filter left them out
	Unattributed uint64  `json:"unattributed"`    // of sockets without a known owner
	Missed       uint64  `json:"missed"`          // runs that the kernel skipped
	Complete     bool    `json:"complete"`
	Gaps         []gap   `json:"gaps"`      // parts missing from a recording, newest last
	GapCount     uint64  `json:"gap_count"` // all, listed or not
	CPUSeconds   float64 `json:"cpu_seconds"`
	MemoryBytes  uint64  `json:"memory_bytes"` // of the process and its maps

	ResidentBytes  uint64   `json:"resident_bytes"`
	MapBytes       uint64   `json:"map_bytes"`
	ProgramSeconds *float64 `json:"program_seconds"` // null: the kernel does not measure it
	ProgramRuns    uint64   `json:"program_runs"`

	DetailLimited      []detailLimited `json:"detail_limited"`       // most events first
	OtherDetailLimited otherLimits     `json:"other_detail_limited"` // what is not listed
}

type gap struct {
	Start string `json:"start"`
	End   string `json:"end"`   // empty if unknown
	Cause string `json:"cause"` // truncated, damaged, not recorded
}

func newDocument(s *snapshot.Snapshot, findings []doctor.Finding, by snapshot.Grouping, b *Baseline) document {
	d := document{
		Schema: Schema,
		Host: host{
			Name: s.Host.Name, Kernel: s.Host.Kernel, Arch: s.Host.Arch, PIDNS: s.Host.PIDNS,
			Signals: append(event.Signals{}, s.Signals...),
		},
		Window: *newWindow(s), Totals: newTotals(&s.Totals), OtherPortSpaces: s.OtherPortSpaces,
		Processes:       convert(s.Processes, func(p *snapshot.Process) process { return newProcess(p, s.Clock) }),
		GroupBy:         by,
		Groups:          convert(snapshot.GroupProcesses(s, by), newGroup),
		Destinations:    convert(s.Destinations, newDestination),
		PortSpaces:      convert(s.PortSpaces, func(p *snapshot.PortSpace) space { return newSpace(p, s.Clock) }),
		Namespaces:      convert(s.Namespaces, newNamespace),
		Failures:        convert(s.Failures, func(f *snapshot.Failure) failure { return newFailure(f, s.Clock) }),
		FailurePrograms: convert(snapshot.FailuresByProgram(s), newFailureProgram),
		Sweeps:          convert(s.Sweeps, func(w *snapshot.Sweep) sweep { return newSweep(w, s.Clock) }),
		Findings:        newFindings(doctor.Sorted(findings, false), s),
		Health:          newHealth(s),
		Notices:         convert(s.Notices, newNotice),
		Baseline:        newBaseline(b, s),
	}
	d.OtherProcesses, d.OtherGroups, d.OtherDestinations, d.OtherFailures = others(s, by)
	return d
}

func newWindow(s *snapshot.Snapshot) *window {
	return &window{Start: formatTime(s.Started), End: formatTime(s.Wall), Seconds: s.Elapsed.Seconds()}
}

// others returns what the lists leave out; nil for a list of all.
func others(s *snapshot.Snapshot, by snapshot.Grouping) (processes, groups, destinations *counts, failures *otherFailures) {
	if other := s.OtherProcesses; other != nil {
		c := newCounts(&other.Totals)
		processes = &c
	}
	if other := snapshot.OtherGroup(s); other != nil && by != snapshot.ByProcess {
		c := newCounts(&other.Totals)
		groups = &c
	}
	if other := s.OtherDestinations; other != nil {
		c := newCounts(&other.Totals)
		destinations = &c
	}
	if other := s.OtherFailures; other != nil {
		failures = &otherFailures{other.Count, other.Rate, formatTime(other.First), formatTime(other.Last)}
	}
	return processes, groups, destinations, failures
}

func newHealth(s *snapshot.Snapshot) health {
	h := &s.Health
	var programs *float64
	if h.ProgramRuns > 0 {
		seconds := time.Duration(h.ProgramTime).Seconds()
		programs = &seconds
	}
	return health{
		Events: h.Events, Selected: s.SelectedEvents, Lost: h.Lost, LostDetails: h.LostDetails, Limited: h.Limited, Repeated: h.Repeated, Filtered: h.Filtered, Unattributed: h.Unattributed,
		Missed: h.Missed, Complete: s.Complete(), Gaps: convert(s.Gaps, newGap), GapCount: s.OlderGaps + uint64(len(s.Gaps)),
		CPUSeconds: time.Duration(h.CPU).Seconds(), MemoryBytes: h.Memory + h.Maps, ResidentBytes: h.Memory, MapBytes: h.Maps,
		ProgramSeconds: programs, ProgramRuns: h.ProgramRuns,
		DetailLimited:      convert(s.DetailLimits, func(l *snapshot.DetailLimit) detailLimited { return newDetailLimited(l, s.Clock) }),
		OtherDetailLimited: newOtherLimits(s),
	}
}

func newGap(g *snapshot.Gap) gap {
	return gap{Start: formatTime(g.Begin), End: formatTime(g.End), Cause: g.Cause()}
}

func newNotice(n *snapshot.Notice) notice { return notice{Time: formatTime(n.At), Text: n.Text} }

// convert returns a list that is empty rather than null.
func convert[From, To any](rows []From, one func(*From) To) []To {
	out := make([]To, 0, len(rows))
	for i := range rows {
		out = append(out, one(&rows[i]))
	}
	return out
}

func formatTime(t time.Time) string { return phrase.Time(t, time.RFC3339Nano) }
