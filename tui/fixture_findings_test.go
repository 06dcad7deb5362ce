package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/theme"
)

// fixtureFindings are of the web server of fixture, of its scraper, and of their namespace.
func fixtureFindings() []doctor.Finding {
	full := fixtureNow.Add(-24 * time.Second)
	return []doctor.Finding{
		{
			ID: "half_open:python3:2001:db8:85a3::8a2e:370:7334:443", Cause: doctor.HalfOpen, Severity: doctor.Warning, Confidence: doctor.Likely,
			Summary:  "[2001:db8:85a3::8a2e:370:7334]:443 does not answer: python3(1284771) has sent 12 SYNs again",
			Evidence: []doctor.Evidence{{Text: "12 of 12 connects timed out", Value: 12, Unit: "connects", Proc: scraper}},
			Subject:  doctor.Subject{Netns: 4_026_532_901, Proc: scraper.ID, Remote: api},
		},
		{
			ID: "churn:php-fpm8.3:10.0.0.2:6379", Cause: doctor.Churn, Severity: doctor.Critical, Confidence: doctor.Proved, Since: full,
			Summary: "php-fpm8.3(4242) cannot connect to 10.0.0.2:6379: it opens a connection for each request, and all 28,232 ports of 10.0.0.1 towards it are in use",
			Evidence: []doctor.Evidence{
				{Text: "28,108 ports are in TIME_WAIT, 121 open, 3 bound", Value: 28_232, Unit: "ports", At: full, Proc: web},
				{Text: "php-fpm8.3(4242) closes first: 100% of 397,166 connections, half of which lived under 1.8ms"},
				{Text: "579/s are wanted, 460/s are sustainable"},
			},
			Victims: []doctor.Victim{{Proc: web, Failures: 1_837, Last: fixtureNow}, {Proc: curl, Failures: 3}},
			Advice: []doctor.Advice{
				{Action: "Keep the connections of PHP to Redis open: pconnect() in place of connect()", Command: "$redis->pconnect('10.0.0.2', 6379);", Effect: "survives: about 30 ports in place of 28,232"},
				{
					Action: "Reuse ports in TIME_WAIT", Command: "sysctl -w net.ipv4.tcp_tw_reuse=1", Undo: "sysctl -w net.ipv4.tcp_tw_reuse=2", Safety: doctor.CheckFirst,
					Risk: "Both ends need TCP timestamps; behind NAT a delayed segment of the old connection can reach the new one.",
				},
			},
			Wrong:   []string{"net.ipv4.tcp_fin_timeout: it does not change TIME_WAIT", "a restart: the ports stay in TIME_WAIT for 60 s"},
			Subject: doctor.Subject{Netns: 1, Proc: web.ID, Local: local("10.0.0.1"), Remote: cache},
		},
		{
			ID: "narrow_range:blue", Cause: doctor.NarrowRange, Severity: doctor.Info, Confidence: doctor.Likely,
			Summary: "100 ports of the range of blue are reserved", Subject: doctor.Subject{Netns: 4_026_532_901},
		},
	}
}

// hostileFindings have it everywhere that text comes from outside.
func hostileFindings() []doctor.Finding {
	findings := fixtureFindings()
	for i := range findings {
		f := &findings[i]
		f.ID, f.Cause, f.Summary, f.Wrong = evil, evil, evil+" "+f.Summary, []string{evil}
		f.Evidence = []doctor.Evidence{{Text: evil, Unit: evil}}
		f.Victims = append(f.Victims, doctor.Victim{})
		for j := range f.Victims {
			mar(&f.Victims[j].Proc)
		}
		f.Advice = []doctor.Advice{{Action: evil, Command: evil + "\n" + evil, Undo: evil, Risk: evil, Effect: evil}}
	}
	return findings
}

// judgedAs is what is shown if these are the findings.
func judgedAs(s *snapshot.Snapshot, findings []doctor.Finding) judged {
	return judged{findings, verdict.Of(s, findings)}
}

// judgedScreen is a model with a terminal, a snapshot and its findings.
func judgedScreen(width, height int, s *snapshot.Snapshot, findings []doctor.Finding, keys ...string) *Model {
	m := newModel(noContext, Options{Theme: theme.Default()})
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	m.Update(snapshotMsg{s, judgedAs(s, findings)})
	press(m, keys...)
	return m
}
