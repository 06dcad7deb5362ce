package filter

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

func parsePID(value string) (uint32, error) {
	pid, err := strconv.ParseUint(value, 10, 31) // pid_t is signed
	if err != nil || pid == 0 {
		return 0, errors.New("not a process id")
	}
	return uint32(pid), nil
}

func matchPID(pid uint32, e *event.Event, _ *event.Process) bool { return e.Proc.PID == pid }

func parseInode(value string) (uint32, error) {
	inode, err := strconv.ParseUint(value, 10, 32)
	if err != nil || inode == 0 {
		return 0, errors.New("not the inode of a network namespace")
	}
	return uint32(inode), nil
}

func matchNetns(inode uint32, e *event.Event, _ *event.Process) bool { return e.Netns == inode }

// known returns a match that selects no event whose process is not known.
func known(match func(value string, p *event.Process) bool) func(string, *event.Event, *event.Process) bool {
	return func(value string, _ *event.Event, p *event.Process) bool { return p != nil && match(value, p) }
}

var errEmpty = errors.New("must not be empty")

func parseGlob(pattern string) (string, error) {
	if pattern == "" {
		return "", errEmpty
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return "", errors.New("not a pattern: a [ needs its ], and a \\ a character after it")
	}
	return pattern, nil
}

// glob reports whether s is equal to the pattern, or matches it.
func glob(pattern, s string) bool {
	matched, _ := path.Match(pattern, s) // parseGlob has refused bad patterns
	return matched || pattern == s
}

// matchComm compares what a user may call a process: its name, that of its program, and its script
// with or without directory and extension, so that billing is billing.py. Only a pattern can match
// a command line, as a whole: '*billing*' finds it anywhere, and sh does not find ssh.
func matchComm(pattern string, p *event.Process) bool {
	program := p.Program()
	names := []string{p.Comm, program, p.Script}
	if p.Script != "" {
		names = append(names, strings.TrimSuffix(program, path.Ext(program)))
	}
	if strings.ContainsAny(pattern, "*?[") {
		names = append(names, p.CommandLine)
	}
	return slices.ContainsFunc(names, func(name string) bool { return name != "" && globText(pattern, name) })
}

// globText lets * match a slash, too: a name such as kworker/0:1 is not a path.
func globText(pattern, text string) bool {
	return glob(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
}

// matchExe compares the whole path, or the name alone if the pattern has no slash.
func matchExe(pattern string, p *event.Process) bool {
	if !strings.Contains(pattern, "/") {
		return p.Exe != "" && glob(pattern, path.Base(p.Exe))
	}
	return glob(pattern, p.Exe)
}

// parseContainer refuses names, which no event has, so that they would select nothing.
func parseContainer(id string) (string, error) {
	if id == "" {
		return "", errEmpty
	}
	if len(id) > 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return "", errors.New("not a container id or the beginning of one (hexadecimal, up to 64 digits)")
	}
	return id, nil
}

func matchContainer(id string, p *event.Process) bool {
	return strings.HasPrefix(p.Container, id)
}

// parsePod refuses what no pod can be called.
func parsePod(pattern string) (string, error) {
	if strings.Count(pattern, "/") > 2 || strings.Contains("/"+pattern+"/", "//") && pattern != "" {
		return "", errors.New("not POD, NAMESPACE/POD or NAMESPACE/POD/CONTAINER")
	}
	return parseGlob(pattern)
}

// matchPod compares as many parts as the pattern has: the name of the pod, with its namespace, with
// its container.
func matchPod(pattern string, p *event.Process) bool {
	if p.Pod == "" {
		return false
	}
	switch strings.Count(pattern, "/") {
	case 0:
		return glob(pattern, p.Pod.Name())
	case 1:
		return glob(pattern, string(p.Pod.Whole()))
	}
	return glob(pattern, string(p.Pod))
}

// matchUnit takes a unit without a suffix for a service, as systemctl(1) does.
func matchUnit(pattern string, p *event.Process) bool {
	return p.Unit != "" && (glob(pattern, p.Unit) || glob(pattern+".service", p.Unit))
}

func parseCgroup(pattern string) (string, error) {
	if pattern != "" && !strings.HasPrefix(pattern, "/") {
		return "", errors.New("not a path from the root of the cgroups, such as /system.slice")
	}
	return parseGlob(pattern)
}

// matchCgroup reports whether the process is in the cgroup or below it.
func matchCgroup(pattern string, p *event.Process) bool {
	for cgroup := p.Cgroup; strings.HasPrefix(cgroup, "/"); cgroup = path.Dir(cgroup) {
		if glob(pattern, cgroup) {
			return true
		}
		if cgroup == "/" {
			break
		}
	}
	return false
}
