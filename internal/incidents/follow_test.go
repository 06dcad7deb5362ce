package incidents

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// advised returns the number that the advice of a finding has, by a pattern with one group.
func (s *site) advised(f finding, pattern string) int {
	n := f.number(pattern)
	s.try("following the advice", func() error {
		if n == 0 {
			return fmt.Errorf("no advice matches %s: %s", pattern, f.advised())
		}
		return nil
	})
	return n
}

// followSysctl runs the advised lines of sysctl as they are.
func (s *site) followSysctl(f finding) {
	lines := f.sysctls()
	s.try("following the advice", func() error {
		if len(lines) == 0 {
			return errors.New("no advice has a line of sysctl: " + f.advised())
		}
		return nil
	})
	for _, line := range lines {
		s.try(line, func() error { return s.runSysctl(line) })
	}
}

// runSysctl runs a line that enters the namespace of a process: it must be the client's.
func (s *site) runSysctl(line string) error {
	pid := sysctlLine.FindStringSubmatch(line)[1]
	var st unix.Stat_t
	if err := unix.Stat("/proc/"+pid+"/ns/net", &st); err != nil {
		return fmt.Errorf("process %s of the advice has ended: %w", pid, err)
	}
	if uint32(st.Ino) != s.client.Inode() {
		return fmt.Errorf("process %s of the advice is in network namespace %d, not in %d", pid, st.Ino, s.client.Inode())
	}
	output, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// mustAdvise fails unless a piece of advice has this text: what the test does next is just that.
func (s *site) mustAdvise(f finding, text string) {
	s.try("following the advice", func() error {
		if !strings.Contains(f.advised(), text) {
			return fmt.Errorf("no advice has %q: %s", text, f.advised())
		}
		return nil
	})
}

// advised is all advice of a finding as text.
func (f *finding) advised() string {
	var b strings.Builder
	for _, a := range f.Advice {
		fmt.Fprintf(&b, "%s\n%s\n", a.Action, a.Command)
	}
	return b.String()
}

// number returns the number in the first piece of advice that matches a pattern with one group; 0
// if none does.
func (f *finding) number(pattern string) int {
	match := regexp.MustCompile(pattern).FindStringSubmatch(f.advised())
	if match == nil {
		return 0
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		return 0
	}
	return n
}

// sysctlLine matches a setting of the network namespace of a process: nothing of the host is
// changed.
var sysctlLine = regexp.MustCompile(`^nsenter -t (\d+) -n sysctl -w net\.(?:ipv4\.(?:ip_local_port_range|ip_local_reserved_ports|tcp_tw_reuse|` +
	`tcp_max_tw_buckets|tcp_max_syn_backlog|ip_nonlocal_bind)|core\.somaxconn)=["0-9, -]+$`)

// sysctls returns the lines of the first piece of advice that sets a sysctl of a namespace.
func (f *finding) sysctls() (lines []string) {
	for _, a := range f.Advice {
		for line := range strings.Lines(a.Command) {
			if line = strings.TrimSpace(line); sysctlLine.MatchString(line) {
				lines = append(lines, line)
			}
		}
		if lines != nil {
			return lines
		}
	}
	return nil
}
