// Package launch starts a command so that it can be traced from its first instruction: it
// waits there, under ptrace(2), until it is released.
package launch
