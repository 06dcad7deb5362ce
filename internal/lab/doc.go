// Package lab makes situations in which ephemeral ports run out: private
// network namespaces, a server, and clients that misbehave in known ways.
//
// Tests of the kernel side use it, and so does the demo command. The programs
// inside a namespace are this binary, executed again: a program that uses lab
// calls MaybeRun before anything else. Sockets are made by plain system calls,
// so that one connect of a Client is one connect(2) and its counts can be held
// against what a tracer saw.
//
// All of it needs CAP_SYS_ADMIN and CAP_NET_ADMIN, that is, root.
package lab
