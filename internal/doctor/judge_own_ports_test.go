package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// ownList is HAProxy with a list of 200 ports: it opened connections until 12 s ago, and closes five
// accepted ones a second.
func ownList() (*snapshot.Snapshot, *snapshot.Process) {
	history := make([]snapshot.Point, 20)
	for i := range history {
		history[i].Closes = 5
		if i < 8 {
			history[i].Opens = 25
		}
	}
	s := &snapshot.Snapshot{
		Wall: judgedAt, Elapsed: 20 * time.Second,
		Namespaces: []snapshot.Namespace{{Inode: inode, Name: "box", Ports: event.PortRange{Low: 32768, High: 60999}}},
		Processes: []snapshot.Process{{
			Info: event.Process{ID: shop, Comm: "haproxy", Exe: "/usr/sbin/haproxy"}, History: snapshot.HistoryOf(history...),
			Totals:   snapshot.Totals{Opens: 200, ClosesIn: 100},
			OwnPorts: &snapshot.OwnPorts{Netns: inode, Local: local.Addr, Low: 40000, High: 40199, Open: 200},
		}},
	}
	return s, &s.Processes[0]
}

func TestOwnPortsInUse(t *testing.T) {
	t.Parallel()
	s, _ := ownList()
	f := only(t, Judge(s))
	if f.ID != "own_ports:haproxy:10.0.0.1" || f.Severity != Warning || f.Confidence != Likely || len(f.Victims) > 0 ||
		f.Subject != (Subject{Netns: inode, Proc: shop, Local: local.Addr}) || !f.Since.Equal(judgedAt.Add(-12*time.Second)) {
		t.Errorf("%+v", f)
	}
	const summary = "haproxy (pid 100) has all 200 ports in use that it has bound itself, one by one (40000-40199 of 10.0.0.1): " +
		"it opens no further connection, and closes connections that it has accepted"
	if !strings.HasPrefix(f.Summary, summary) {
		t.Errorf("says %q", f.Summary)
	}
	want := []string{"all 200 are open", "50 accepted connections closed in the last 10 s, and no outgoing one", "no connection opened for 12 s"}
	for i, e := range f.Evidence {
		if i >= len(want) || !strings.HasSuffix(e.Text, want[i]) {
			t.Errorf("evidence: %s", e.Text)
		}
	}
}

// changePast changes the history of a process.
func changePast(p *snapshot.Process, change func([]snapshot.Point)) {
	points := p.History.Points()
	change(points)
	p.History = snapshot.HistoryOf(points...)
}

func closeNothing(points []snapshot.Point) {
	for i := range points {
		points[i].Closes = 0
	}
}

func TestOwnPortsAtEase(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p *snapshot.Process){
		"chooses no ports": func(p *snapshot.Process) { p.OwnPorts = nil },
		"one port is free": func(p *snapshot.Process) { p.OwnPorts.Open-- },
		"still opens": func(p *snapshot.Process) {
			changePast(p, func(points []snapshot.Point) { points[len(points)-stalledFor].Opens = 1 })
		},
		"was seen too late": func(p *snapshot.Process) {
			p.History = snapshot.HistoryOf(p.History.Points()[p.History.Len()-stalledFor+1:]...)
		},
		"a pool has the first of its ports": func(p *snapshot.Process) { p.OwnPorts.High, p.OwnPorts.Open = 40030, 31 },
		"closes nothing": func(p *snapshot.Process) {
			changePast(p, closeNothing)
		},
		"what it closed is long ago": func(p *snapshot.Process) {
			changePast(p, func(points []snapshot.Point) { closeNothing(points[len(points)-refusedIn:]) })
		},
		"its servers close": func(p *snapshot.Process) { p.OwnPorts.Ended = judgedAt.Add(-refusedIn * time.Second) },
	} {
		s, p := ownList()
		change(p)
		if list := urgent(Judge(s)); len(list) > 0 {
			t.Errorf("%s: %s", name, list[0].Summary)
		}
	}
	s, p := ownList()
	p.OwnPorts.Ended = judgedAt.Add(-time.Minute)
	only(t, Judge(s))
}

func TestBoundsOfLists(t *testing.T) {
	t.Parallel()
	for bounds, want := range map[event.PortRange]bool{
		{Low: 40000, High: 40199}: true, {Low: 20001, High: 21000}: true, {Low: 1024, High: 2047}: true, {Low: 40000, High: 40200}: true, {Low: 32810, High: 33999}: true,
		{Low: 40000, High: 40030}: false, {Low: 40000, High: 40060}: false, {Low: 40001, High: 40123}: false,
	} {
		if got := isRound(&snapshot.OwnPorts{Low: bounds.Low, High: bounds.High}); got != want {
			t.Errorf("%d-%d: %t", bounds.Low, bounds.High, got)
		}
	}
}

// What HAProxy is advised has the list that it was seen to use.
func TestOwnPortsAdvice(t *testing.T) {
	t.Parallel()
	s, p := ownList()
	f := only(t, Judge(s))
	text := show(&f)
	for _, word := range []string{
		"server <server> <address:port> source 10.0.0.1:40000-40399   # was 40000-40199", "source <second local address>:40000-40199",
		"source 10.0.0.1:40000-40199 maxconn 179", "Take the port range out of source",
	} {
		if !strings.Contains(text, word) {
			t.Errorf("lacks %q:%s", word, text)
		}
	}
	checkAdvice(t, "haproxy", &f)
	p.OwnPorts.Low, p.OwnPorts.High = 65336, 65535 // there are no more above it
	f = only(t, Judge(s))
	if text := show(&f); !strings.Contains(text, "source 10.0.0.1:<low>-<high>   # was 65336-65535") {
		t.Error(text)
	}
}

// Of the recorded incidents HAProxy with a source of 200 ports is one.
func TestOwnPortsRecorded(t *testing.T) {
	t.Parallel()
	const folder = "../incidents/recorded/testdata/"
	findings, _ := judged(t, folder+"edge.ptrace")
	f := only(t, findings)
	if !strings.HasPrefix(f.ID, "own_ports:haproxy:") || Verdict(findings) != Warning || !f.Until.IsZero() || !strings.Contains(f.Summary, "all 200 ports") {
		t.Errorf("%s until %s: %s", f.ID, f.Until, f.Summary)
	}
	for _, name := range []string{"proxy", "crawler", "web"} {
		findings, _ := judged(t, folder+name+".ptrace")
		for i := range findings {
			if findings[i].Cause == OwnPorts {
				t.Errorf("%s: %s", name, findings[i].Summary)
			}
		}
	}
}
