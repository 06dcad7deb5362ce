package probe

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	both = 1<<unix.CAP_BPF | 1<<unix.CAP_PERFMON
	all  = 1<<(unix.CAP_LAST_CAP+1) - 1
)

// One line says what is missing and what porttrace needs.
func TestExplain(t *testing.T) {
	noRing := fmt.Errorf("%w: map create: %w", errMaps, unix.EINVAL)
	for name, c := range map[string]struct {
		host host
		err  error
		want []string
	}{
		"too old, no BTF":  {host{release: "4.19.0-27-amd64", capabilities: all}, errNoBTF, []string{"4.19.0-27-amd64, has no BTF", "Linux 5.10 or later"}},
		"without BTF":      {host{release: "6.12.9", capabilities: all}, errNoBTF, []string{"6.12.9, has no BTF", "CONFIG_DEBUG_INFO_BTF"}},
		"no ring buffer":   {host{release: "5.4.0-200-generic", capabilities: all}, noRing, []string{"5.4.0-200-generic, has no BPF ring buffer (invalid argument)", "Linux 5.10 or later"}},
		"no helper":        {host{release: "5.8.18", capabilities: all}, unknownHelper{}, []string{"5.8.18, lacks a feature (unknown func bpf_skc_to_tcp_sock#137)", "Linux 5.10 or later"}},
		"no tracepoint":    {host{release: "6.12.9", capabilities: all}, fmt.Errorf("raw_tp x: %w", ebpf.ErrNotSupported), []string{"6.12.9, lacks a feature", "Linux 5.10 or later"}},
		"nothing":          {host{release: "6.12.9"}, unix.EPERM, []string{"root, or the capabilities CAP_BPF and CAP_PERFMON: run it with sudo"}},
		"nothing, too old": {host{release: "4.18.0-553.el8"}, unix.EPERM, []string{"run it with sudo"}},
		"CAP_BPF alone":    {host{release: "6.12.9", capabilities: 1 << unix.CAP_BPF}, unix.EPERM, []string{"CAP_PERFMON is missing"}},
		"CAP_PERFMON":      {host{release: "6.12.9", capabilities: 1 << unix.CAP_PERFMON}, unix.EPERM, []string{"CAP_BPF is missing"}},
		"locked memory":    {host{release: "5.10.0-46-amd64", capabilities: both}, fmt.Errorf("%w: %w", errMaps, unix.EPERM), []string{"CAP_SYS_RESOURCE"}},
		"container":        {host{release: "6.12.9", capabilities: all}, unix.EPERM, []string{"container"}},
		"lockdown":         {host{release: "6.12.9", lockdown: "confidentiality", capabilities: all}, unix.EPERM, []string{"lockdown"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.host.explain(c.err)
			if !errors.Is(got, ErrUnsupported) || strings.Contains(got.Error(), "\n") {
				t.Fatalf("got %v", got)
			}
			for _, want := range c.want {
				if !strings.Contains(got.Error(), want) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
		})
	}
}

type unknownHelper struct{}

func (unknownHelper) Error() string {
	return "attaching tp_btf/x: load program: unknown func bpf_skc_to_tcp_sock#137\nprocessed 12 insns"
}

// An error that is not about the kernel or the privileges is returned unchanged.
func TestExplainOther(t *testing.T) {
	err := errors.New("a bug")
	if got := (host{release: "6.12.9", capabilities: all}).explain(err); !errors.Is(got, err) || errors.Is(got, ErrUnsupported) {
		t.Errorf("got %v", got)
	}
}

// A hook that needs a further capability says which.
func TestRefused(t *testing.T) {
	eperm := fmt.Errorf("load program: %w", unix.EPERM)
	if got := (host{capabilities: both}).refused(Cgroup, eperm); got != "needs CAP_NET_ADMIN" {
		t.Errorf("got %q", got)
	}
	if got := (host{capabilities: all}).refused(Cgroup, eperm); got != "operation not permitted" {
		t.Errorf("got %q", got)
	}
}
