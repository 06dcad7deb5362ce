package event

import "testing"

func TestProgram(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    Process
		want string
	}{
		{Process{}, ""},
		{Process{Comm: "nginx"}, "nginx"},
		{Process{Comm: "nginx", Exe: "/usr/sbin/nginx"}, "nginx"},
		{Process{Exe: "/usr/sbin/nginx"}, "nginx"},
		{Process{Comm: "containerd-shim", Exe: "/usr/bin/containerd-shim-runc-v2"}, "containerd-shim-runc-v2"},
		{Process{Comm: "systemd-resolve", Exe: "/lib/systemd/systemd-resolved"}, "systemd-resolved"},
		{Process{Comm: "exactly15bytes_", Exe: "/bin/other"}, "exactly15bytes_"},
		{Process{Comm: "MainThread", Exe: "/usr/bin/node"}, "MainThread"},
		{Process{Comm: "python3", Exe: "/usr/bin/python3.11", Script: "/srv/billing/billing.py"}, "billing.py"},
		{Process{Comm: "python3", Script: "http.server"}, "http.server"},
	} {
		if got := c.p.Program(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
	if got := (&Ancestor{Comm: "bash", Script: "/root/loop.sh"}).Program(); got != "loop.sh" {
		t.Errorf("ancestor: %q", got)
	}
}

func TestParent(t *testing.T) {
	t.Parallel()
	p := Process{PPID: 7}
	if got := p.Parent(); got.ID.PID != 7 || got.Comm != "" {
		t.Errorf("without ancestors: %+v", got)
	}
	p.Ancestors = []Ancestor{{ID: ProcID{PID: 7, Start: 3}, Comm: "bash"}, {ID: ProcID{PID: 1}}}
	if got := p.Parent(); got != p.Ancestors[0] {
		t.Errorf("with ancestors: %+v", got)
	}
}
