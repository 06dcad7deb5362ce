// Package procinfo tells what a process is: executable, user, parent, cgroup,
// and from the cgroup the container and the systemd unit.
//
// It reads /proc and is meant for processes that ran before the tracer did: a
// later one is described by the kernel side, because many live too short a time
// to be found here.
package procinfo
