package linux

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Memory returns how many bytes this process may have, all that it makes the kernel keep
// included: those of the host, or the lowest limit of its memory cgroups, cgroups(7).
func Memory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil { // fails for a bad address only
		return math.MaxUint64
	}
	memory := info.Totalram * uint64(info.Unit)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	own, err2 := os.ReadFile("/proc/self/cgroup")
	if errors.Join(err, err2) != nil {
		return memory // without /proc there are no limits to read
	}
	for _, h := range memoryHierarchies(string(mounts), string(own)) {
		memory = min(memory, h.limit())
	}
	return memory
}

// hierarchy is a mounted hierarchy of cgroups and where in it a process is.
type hierarchy struct {
	mount, path string
	unified     bool // version 2
}

// memoryHierarchies returns those that can limit memory: version 2, and that of the memory
// controller of version 1. It gets /proc/PID/mountinfo and /proc/PID/cgroup.
func memoryHierarchies(mounts, own string) []hierarchy {
	paths := map[bool]string{} // by unified
	for line := range strings.Lines(own) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if controllers, path, found := strings.Cut(rest, ":"); found && (controllers == "" || listed(controllers, "memory")) {
			paths[controllers == ""] = path
		}
	}
	var all []hierarchy
	for m := range Mounts(mounts) {
		unified := m.Type == "cgroup2"
		if !unified && (m.Type != "cgroup" || !listed(m.Options, "memory")) {
			continue
		}
		if path, known := paths[unified]; known {
			all = append(all, hierarchy{m.Point, within(path, m.Root), unified})
		}
	}
	return all
}

// within returns the path of a cgroup below what is mounted. In a container without a namespace of
// cgroups only its own one is mounted, and the path is that of the host.
func within(path, mounted string) string {
	if rest, inside := strings.CutPrefix(path, mounted); inside && (rest == "" || rest[0] == '/') {
		path = rest
	}
	return filepath.Join("/", path)
}

// listed reports whether a list with commas has a name.
func listed(list, name string) bool {
	return strings.Contains(","+list+",", ","+name+",")
}

// limit returns the lowest limit from the cgroup up to the mount, where version 2 has none.
func (h hierarchy) limit() uint64 {
	name := "memory.limit_in_bytes"
	if h.unified {
		name = "memory.max"
	}
	lowest := uint64(math.MaxUint64)
	for path := h.path; ; path = filepath.Dir(path) {
		text, _ := os.ReadFile(filepath.Join(h.mount, path, name))
		if limit, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil { // not "max"
			lowest = min(lowest, limit)
		}
		if path == "/" {
			return lowest
		}
	}
}
