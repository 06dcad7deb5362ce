package probe

import (
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/linux"
)

// The kernel allocates all entries of a map when it is created. Allocating each when it is
// inserted (BPF_F_NO_PREALLOC) takes 15 to 22 ns more a run of the programs, of 300, and kernels
// before 6.1 warn of it. So bpf/maps.bpf.h has the most entries of each map, and the host decides
// how many it gets.
const (
	// minConns is enough for a port range of the default size that is full, 28,232 ports, with
	// both ends of each connection on this host.
	minConns = 1 << 16
	// maxConns bounds what the host decides; Options.MaxConns can be higher.
	maxConns = 1 << 18
	// leastConns is how many a host without memory gets.
	leastConns = 1 << 12
	// connsPerSocket is how many connections may be opened for each socket that there is.
	connsPerSocket = 4
	// entryBytes is what an entry of a hash takes beside its key and value: struct htab_elem, and
	// a struct bucket for it.
	entryBytes = 48 + 16
	// connsShare is the part of the memory that pt_conns may take.
	connsShare = 16
)

// room is what the host has for the maps.
type room struct {
	memory  uint64 // bytes that this process may have
	sockets uint64 // of TCP, in all namespaces
}

func hostRoom() room {
	sockstat, _ := os.ReadFile("/proc/net/sockstat") // without it there are none
	return room{linux.Memory(), allocatedSockets(string(sockstat))}
}

// allocatedSockets returns "alloc" of the line of TCP in /proc/net/sockstat: unlike "inuse" it
// counts those of all namespaces. TIME_WAIT is not among them, nor has it an entry in pt_conns.
func allocatedSockets(sockstat string) uint64 {
	for line := range strings.Lines(sockstat) {
		line, is := strings.CutPrefix(line, "TCP:")
		if !is {
			continue
		}
		fields := strings.Fields(line)
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i] == "alloc" {
				n, _ := strconv.ParseUint(fields[i+1], 10, 64)
				return n
			}
		}
	}
	return 0
}

// conns returns how many connections can be followed at once: the entries of pt_conns, of which each
// takes this many bytes.
func (r room) conns(bytes uint64) uint32 {
	wanted := min(max(minConns, connsPerSocket*r.sockets), maxConns)
	return uint32(max(min(wanted, r.memory/connsShare/bytes), leastConns))
}

// shrinking are the maps that take memory for what is under way, or has happened since they were
// read last. What finds no room in them is counted with less detail.
var shrinking = []string{
	"pt_procs", "pt_unsent", "pt_calls", "pt_reported", "pt_binds", "pt_events", "pt_failures",
	"pt_folds_first", "pt_fails_first", "pt_owner_folds_first", "pt_owner_fails_first", "pt_netns_sent",
	"pt_limited_pairs", "pt_limited_numbers", "pt_limited_counts",
}

// sizeMaps sets how many entries the maps get.
func sizeMaps(maps map[string]*ebpf.MapSpec, opts *Options, r room) {
	for _, name := range shrinking {
		maps[name].MaxEntries = uint32(bounds.For(r.memory).Of(int(maps[name].MaxEntries)))
	}
	for outer, inner := range innerMaps { // the kernel makes one to see its type
		maps[outer].InnerMap.MaxEntries = maps[inner].MaxEntries
	}
	conns := maps["pt_conns"]
	conns.MaxEntries = r.conns(uint64(conns.KeySize + conns.ValueSize + entryBytes))
	if opts.MaxConns != 0 {
		conns.MaxEntries = uint32(opts.MaxConns)
	}
	if opts.RingBytes != 0 {
		maps["pt_events"].MaxEntries = uint32(opts.RingBytes)
		maps["pt_failures"].MaxEntries = uint32(opts.RingBytes)
	}
	if opts.Targets == nil {
		maps["pt_targets"].MaxEntries = 1 // no program uses it
	}
}

// kernelBytes returns what maps take in the kernel, by its own account. They are all allocated at once,
// so it does not change.
func kernelBytes(maps map[string]*ebpf.Map) uint64 {
	var sum uint64
	for _, m := range maps {
		var bytes uint64
		if info, err := m.Info(); err == nil {
			bytes, _ = info.Memlock() // 0 if the kernel does not say
		}
		if m.Type() == ebpf.RingBuf { // from 5.11 to 6.3 they count as nothing
			bytes = max(bytes, uint64(m.MaxEntries()))
		}
		sum += bytes
	}
	return sum
}
