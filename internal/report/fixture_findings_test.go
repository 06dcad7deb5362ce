package report

import (
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
)

// fixtureFindings are of a proxy that has no port left, of a job that leaks, and one that is only
// worth knowing. The job has a hostile name.
func fixtureFindings() []doctor.Finding {
	nginx := event.Process{ID: event.ProcID{PID: 812, Start: 100}, PPID: 1, Comm: "nginx", Exe: "/usr/sbin/nginx", Unit: "nginx.service"}
	job := event.Process{ID: event.ProcID{PID: 901, Start: 200}, PPID: 1, Comm: "job\x1b[2J|\xff", Exe: "/usr/bin/job"}
	at := started.Add(20 * time.Second)
	return []doctor.Finding{
		{
			ID: "inbound_only:nginx", Cause: doctor.InboundOnly, Severity: doctor.Info, Confidence: doctor.Proved,
			Summary: "28,000 sockets in TIME_WAIT are of accepted connections: they hold no ephemeral port",
		},
		{
			ID: "leak:" + job.Comm + ":10.77.0.2:5432", Cause: doctor.Leak, Severity: doctor.Warning, Confidence: doctor.Likely,
			Summary:  job.Comm + "(901) opens 39 connections/s to 10.77.0.2:5432 and has closed none of 995: no port is left in 31 s",
			Evidence: []doctor.Evidence{{Text: job.Comm + "(901) has 995 connections open.", Value: 995, Unit: "connections", Proc: job}},
		},
		{
			ID: "churn:nginx:10.77.0.2:9000", Cause: doctor.Churn, Severity: doctor.Critical, Confidence: doctor.Proved,
			Summary: "nginx(812) cannot connect to 10.77.0.2:9000: it opens a connection for each request, and all 1,000 ports of 10.77.0.1 towards it are in use",
			Since:   at, Until: at.Add(time.Minute),
			Evidence: []doctor.Evidence{
				{Text: "1,000 of 1,000 ports are in use, all of them in TIME_WAIT", Value: 1000, Unit: "ports", At: at.Add(time.Second), Proc: nginx},
				{Text: "nginx(812) closes first: 100% of its connections"},
			},
			Victims: manyVictims(nginx, at),
			Advice: []doctor.Advice{
				{
					Action:  "Keep the connections to the upstream open: in the upstream and its location",
					Command: "upstream app {\n\tserver 10.77.0.2:9000;\n\tkeepalive 32;\n}\nproxy_http_version 1.1;\nproxy_set_header Connection \"\"; # a line that is much longer than eighty columns stays one line",
					Effect:  "survives: about 20 ports in place of 1,000, no failure in 10 min",
				},
				{
					Action: "Restore the port range", Command: `sysctl -w net.ipv4.ip_local_port_range="32768 60999"`,
					Undo: `sysctl -w net.ipv4.ip_local_port_range="40000 40999"`, Safety: doctor.CheckFirst,
					Risk: "A service that listens on a port of the wider range can fail to start.", Effect: "survives: 460/s are sustainable, 200/s are wanted",
				},
				{Action: "Restart nginx", Safety: doctor.LastResort, Risk: "Its ports stay in TIME_WAIT."},
			},
			Wrong: []string{"net.ipv4.tcp_fin_timeout does not change TIME_WAIT", "net.ipv4.tcp_tw_recycle: no kernel since 4.12 has it"},
		},
	}
}

func manyVictims(nginx event.Process, at time.Time) []doctor.Victim {
	victims := []doctor.Victim{{Proc: nginx, Failures: 7_731, Last: at.Add(time.Minute)}}
	for i := range maxVictims + 2 {
		victims = append(victims, doctor.Victim{Proc: event.Process{ID: event.ProcID{PID: uint32(2000 + i), Start: 1}, Comm: "curl"}, Failures: uint64(9 - i)})
	}
	return victims
}
