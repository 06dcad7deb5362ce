package netns

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// parseLink reads what /proc/PID/ns/net links to, "net:[INODE]", namespaces(7).
func parseLink(link string) (uint32, error) {
	digits, opened := strings.CutPrefix(link, "net:[")
	digits, closed := strings.CutSuffix(digits, "]")
	inode, err := strconv.ParseUint(digits, 10, 32)
	if !opened || !closed || err != nil {
		return 0, fmt.Errorf("%q: not in the form net:[INODE]", link)
	}
	return uint32(inode), nil
}

// errSockstat says that the kernel has changed the file's form.
var errSockstat = errors.New("no count of TIME_WAIT in sockstat")

// parseTimeWait finds the "tw" count of the line "TCP: inuse 2 orphan 0 tw 1 ..."
// of /proc/net/sockstat, proc_pid_net(5). It is of this namespace alone and holds
// IPv6 as well, and the FIN_WAIT2 buckets of orphans with the true ones.
func parseTimeWait(r io.Reader) (int64, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		counts, found := strings.CutPrefix(lines.Text(), "TCP:")
		if !found {
			continue
		}
		words := strings.Fields(counts)
		for i := 0; i+1 < len(words); i += 2 {
			if words[i] == "tw" {
				return strconv.ParseInt(words[i+1], 10, 64)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, errSockstat
}
