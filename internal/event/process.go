package event

import (
	"path"
	"strings"
)

// Process has the facts of a process. The kernel side reads them at its first connect() or
// bind(), so that they outlive the process; the command line and the ancestors are read from
// /proc as soon as the event arrives, and are empty if the process has ended by then.
type Process struct {
	ID        ProcID
	PPID      uint32
	UID       uint32
	Comm      string // of the thread-group leader, raw: it can hold any byte
	Exe       string // resolved path, empty for a kernel thread
	Cgroup    string // path in the unified hierarchy
	Container string // id of the container, from the cgroup path
	Unit      string // systemd unit, from the cgroup path
	Pod       Pod    // by the kubelet's links to logs

	// CommandLine is its arguments, separated by blanks: raw, MaxCommandLine bytes at most, with
	// *** in place of what may be a secret. Empty: not known, or left out at the user's wish.
	CommandLine string
	// Script is what an interpreter runs, as its command line names it: the path of a script, a
	// Python module, a jar, a Java class. Empty: it is no interpreter, runs no file, or is not known.
	Script string
	// Ancestors are its parent, that one's parent and so on, MaxAncestors at most. Children of one
	// process share the slice: it must not be changed.
	Ancestors []Ancestor
}

// Bounds of the facts of a process.
const (
	MaxCommandLine = 512
	MaxAncestors   = 6
)

// Ancestor is a process from which another descends.
type Ancestor struct {
	ID     ProcID
	Comm   string // as that of a Process
	Script string
}

// maxComm is how many bytes of a name the kernel keeps (TASK_COMM_LEN less its NUL).
const maxComm = 15

// Program returns the name that users give to the program: that of the script without its
// directory, else the name of the process, in full if the kernel has cut it. It is empty if
// nothing is known.
func (p *Process) Program() string {
	if p.Script != "" {
		return path.Base(p.Script)
	}
	return p.Name()
}

// Name returns the name of the process without its script: of one that the kernel has cut to
// 15 bytes the name of the executable, if it begins with these.
func (p *Process) Name() string {
	if p.Exe == "" {
		return p.Comm
	}
	base := path.Base(p.Exe)
	if p.Comm == "" || len(p.Comm) == maxComm && strings.HasPrefix(base, p.Comm) {
		return base
	}
	return p.Comm
}

// Program returns the same of an ancestor.
func (a *Ancestor) Program() string { return (&Process{Comm: a.Comm, Script: a.Script}).Program() }

// Parent returns the parent with what is known of it.
func (p *Process) Parent() Ancestor {
	if len(p.Ancestors) > 0 {
		return p.Ancestors[0]
	}
	return Ancestor{ID: ProcID{PID: p.PPID}}
}
