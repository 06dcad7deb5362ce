package netns

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// parseLink returns the inode of a link such as /proc/PID/ns/net, "net:[INODE]",
// namespaces(7).
func parseLink(link string) (uint32, error) {
	digits, opened := strings.CutPrefix(link, "net:[")
	digits, closed := strings.CutSuffix(digits, "]")
	inode, err := strconv.ParseUint(digits, 10, 32)
	if !opened || !closed || err != nil {
		return 0, fmt.Errorf("%q: not in the form net:[INODE]", link)
	}
	return uint32(inode), nil
}

// errSockstat is the error if the kernel has changed the form of the file.
var errSockstat = errors.New("no count of TIME_WAIT in sockstat")

// parseTimeWait returns the "tw" count of /proc/net/sockstat. It counts the buckets of this
// namespace alone, of IPv4 and IPv6, in FIN_WAIT2 and in TIME_WAIT.
func parseTimeWait(r io.Reader) (int64, error) {
	var buckets event.Counter
	if err := parseSockstat(r, map[string]*event.Counter{"tw": &buckets}); err != nil {
		return 0, err
	}
	if !buckets.Known() {
		return 0, errSockstat
	}
	return int64(buckets.Value()), nil
}

// errNetstat is the error if the kernel has changed the form of the file.
var errNetstat = errors.New("no TCPTimeWaitOverflow in netstat")

// parseRefused returns the counter TCPTimeWaitOverflow of /proc/net/netstat.
func parseRefused(r io.Reader) (uint64, error) {
	var refused event.Counter
	if err := parseCounters(r, "TcpExt:", map[string]*event.Counter{"TCPTimeWaitOverflow": &refused}); err != nil {
		return 0, err
	}
	if !refused.Known() {
		return 0, errNetstat
	}
	return refused.Value(), nil
}

// parseListeners reads the listening sockets of /proc/net/tcp or tcp6, proc_pid_net(5):
// port by socket inode. They come before all others, so that reading ends with
// the first that does not listen however many connections there are.
func parseListeners(r io.Reader, add func(socket uint64, port uint16)) error {
	const listening = "0A" // TCP_LISTEN
	lines := bufio.NewScanner(r)
	lines.Scan() // the head
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listening {
			break
		}
		_, digits, _ := strings.Cut(fields[1], ":")
		port, err := strconv.ParseUint(digits, 16, 16)
		if err != nil {
			return fmt.Errorf("the port of %q: %w", fields[1], err)
		}
		socket, err := strconv.ParseUint(fields[9], 10, 64)
		if err != nil {
			return fmt.Errorf("the inode %q: %w", fields[9], err)
		}
		add(socket, uint16(port))
	}
	return lines.Err()
}

// errInUse is the error if the kernel has changed the form of the file.
var errInUse = errors.New("no count of sockets in use in sockstat")

// parseInUse returns the number of the line "PROTOCOL inuse NUMBER ..." of /proc/net/sockstat or
// sockstat6, proc_pid_net(5).
func parseInUse(r io.Reader, protocol string) (int, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) >= 3 && words[0] == protocol && words[1] == "inuse" {
			return strconv.Atoi(words[2])
		}
	}
	return 0, cmp.Or(lines.Err(), errInUse)
}
