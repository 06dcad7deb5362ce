package phrase

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// PID returns the number of a process.
func PID(id event.ProcID) string {
	if !id.Known() {
		return Unknown
	}
	return strconv.FormatUint(uint64(id.PID), 10)
}

// Command returns the name of a process, without its pid.
func Command(id event.ProcID, comm string) string {
	if !id.Known() {
		return "(unknown)"
	}
	return cmp.Or(printable.String(comm), "?")
}

// Process returns NAME(PID).
func Process(id event.ProcID, comm string) string {
	if !id.Known() {
		return Command(id, comm)
	}
	return Command(id, comm) + "(" + PID(id) + ")"
}

// Netns returns the name of a network namespace, or its inode if it has none.
func Netns(name string, inode uint32) string {
	return cmp.Or(printable.String(name), strconv.FormatUint(uint64(inode), 10))
}

// NetnsState returns the same, marked if the namespace exists no more.
func NetnsState(name string, inode uint32, gone bool) string {
	if gone {
		return Netns(name, inode) + " (gone)"
	}
	return Netns(name, inode)
}

// InNetns returns in which network namespace something is, after a blank; empty of the host's own
// and of one without a name.
func InNetns(name string) string {
	if name == "" || name == "host" {
		return ""
	}
	return " in " + printable.String(name)
}

// Endpoint returns ADDR:PORT, or [ADDR]:PORT for IPv6, with * for any port.
func Endpoint(e event.Endpoint) string {
	if e.Port == 0 {
		return strings.TrimSuffix(e.String(), "0") + "*"
	}
	return e.String()
}

// Remote returns an endpoint with its protocol if that is not TCP.
func Remote(proto event.Proto, e event.Endpoint) string { return Endpoint(e) + ProtoSuffix(proto) }

// ProtoSuffix returns what follows an endpoint of the protocol: empty for TCP.
func ProtoSuffix(proto event.Proto) string {
	if proto == event.TCP || proto == 0 {
		return ""
	}
	return "/" + proto.String()
}
