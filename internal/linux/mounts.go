package linux

import (
	"iter"
	"slices"
	"strings"
)

// Mount is a line of /proc/PID/mountinfo, proc_pid_mountinfo(5), as far as it is read.
type Mount struct {
	Root    string // what of the file system is mounted
	Point   string // where
	Type    string // of the file system
	Options string // of the file system, with commas
}

// Mounts returns the lines of /proc/PID/mountinfo, without those that are not of its form.
func Mounts(mountinfo string) iter.Seq[Mount] {
	return func(yield func(Mount) bool) {
		for line := range strings.Lines(mountinfo) {
			if m, is := parseMount(strings.Split(strings.TrimSuffix(line, "\n"), " ")); is && !yield(m) {
				return
			}
		}
	}
}

// parseMount reads: id, parent, device, root, mount point, options, any number of tags, a hyphen, type,
// source, options of the file system.
func parseMount(fields []string) (m Mount, is bool) {
	const tags = 6
	if len(fields) < tags {
		return m, false
	}
	hyphen := slices.Index(fields[tags:], "-")
	if hyphen < 0 || len(fields) < tags+hyphen+4 {
		return m, false
	}
	system := fields[tags+hyphen+1:]
	return Mount{Root: unescape.Replace(fields[3]), Point: unescape.Replace(fields[4]), Type: system[0], Options: system[2]}, true
}

// unescape is the inverse of mangle_path() for what show_mountinfo() gives it (fs/proc_namespace.c).
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`, `\043`, "#")
