package linux

import (
	"iter"
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
			mount, system, _ := strings.Cut(line, " - ")
			of, kind := strings.Fields(mount), strings.Fields(system)
			if len(of) < 5 || len(kind) < 3 {
				continue
			}
			if !yield(Mount{Root: unescape.Replace(of[3]), Point: unescape.Replace(of[4]), Type: kind[0], Options: kind[2]}) {
				return
			}
		}
	}
}

// unescape is the inverse of mangle_path() for what show_mountinfo() gives it (fs/proc_namespace.c).
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`, `\043`, "#")
