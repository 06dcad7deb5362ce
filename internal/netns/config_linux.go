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
	return c, nil
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
