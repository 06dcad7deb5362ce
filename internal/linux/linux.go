// Package linux has the system calls that more than one package makes: clocks, threads of
// their own in other namespaces, /proc and uname(2). It knows nothing of porttrace.
package linux
