package lab

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Netstat returns the counters of /proc/net/snmp and /proc/net/netstat by group
// and name: "Tcp.ActiveOpens", "TcpExt.TW", "TcpExt.TCPTimeWaitOverflow".
// Negative values, which only Tcp.MaxConn has, are left out.
func (n *Netns) Netstat() (map[string]uint64, error) {
	counters := make(map[string]uint64)
	for _, name := range []string{"snmp", "netstat"} {
		text, err := n.ReadNet(name)
		if err != nil {
			return nil, err
		}
		if err := parseCounters(text, counters); err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
	}
	return counters, nil
}

// parseCounters reads pairs of lines: "Group: names...", "Group: values...".
func parseCounters(text string, into map[string]uint64) error {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		if len(names) != len(values) || len(names) == 0 || names[0] != values[0] {
			return fmt.Errorf("lines %d and %d do not match", i+1, i+2)
		}
		for j := 1; j < len(names); j++ {
			if value, err := strconv.ParseUint(values[j], 10, 64); err == nil {
				into[strings.TrimSuffix(names[0], ":")+"."+names[j]] = value
			}
		}
	}
	return nil
}

// Sockstat is the TCP line of /proc/net/sockstat, in sockets.
type Sockstat struct {
	InUse    int // of IPv4, TIME_WAIT not included
	Orphan   int // owned by no process any more
	TimeWait int // of both families
	Alloc    int // of both families, in any state
}

// Sockstat returns the kernel's own count of TCP sockets.
func (n *Netns) Sockstat() (Sockstat, error) {
	text, err := n.ReadNet("sockstat")
	if err != nil {
		return Sockstat{}, err
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "TCP:") {
			continue
		}
		var s Sockstat
		_, err := fmt.Sscanf(line, "TCP: inuse %d orphan %d tw %d alloc %d", &s.InUse, &s.Orphan, &s.TimeWait, &s.Alloc)
		if err != nil {
			return Sockstat{}, fmt.Errorf("parsing sockstat: %w", err)
		}
		return s, nil
	}
	return Sockstat{}, errors.New("parsing sockstat: no TCP line")
}

// TCPSocket is one line of /proc/net/tcp or tcp6.
type TCPSocket struct {
	Local, Remote netip.AddrPort
	State         TCPState
	Inode         uint64        // 0 if no process has it open
	Left          time.Duration // until its timer is due, to 10 ms; 0 without one
}

// TCPState is a state of a TCP socket by the kernel's number (net/tcp_states.h).
type TCPState uint8

// The states that tests ask for.
const (
	Established TCPState = 1
	SynSent     TCPState = 2
	FinWait2    TCPState = 5
	TimeWait    TCPState = 6
	CloseWait   TCPState = 8
	Listen      TCPState = 10
)

// TCPSockets returns the TCP sockets of the namespace, of both families, as far
// as the kernel lists them: one that is bound and no more is not.
func (n *Netns) TCPSockets() ([]TCPSocket, error) {
	var sockets []TCPSocket
	for _, name := range []string{"tcp", "tcp6"} {
		text, err := n.ReadNet(name)
		if err != nil {
			return nil, err
		}
		_, body, _ := strings.Cut(text, "\n") // the first line is a heading
		for line := range strings.Lines(body) {
			socket, err := parseTCP(strings.Fields(line))
			if err != nil {
				return nil, fmt.Errorf("parsing %s: %w", name, err)
			}
			sockets = append(sockets, socket)
		}
	}
	return sockets, nil
}

// userHZ is the unit of times in /proc (include/asm-generic/param.h).
const userHZ = 100

// parseTCP reads: sl, local, remote, st, queues, timer, retransmits, uid,
// timeout, inode (Documentation/networking/proc_net_tcp.rst).
func parseTCP(fields []string) (TCPSocket, error) {
	if len(fields) < 10 {
		return TCPSocket{}, fmt.Errorf("a line of %d fields", len(fields))
	}
	local, errLocal := parseEndpoint(fields[1])
	remote, errRemote := parseEndpoint(fields[2])
	state, errState := strconv.ParseUint(fields[3], 16, 8)
	inode, errInode := strconv.ParseUint(fields[9], 10, 64)
	_, timer, _ := strings.Cut(fields[5], ":")
	ticks, errTimer := strconv.ParseUint(timer, 16, 32)
	socket := TCPSocket{
		Local: local, Remote: remote, State: TCPState(state), Inode: inode,
		Left: time.Duration(ticks) * time.Second / userHZ,
	}
	return socket, errors.Join(errLocal, errRemote, errState, errInode, errTimer)
}

// parseEndpoint reads "0100007F:0050": the address as 32-bit words in the byte
// order of the machine, the port as a plain number.
func parseEndpoint(text string) (netip.AddrPort, error) {
	words, port, _ := strings.Cut(text, ":")
	addr, err := hex.DecodeString(words)
	if err != nil || len(addr)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("endpoint %q", text)
	}
	for i := 0; i < len(addr); i += 4 {
		binary.NativeEndian.PutUint32(addr[i:], binary.BigEndian.Uint32(addr[i:]))
	}
	ip, ok := netip.AddrFromSlice(addr)
	number, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("endpoint %q", text)
	}
	return netip.AddrPortFrom(ip, uint16(number)), nil
}
