package main

import (
	"math"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/filter"
)

// filterFlags choose what is listed, live and from a recording.
type filterFlags struct {
	filter filter.Spec
	pids   []uint
	netns  []string
}

func (f *filterFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.UintSliceVarP(&f.pids, "pid", "p", nil, "only this process (repeatable)")
	flags.BoolVar(&f.filter.Children, "children", false, "with --pid: and its descendants, present and future")
	flags.StringSliceVar(&f.filter.Comm, "comm", nil, "only processes of this name or pattern")
	flags.StringSliceVar(&f.filter.Exe, "exe", nil, "only this executable: its path, its name, or a pattern")
	flags.StringSliceVar(&f.filter.Container, "container", nil, "only the container with this id or beginning of one")
	flags.StringSliceVar(&f.filter.Unit, "unit", nil, "only this systemd unit")
	flags.StringSliceVar(&f.filter.Cgroup, "cgroup", nil, "only this cgroup and those below it")
	flags.StringSliceVar(&f.filter.Dest, "dest", nil, "only towards `CIDR[:PORT]`, as in 10.0.0.0/8:443 or '[fd00::/8]:443'")
	flags.StringSliceVar(&f.filter.Port, "port", nil, "only this remote port (of binds and accepted connections: local)")
	flags.StringSliceVar(&f.netns, "netns", nil, "only this network namespace: `NAME|PATH|INODE`")
}

// none reports whether nothing is left out.
func (f *filterFlags) none() bool {
	given := len(f.pids) + len(f.netns)
	for _, list := range [][]string{
		f.filter.Comm, f.filter.Exe, f.filter.Container, f.filter.Unit, f.filter.Cgroup, f.filter.Dest, f.filter.Port,
	} {
		given += len(list)
	}
	return given == 0
}

func (f *filterFlags) checkPIDs() error {
	for _, pid := range f.pids {
		if pid == 0 || pid > math.MaxInt32 {
			return usagef("--pid %d: it is not a process id", pid)
		}
		f.filter.PIDs = append(f.filter.PIDs, uint32(pid))
	}
	return nil
}
