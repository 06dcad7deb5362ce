package lab

import (
	"os/exec"
	"syscall"
)

// Start starts a command inside the namespace, as cmd.Start does outside. The
// kernel kills it when this process ends, or when the namespace is closed. It
// has a process group of its own, so that Ctrl-C reaches only this process.
func (n *Netns) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr.Setpgid = true
	return n.onKeeper(cmd.Start)
}
