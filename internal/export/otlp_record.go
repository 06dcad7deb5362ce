package export

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// severity is high for what a program has noticed: a failed call.
func severity(e *event.Event) log.Severity {
	switch e.Kind {
	case event.ConnectFail, event.BindFail:
		return log.SeverityError
	case event.SynUnanswered, event.EventsLost:
		return log.SeverityWarn
	case event.SpaceChanged:
		use, _ := e.Fact.(*event.SpaceUse)
		switch {
		case use != nil && use.State == event.SpaceFull:
			return log.SeverityError
		case use != nil && use.State == event.SpaceHigh:
			return log.SeverityWarn
		}
	}
	return log.SeverityInfo
}

// LogRecord returns the log record of an event for OpenTelemetry. Its time is also when it was observed.
func LogRecord(e *event.Event, c Context) (l log.Record) {
	r := newRecord(e, c)
	level := severity(e)
	l.SetTimestamp(c.Clock.WallTime(e.Time))
	l.SetObservedTimestamp(l.Timestamp())
	l.SetSeverity(level)
	l.SetSeverityText(level.String())
	l.SetBody(attribute.StringValue(strings.Join(strings.Fields(strings.Join([]string{
		r.Kind, printable.String(r.Program), addresses(e), detail(e, c),
	}, " ")), " ")))
	l.AddAttributes(attributes(e, c, &r)...)
	l.SetEventName("porttrace." + r.Kind)
	return l
}

// attributes have the names of OpenTelemetry's semantic conventions where there are any; others
// have those of JSON after "porttrace.".
func attributes(e *event.Event, c Context, r *record) attributeList {
	a := attributeList{}.
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
func (a attributeList) ends(r *record) attributeList {
	source, destination := "source.", "destination."
	if r.Direction == event.In.String() {
		source, destination = destination, source
	}
	return a.text(source+"address", r.Saddr).number(source+"port", uint64(r.Sport)).
		text(destination+"address", r.Daddr).number(destination+"port", uint64(r.Dport))
}

func (a attributeList) space(s space) attributeList {
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

// OTLPSchema is the version of the semantic conventions that the names of attributes are of.
const OTLPSchema = "https://opentelemetry.io/schemas/1.37.0"

// OTLPResource returns what the log records and metrics of a host are about. version is that of porttrace.
func OTLPResource(host, version string) []attribute.KeyValue {
	return attributeList{}.text("service.name", "porttrace").text("service.version", version).
		text("host.name", host).text("os.type", "linux")
}

// attributeList leaves out what is not known.
type attributeList []attribute.KeyValue

func (a attributeList) text(key, value string) attributeList {
	if value == "" {
		return a
	}
	return append(a, attribute.String(key, printable.String(value)))
}

func (a attributeList) number(key string, value uint64) attributeList {
	if value == 0 {
		return a
	}
	return a.optional(key, &value)
}

func (a attributeList) optional(key string, value *uint64) attributeList {
	switch {
	case value == nil:
		return a
	case *value > math.MaxInt64: // is no int of OpenTelemetry
		return a.text(key, strconv.FormatUint(*value, 10))
	}
	return append(a, attribute.Int64(key, int64(*value)))
}

func (a attributeList) flag(key string, value *bool) attributeList {
	if value == nil {
		return a
	}
	return append(a, attribute.Bool(key, *value))
}
