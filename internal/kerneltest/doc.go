// Package kerneltest loads the real eBPF programs into this kernel and makes real traffic in
// private network namespaces. What a test expects is what the clients counted themselves and
// what the kernel counts in /proc, never a constant of the tracer.
//
// The tests need root and a kernel with BTF, else they are skipped. One alone:
//
//	go test ./internal/kerneltest -v -run TestScenarios
//
// PORTTRACE_TEST_HOOKS=fexit,tracepoint limits what may be attached, so that each rung of the
// ladder runs also on a kernel that has a better one. The test binary needs no other program:
// built with CGO_ENABLED=0 it runs in a virtual machine (internal/lab/vm).
//
// # Harnesses
//
// A trace attaches and runs the pipeline in the background: begin(t, options, namespaces...),
// then the traffic, then end, which waits until the sockets are closed and checks what must be
// true of each trace. A spaceTrace, by traceSpaces, is a trace that is asked while it runs: for
// snapshots, rows of port spaces, and its own socket table. Waiting is for a condition, by
// eventually, awaitScans, awaitRow and the like.
//
//	harness_pipeline   the only callers of live.Open and pipeline.Run; recording; readAll
//	harness_trace      trace: events, processes, signals and the last snapshot
//	harness_ledger     everything that the kernel saw was delivered, folded, filtered or lost
//	harness_totals     the rows of a snapshot add up to the events
//	harness_spaces     spaceTrace
//	harness_retry      retry: a test is repeated if the kernel skipped runs (RETRY in the log)
//	harness_netns      namespaces, jobs in them, /proc, eventually
//	harness_socket     sockets of this process
//	harness_helper     processes of this binary that trace as another user, or are killed
//
// # Tests
//
//	scenario_*         TestScenarios, traced at once: 70 sequences of system calls on a fixture,
//	                   with the events that each must report. scenario_kernel compares with the
//	                   kernel's counters; the other files have the scenarios of one subject
//	event_bind         bind() and listen(): failures and their reasons
//	event_close        how connections end; leaks; connects without a route
//	event_churn        thousands of connections; short-lived processes
//	event_exhaust      no port left; reuse of TIME_WAIT
//	event_holder       who has the port, or the 4-tuple, of a call that failed
//	event_loss         exact totals although the ring is too small; event_full: more connections
//	                   than are followed; event_overload: 200,000 connections; event_limit: the
//	                   limit of detail
//	event_storm        what is known beside a storm, and after it
//	event_select       --pid and --children
//	accuracy           TestAccuracy measures each signal for docs/accuracy.md: accuracy_load makes
//	                   the traffic, accuracy_facts compares; figures and accuracy/ write the tables
//	setup              TestSetups does the same on other networks: setup_rewrite with programs at
//	                   cgroup/connect, setup_device in a VRF and with link-local addresses; and
//	                   the port spaces there
//	privilege          the same for users with different capabilities; refusals without them
//	attach             the ladder of hooks, the verifier, two tracers, nothing is left behind
//	scan               scans by iterators and by sock_diag, settings of namespaces; scan_rows: the
//	                   rows that scans make and correct; scan_counts: what is counted after a scan
//	space_bound        early binders; space_container, space_owner: holders and victims
//	space_forecast     when a space will be full; space_forecast_loads: twenty loads, for
//	                   docs/accuracy.md
//	space_headroom     headroom is the number of connects that then succeed, for random mixes
//	space_vrf          the same of VRFs, whose bind buckets are their own
//	space_map          what holds each port of a range, and the history of a space
//	space_netns        namespaces do not mix; space_netns_end: they end
//	space_reuse        buckets without timestamps, refused, bound later, in FIN_WAIT2
//	space_settings     sysctls that change, listeners, IP_LOCAL_PORT_RANGE
//	space_spread       many destinations and one; space_time_wait: older buckets
//	space_udp          UDP sockets without a port; space_udp_rows: ports in use against the kernel
//	space_unanswered   connects without an answer, in their space and in the totals
//	whatif             the simulator refuses the calls that the kernel refuses
//	record             contract of sources, replay equals live, full disk, kill -9, the demo
//	*_bench            benchmarks of recording, scans and snapshots
package kerneltest
