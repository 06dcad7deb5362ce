package procinfo

import (
	"slices"
	"strings"
)

// hierarchy is a line of /proc/PID/cgroup, cgroups(7): where a process is in one of them.
type hierarchy struct {
	unified     bool // version 2
	controllers []string
	path        string
}

// versionOne are the controllers of version 1 by how well their paths name a process: systemd
// has a hierarchy for that alone, and keeps every service in that of pids.
var versionOne = []string{"name=systemd", "pids", "memory", "devices", "cpu"}

// hierarchies returns the lines of /proc/PID/cgroup.
func hierarchies(file string) []hierarchy {
	var all []hierarchy
	for line := range strings.Lines(file) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, path, found := strings.Cut(rest, ":")
		if !found {
			continue
		}
		all = append(all, hierarchy{controllers == "", strings.Split(controllers, ","), strings.TrimSuffix(path, deleted)})
	}
	return all
}

// cgroupPath returns the path of /proc/PID/cgroup that names the process best. On a host with
// hierarchies of version 1 a container can be in those alone: in the unified one it has
// the root, or the cgroup of the daemon that started it.
func cgroupPath(file string) string {
	all := hierarchies(file)
	rank := func(h hierarchy) int {
		if h.unified {
			return 0
		}
		for i, name := range versionOne {
			if slices.Contains(h.controllers, name) {
				return 1 + i
			}
		}
		return 1 + len(versionOne)
	}
	slices.SortStableFunc(all, func(a, b hierarchy) int { return rank(a) - rank(b) })
	best, known := "", -1
	for _, h := range all {
		if n := naming(h.path); n > known {
			best, known = h.path, n
		}
	}
	return best
}

// naming returns how much a path says: of a container, of a unit, anything, nothing.
func naming(path string) int {
	switch container, unit := Identify(path); {
	case container != "":
		return 3
	case unit != "":
		return 2
	case path != "" && path != "/":
		return 1
	}
	return 0
}

// hasVersionOne reports whether /proc/PID/cgroup lists hierarchies of version 1.
func hasVersionOne(file string) bool {
	return slices.ContainsFunc(hierarchies(file), func(h hierarchy) bool { return !h.unified })
}

// deleted is what the kernel adds to the name of a removed cgroup or executable.
const deleted = " (deleted)"

// Identify returns the full id of the innermost container of a cgroup path, and the
// innermost systemd unit that is not merely the scope of the container. Either is empty if
// there is none. It knows the names that Docker, containerd, CRI-O and Podman give with
// both the systemd and the cgroupfs driver: for
// "/system.slice/docker-0a1b...scope" it returns "0a1b..." and no unit.
func Identify(cgroupPath string) (container, unit string) {
	for name := range strings.SplitSeq(cgroupPath, "/") {
		if id := containerID(name); id != "" {
			container = id
		} else if isUnit(name) {
			unit = name
		}
	}
	return container, unit
}

// containerPrefixes precede the id of a container in the names that runtimes give. The
// monitor of a container has "conmon-" besides, and is not the container.
var containerPrefixes = []string{
	"docker-", "cri-containerd-", "containerd-", "nerdctl-", "crio-", "libpod-payload-", "libpod-",
}

// containerID returns the id in one component of a cgroup path, or nothing. With
// the systemd driver the component is PREFIX-ID.scope, with cgroupfs ID alone;
// SLICE:PREFIX:ID comes of a containerd that takes the one for the other.
func containerID(name string) string {
	name = strings.TrimSuffix(name, ".scope")
	if colon := strings.LastIndexByte(name, ':'); colon >= 0 {
		name = name[colon+1:]
	}
	for _, prefix := range containerPrefixes {
		if id, found := strings.CutPrefix(name, prefix); found {
			name = id
			break
		}
	}
	if !isContainerID(name) {
		return ""
	}
	return name
}

// isContainerID reports whether s has the form that all four runtimes use: 256
// bits in lower-case hexadecimal.
func isContainerID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// isUnit reports whether a component of a cgroup path is a unit that runs
// processes, systemd.unit(5).
func isUnit(name string) bool {
	return strings.HasSuffix(name, ".service") || strings.HasSuffix(name, ".scope")
}
