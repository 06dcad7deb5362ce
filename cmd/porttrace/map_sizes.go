package main

import (
	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/probe"
)

// mapSizes are flags for the size of what the kernel keeps for porttrace.
type mapSizes struct{ ring, conns int }

// mapSizeFlags are their names.
var mapSizeFlags = []string{"ring-bytes", "max-connections"}

// mostConns takes 2 GB of kernel memory.
const mostConns = 1 << 24

func (f *mapSizes) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.ring, "ring-bytes", 0, "`SIZE` of each ring buffer, a power of two (default: by the memory of the host)")
	cmd.Flags().IntVar(&f.conns, "max-connections", 0, "follow at most `N` connections at once, some 120 bytes each (default: by sockets and memory)")
	inGroup(cmd.Flags(), groupAdvanced, mapSizeFlags...)
}

// set checks the values and sets them.
func (f *mapSizes) set(opts *probe.Options) error {
	if f.ring != 0 && (f.ring < 4096 || f.ring > 1<<30 || f.ring&(f.ring-1) != 0) {
		return usagef("--ring-bytes %d: must be a power of two from 4096 to 1073741824", f.ring)
	}
	if f.conns < 0 || f.conns > mostConns {
		return usagef("--max-connections %d: must be from 1 to %d, or 0 for the default", f.conns, mostConns)
	}
	opts.RingBytes, opts.MaxConns = f.ring, f.conns
	return nil
}
