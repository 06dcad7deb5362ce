// Package confine gives up what a run does not need any more once it has attached: capabilities, the
// user root, the way to more privileges, and system calls that it never makes.
//
//	confine.go     all of it, on every thread, for good
//	capability.go  which capabilities are kept, and for what
//	user.go        the user that a run goes on as, and what it must be able to write to
//	filter.go      the system calls that are refused (seccomp)
//	files.go       a run that only reads a recording, and writes its output (Landlock)
//
// A run that traces has no Landlock: a process that is confined by it may not read /proc/PID/exe,
// /proc/PID/ns/net and /proc/PID/fd of any other process, whatever its capabilities
// (hook_ptrace_access_check() of security/landlock/task.c), so programs and namespaces had no names.
package confine
