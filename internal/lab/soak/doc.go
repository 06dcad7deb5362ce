// Package soak tests the built program as it is left alone on a host: in little memory, under load
// for minutes, started and stopped often. It has tests only, which need root.
//
//	tracer      the program: started, awaited, ended
//	cgroup      a memory cgroup for it
//	usage       what a process takes: memory, threads, files, and its objects in the kernel
//	small       a memory cgroup of 64 MiB is enough
//	many        the same under connections to very many destinations
//	cost        what it says of its own cost is what the kernel says
//	load        connections, failures, short-lived programs and namespaces
//	soak        nothing grows under that load: make soak, for SOAK=5m
//	starts      nothing is left by many starts
//	ring        a flight recorder keeps an incident, and can be killed at any moment
//	namespaces  thousands of namespaces that come and go
package soak
