package lab

import "testing"

func TestStorm(t *testing.T) {
	needRoot(t)
	for _, test := range []struct {
		name     string
		job      Storm
		timeWait int
	}{
		{"rst", Storm{Reset: true, Count: 2000}, 0},
		{"fin", Storm{Count: 2000, Threads: 2}, 2000},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, err := NewStormNetns()
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			p, err := n.Spawn("storm", &test.job)
			if err != nil {
				t.Fatal(err)
			}
			var r StormResult
			if err := p.Decode(&r); err != nil {
				t.Fatal(err)
			}
			if err := p.Release(); err != nil {
				t.Fatal(err)
			}
			if r.Connections != 2000 || r.Seconds <= 0 || r.CPU <= 0 {
				t.Errorf("%+v", r)
			}
			counters, err := n.Netstat()
			if err != nil {
				t.Fatal(err)
			}
			if got := counters["Tcp.ActiveOpens"]; got != 2000 {
				t.Errorf("active opens = %d, want 2000", got)
			}
			stat, err := n.Sockstat()
			if err != nil {
				t.Fatal(err)
			}
			if stat.TimeWait != test.timeWait {
				t.Errorf("TIME_WAIT = %d, want %d", stat.TimeWait, test.timeWait)
			}
		})
	}
}
