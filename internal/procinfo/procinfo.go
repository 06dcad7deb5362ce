// Package procinfo describes processes: executable, command line, user, ancestors,
// cgroup, and by the cgroup the container and the systemd unit.
//
// It reads /proc and is for processes that ran before the tracer did: later ones are
// described by the kernel side, because many live too short a time to be found here.
package procinfo
