package procinfo

import (
	"io"
	"os"

	"github.com/porttrace/porttrace/internal/cmdline"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// maxArguments is how much of the arguments is read: the class path of a Java program, before
// its main class, can have thousands of bytes.
const maxArguments = 16 << 10

// ReadCommand adds the command line and the script of a running process, see cmdline.Describe. It adds
// nothing if the process has ended, or another one has its pid.
func ReadCommand(p *event.Process) {
	raw, whole := readArguments(p.ID.PID)
	if start, err := StartTicks(p.ID.PID); err != nil || start != p.ID.Start {
		return // read before: whatever came then was of another process
	}
	cmdline.Describe(p, raw, whole)
}

func readArguments(pid uint32) (raw []byte, whole bool) {
	file, err := os.Open(linux.ProcPath(pid, "cmdline"))
	if err != nil {
		return nil, false
	}
	defer func() { _ = file.Close() }()
	raw, err = io.ReadAll(io.LimitReader(file, maxArguments+1))
	if err != nil {
		return nil, false
	}
	return raw[:min(len(raw), maxArguments)], len(raw) <= maxArguments
}
