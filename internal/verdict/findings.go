package verdict

import (
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/printable"
)

// causeTitles are the titles of findings that are about neither a port space nor failed calls.
var causeTitles = map[doctor.Cause]string{
	doctor.FDLimit:                "OUT OF FILE DESCRIPTORS",
	doctor.ConntrackFull:          "CONNECTION TRACKING IS FULL",
	doctor.SNAT:                   "NO PORT FOR ADDRESS TRANSLATION",
	doctor.TCPMemory:              "OUT OF TCP MEMORY",
	doctor.ListenOverflow:         "LISTENER OVERLOADED",
	doctor.TimeWaitOverflow:       "TOO MANY TIME_WAIT SOCKETS",
	doctor.SlowPortSearch:         "SLOW PORT SEARCH",
	doctor.RangeOverlapsListeners: "PORT OF A SERVICE IN THE RANGE",
	doctor.HalfOpen:               "NO ANSWER",
	doctor.PortTaken:              "PORT ALREADY IN USE",
	doctor.TupleTaken:             "CONNECTION ALREADY EXISTS",
	doctor.OwnPorts:               "ALL PORTS OF A PROGRAM IN USE",
	doctor.ForeignAddress:         "NOT A LOCAL ADDRESS",
	doctor.NoIPv6:                 "NO IPv6 ADDRESS",
}

// otherFindings adds the findings that no trouble has yet.
func (c *collector) otherFindings() {
	for i := range c.findings {
		f := &c.findings[i]
		if f.Severity == doctor.Info || c.used[f.Key()] {
			continue
		}
		title, ok := causeTitles[f.Cause]
		if !ok {
			title = "WARNING"
		}
		level := Soon
		if f.Severity == doctor.Critical {
			level = Failing
		}
		summary := printable.String(f.Summary)
		c.add(trouble{level: level, kind: otherFinding, title: title, lines: []string{summary + "."}, short: clause(summary), finding: f, process: f.Subject.Proc})
	}
}
