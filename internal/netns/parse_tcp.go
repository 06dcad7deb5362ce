package netns

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// socketLine is a line of /proc/net/tcp or tcp6.
type socketLine struct {
	local, remote event.Endpoint
	v6            bool
	state, timer  uint8
	left          time.Duration // until the timer is due
	inode         uint64
}

// parseSockets reads /proc/net/tcp or tcp6 (Documentation/networking/proc_net_tcp.rst).
// Connection requests (SYN_RECV), which hold no port, are left out.
func parseSockets(r io.Reader, add func(*socketLine)) error {
	const synRecv = 3
	lines := bufio.NewScanner(r)
	lines.Scan() // the head
	for lines.Scan() {
		s, err := parseSocket(strings.Fields(lines.Text()))
		if err != nil {
			return fmt.Errorf("the line %q: %w", lines.Text(), err)
		}
		if s.state != synRecv {
			add(&s)
		}
	}
	return lines.Err()
}

// parseSocket reads: sl, local, remote, st, queues, timer, retransmits, uid, timeout, inode.
func parseSocket(fields []string) (s socketLine, err error) {
	if len(fields) < 10 {
		return s, fmt.Errorf("%d fields", len(fields))
	}
	if s.local, s.v6, err = parseEndpoint(fields[1]); err != nil {
		return s, err
	}
	remote, v6, err := parseEndpoint(fields[2])
	if err == nil && v6 != s.v6 {
		err = errors.New("the ends are of two families")
	}
	if err != nil {
		return s, err
	}
	s.remote = remote
	state, err := strconv.ParseUint(fields[3], 16, 8)
	if err != nil {
		return s, err
	}
	kind, when, _ := strings.Cut(fields[5], ":")
	timer, err := strconv.ParseUint(kind, 16, 8)
	if err != nil {
		return s, err
	}
	ticks, err := strconv.ParseUint(when, 16, 32)
	if err != nil {
		return s, err
	}
	s.state, s.timer, s.left = uint8(state), uint8(timer), time.Duration(ticks)*time.Second/event.TicksPerSecond
	s.inode, err = strconv.ParseUint(fields[9], 10, 64)
	return s, err
}

// parseEndpoint reads "0100007F:0050": the address as 32-bit words in the byte order of
// the machine, the port as a number.
func parseEndpoint(text string) (e event.Endpoint, v6 bool, err error) {
	words, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(words)
	if err != nil {
		return e, false, err
	}
	for at := 0; at+4 <= len(raw); at += 4 {
		binary.NativeEndian.PutUint32(raw[at:], binary.BigEndian.Uint32(raw[at:]))
	}
	switch len(raw) {
	case 4:
		e.Addr = mapped([4]byte(raw))
	case 16:
		e.Addr, v6 = event.Addr(raw), true
	default:
		return e, false, fmt.Errorf("an address of %d bytes", len(raw))
	}
	number, err := strconv.ParseUint(port, 16, 16)
	e.Port = uint16(number)
	return e, v6, err
}

// mapped returns an IPv4 address in the form of an event, ::ffff:a.b.c.d.
func mapped(v4 [4]byte) event.Addr {
	return event.Addr{10: 0xff, 11: 0xff, 12: v4[0], 13: v4[1], 14: v4[2], 15: v4[3]}
}
