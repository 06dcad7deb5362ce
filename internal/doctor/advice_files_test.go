package doctor

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// TestPrlimitTakesAdvice types the lines at a process whose soft limit is its hard one, as after
// ulimit -n, and at one whose hard limit is higher, and what takes them back.
func TestPrlimitTakesAdvice(t *testing.T) {
	t.Parallel()
	need.Program(t, "prlimit")
	for _, c := range []struct {
		hard          uint64
		known         bool
		want, undone  string
		wantUnitLimit string
	}{
		{64, true, "128 128", "64 64", "LimitNOFILE=128\\n"},
		{64, false, "128 128", "64 128", "LimitNOFILE=128\\n"},
		{100, true, "128 128", "64 100", "LimitNOFILE=128\\n"},
		{512, true, "128 512", "64 512", "LimitNOFILE=128:512\\n"},
		{512, false, "128 512", "64 512", "LimitNOFILE=128\\n"},
	} {
		t.Run(fmt.Sprint(c.hard, c.known), func(t *testing.T) {
			t.Parallel()
			pid := sleepWith(t, c.hard)
			s, subject := everything("nginx")
			s.Processes[0].Files = &event.FileUse{Open: 64, Limit: 64}
			if c.known {
				s.Processes[0].Files.Hard = c.hard
			}
			s.Processes[0].Info.ID.PID, subject.Proc.PID = uint32(pid), uint32(pid)
			f := advised(s, FDLimit, subject)
			var a *Advice
			for i := range f.Advice {
				if strings.HasPrefix(f.Advice[i].Command, "prlimit") {
					a = &f.Advice[i]
				}
			}
			if a == nil || !strings.Contains(show(f), c.wantUnitLimit) {
				t.Fatalf("lacks prlimit or %q:%s", c.wantUnitLimit, show(f))
			}
			if want := fmt.Sprintf("prlimit --pid %d --nofile=%s", pid, strings.ReplaceAll(c.want, " ", ":")); !strings.HasSuffix(a.Command, want) && c.known {
				t.Errorf("%s, want %s", a.Command, want)
			}
			if c.hard < 128 {
				need.HardLimits(t)
			}
			typeAt(t, pid, a.Command, c.want)
			typeAt(t, pid, a.Undo, c.undone)
		})
	}
}

// sleepWith starts a process that may open 64 files, and may raise that to hard itself.
func sleepWith(t *testing.T, hard uint64) int {
	t.Helper()
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sleep.Process.Kill()
		_ = sleep.Wait()
	})
	if out, err := exec.Command("prlimit", "--pid", fmt.Sprint(sleep.Process.Pid), fmt.Sprintf("--nofile=64:%d", hard)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return sleep.Process.Pid
}

func typeAt(t *testing.T, pid int, command string, want string) {
	t.Helper()
	if !strings.Contains(command, fmt.Sprint(pid)) {
		t.Fatalf("not of process %d: %s", pid, command)
	}
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	out, err := exec.Command("prlimit", "--pid", fmt.Sprint(pid), "--nofile", "--output=SOFT,HARD", "--noheadings", "--raw").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("after %s: %s, %v, want %s", command, got, err, want)
	}
}
