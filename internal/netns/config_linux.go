package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// reuseDelay is the delay of kernels without tcp_tw_reuse_delay (before 6.14).
const reuseDelay = time.Second

// Config returns the settings by which the namespace allocates ports, of its /proc/sys/net
// (ip-sysctl.rst). The name and the count of buckets come from Refresh.
func (n *Namespaces) Config(inode uint32) (config event.Netns, err error) {
	err = n.Inside(inode, func() error {
		config, err = readConfig()
		return err
	})
	config.Inode, config.TimeWait = inode, -1
	return config, err
}

// readConfig is Config in the namespace of this thread.
func readConfig() (event.Netns, error) {
	var s sysctls
	c := event.Netns{
		Cookie:      netnsCookie(),
		Ports:       s.ports("ip_local_port_range"),
		Reserved:    s.text("ip_local_reserved_ports"),
		Reuse:       uint8(s.number("tcp_tw_reuse")),
		MaxTimeWait: int64(s.number("tcp_max_tw_buckets")),
		ReuseDelay:  uint64(reuseDelay),
		Timestamps:  event.SettingOf(uint8(s.number("tcp_timestamps"))),
		FinTimeout:  s.number("tcp_fin_timeout") * uint64(time.Second),
	}
	if s.err != nil {
		return event.Netns{}, fmt.Errorf("reading the port settings: %w", s.err)
	}
	ms := s.number("tcp_tw_reuse_delay")
	switch {
	case s.err == nil:
		c.ReuseDelay = ms * uint64(time.Millisecond)
	case !errors.Is(s.err, fs.ErrNotExist):
		return event.Netns{}, fmt.Errorf("reading the port settings: %w", s.err)
	}
	readOptional(&c)
	return c, nil
}

// readOptional reads settings that a kernel may lack: those stay unknown.
func readOptional(c *event.Netns) {
	if n, ok := optional("ip_nonlocal_bind"); ok {
		c.NonlocalBind = event.SettingOf(uint8(n))
	}
	if n, ok := optional("ip_unprivileged_port_start"); ok {
		c.UnprivilegedPort = event.CounterOf(n)
	}
	if n, ok := optional("tcp_tw_timeout"); ok { // Alibaba Cloud Linux
		c.TimeWaitSetting = n * uint64(time.Second)
	}
}

// HostConfig returns the settings that all namespaces of the host share, of the
// namespace that the host booted in: only there are they in /proc/sys/net. What cannot be read is
// not known.
func (n *Namespaces) HostConfig() (maxOrphans event.Counter, tcpMem [3]uint64) {
	_ = n.Inside(hostNetns(), func() error {
		if n, ok := optional("tcp_max_orphans"); ok {
			maxOrphans = event.CounterOf(n)
		}
		var s sysctls
		fields := strings.Fields(s.text("tcp_mem"))
		if s.err != nil || len(fields) != len(tcpMem) {
			return s.err
		}
		var read [3]uint64
		for i, field := range fields {
			read[i] = s.parse("tcp_mem", field, 64)
		}
		if s.err == nil {
			tcpMem = read
		}
		return s.err
	})
	return maxOrphans, tcpMem
}

// optional returns a setting if it can be read.
func optional(name string) (n uint64, ok bool) {
	var s sysctls
	n = s.number(name)
	return n, s.err == nil
}

// netnsCookie returns the cookie of this thread's namespace, 0 before Linux 5.14.
func netnsCookie() uint64 {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return cookie
}

// sysctls reads files of /proc/sys/net/ipv4 and keeps the first error.
type sysctls struct{ err error }

func (s *sysctls) text(name string) string {
	if s.err != nil {
		return ""
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/" + name)
	s.err = err
	return strings.TrimSpace(string(text))
}

func (s *sysctls) number(name string) uint64 { return s.parse(name, s.text(name), 64) }

func (s *sysctls) ports(name string) event.PortRange {
	low, high, _ := strings.Cut(s.text(name), "\t")
	return event.PortRange{Low: uint16(s.parse(name, low, 16)), High: uint16(s.parse(name, high, 16))}
}

func (s *sysctls) parse(name, text string, bits int) uint64 {
	if s.err != nil {
		return 0
	}
	number, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		s.err = fmt.Errorf("%s is %q: %w", name, text, err)
	}
	return number
}
