package export

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// Severities of OpenTelemetry.
const (
	severityInfo  = 9
	severityWarn  = 13
	severityError = 17
)

var severityNames = map[int]string{severityInfo: "INFO", severityWarn: "WARN", severityError: "ERROR"}

// severity is high for what a program has noticed: a failed call.
func severity(e *event.Event) int {
	switch e.Kind {
	case event.ConnectFail, event.BindFail:
		return severityError
	case event.SynUnanswered, event.EventsLost:
		return severityWarn
	case event.SpaceChanged:
		use, _ := e.Fact.(*event.SpaceUse)
		switch {
		case use != nil && use.State == event.SpaceFull:
			return severityError
		case use != nil && use.State == event.SpaceHigh:
			return severityWarn
		}
	}
	return severityInfo
}

// newLog returns the record of an event. Its time is also when it was observed.
func newLog(e *event.Event, c Context) otlpRecord {
	at := "0" // not known
	if wall := c.Clock.WallTime(e.Time); !wall.IsZero() {
		at = strconv.FormatInt(wall.UnixNano(), 10)
	}
	r := newRecord(e, c)
	level := severity(e)
	body := strings.Join(strings.Fields(strings.Join([]string{r.Kind, printable.String(r.Program), addresses(e), detail(e, c)}, " ")), " ")
	return otlpRecord{
		Time: at, Observed: at, Severity: level, Text: severityNames[level], Body: otlpValue{String: &body},
		Attributes: attributes(e, c, &r), EventName: "porttrace." + r.Kind,
	}
}

// attributes have the names of OpenTelemetry's semantic conventions where there are any; others
// have those of JSON after "porttrace.".
func attributes(e *event.Event, c Context, r *record) otlpAttributes {
	a := otlpAttributes{}.
		number("process.pid", uint64(r.PID)).
		number("process.parent_pid", uint64(r.PPID)).
		text("process.creation.time", r.StartTime).
		text("process.executable.name", r.Comm).
		text("process.executable.path", r.Exe).
		text("container.id", r.Container).
		text("k8s.namespace.name", r.PodNamespace).text("k8s.pod.name", r.Pod).text("k8s.container.name", r.ContainerName).
		text("network.transport", r.Proto).
		text("network.type", map[int]string{4: "ipv4", 6: "ipv6"}[r.Family])
	if r.UID != nil {
		uid := uint64(*r.UID)
		a = a.optional("process.user.id", &uid)
	}
	a = a.ends(r).text("error.type", errorType(r))
	a = a.text("porttrace.direction", r.Direction).text("porttrace.op", r.Op).text("porttrace.reason", r.Reason).
		text("porttrace.program", r.Program).text("porttrace.script", r.Script).text("porttrace.unit", r.Unit).
		number("porttrace.netns", uint64(r.Netns)).text("porttrace.netns_name", r.NetnsName).number("porttrace.cookie", r.Cookie).
		number("porttrace.count", r.Count).text("porttrace.first", r.First).text("porttrace.last", r.Last).
		number("porttrace.bound_port", uint64(r.BoundPort)).flag("porttrace.unanswered", r.Unanswered).
		text("porttrace.inferred", strings.Join(r.Inferred, " ")).text("porttrace.holder", heldBy(e, c)).
		flag("porttrace.time_wait", r.TimeWait).text("porttrace.closed_by", r.ClosedBy).text("porttrace.reset_by", r.ResetBy).
		optional("porttrace.duration_us", r.DurationUS).optional("porttrace.close_wait_us", r.CloseWaitUS).
		optional("porttrace.opens", r.Opens).optional("porttrace.closes", r.Closes).optional("porttrace.binds", r.Binds).
		number("porttrace.limit", r.Limit)
	if use, ok := e.Fact.(*event.SpaceUse); ok {
		a = a.space(newSpace(e, c, use))
	}
	return a
}

// errorType is what failed, of few values: the errno, else the reason.
func errorType(r *record) string {
	if r.Kind != event.ConnectFail.String() && r.Kind != event.BindFail.String() {
		return ""
	}
	return cmp.Or(r.Errno, r.Reason)
}

// ends adds both ends of a connection: the source is the one that has sent, or would have sent,
// the SYN.
func (a otlpAttributes) ends(r *record) otlpAttributes {
	source, destination := "source.", "destination."
	if r.Direction == event.In.String() {
		source, destination = destination, source
	}
	return a.text(source+"address", r.Saddr).number(source+"port", uint64(r.Sport)).
		text(destination+"address", r.Daddr).number(destination+"port", uint64(r.Dport))
}

func (a otlpAttributes) space(s space) otlpAttributes {
	a = a.text("porttrace.state", s.State)
	for _, field := range []struct {
		name  string
		ports int
	}{
		{"capacity", s.Capacity},
		{"in_use", s.InUse},
		{"live", s.Live},
		{"time_wait", s.TimeWait},
		{"bound", s.Bound},
		{"headroom", s.Headroom},
		{"reusable", s.Reusable},
	} {
		ports := uint64(max(field.ports, 0))
		a = a.optional("porttrace."+field.name, &ports)
	}
	return a
}
