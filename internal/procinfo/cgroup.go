package procinfo

import "strings"

// cgroupPath returns the path of /proc/PID/cgroup, cgroups(7), that names the process best:
// that of the unified hierarchy, or of systemd's if the host keeps its processes in
// hierarchies of version 1.
func cgroupPath(file string) string {
	var unified, systemd string
	for line := range strings.Lines(file) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, path, found := strings.Cut(rest, ":")
		if !found {
			continue
		}
		switch controllers {
		case "":
			unified = strings.TrimSuffix(path, deleted)
		case "name=systemd":
			systemd = strings.TrimSuffix(path, deleted)
		}
	}
	// A hybrid host has both, and the unified hierarchy may be unused.
	if (unified == "" || unified == "/") && systemd != "" {
		return systemd
	}
	return unified
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
