// Package kerneltest holds the tests that load the real programs into this kernel and
// make real traffic in private network namespaces. What a test expects is what the
// clients counted themselves and what the kernel counts in /proc, never a constant of
// the tracer.
//
// They take root and a kernel with BTF. PORTTRACE_TEST_HOOKS=fexit,tracepoint limits
// what may be attached, so that every rung of the ladder can be run on a kernel that
// has a better one. Nothing but the test binary is needed: built with CGO_ENABLED=0 it
// runs in a virtual machine that has no other program.
package kerneltest
