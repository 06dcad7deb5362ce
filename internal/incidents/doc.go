// Package incidents makes real programs misbehave, each in its own pair of network namespaces,
// and checks that porttrace finds the cause, names the program, and that the advice, once
// followed, makes the finding go away. Beside them run healthy loads of the same programs, of
// which nothing may be found.
//
// Some twenty loads run at the same time under one recording by the built binary, which is judged by
// "porttrace doctor FILE --json". The test follows the advice as an operator would: commands of
// sysctl as they are written, settings of a program by a restart with the advised value. A last
// recording shows what is left. It takes some six minutes, so it does not run without -loads:
//
//	make test-incidents
//	go test ./internal/incidents -v -loads churn-nginx,leak-python
//	go test ./internal/incidents -v -loads all -no-doctor
//
// PORTTRACE_KEEP=DIR keeps the recordings.
//
// TestRecordings makes the recordings of package recorded, with which the screen is tested and
// shown: other loads of the same kind, each cut out of a recording of the whole host.
//
//	make incidents-recordings
//
// The tests need root, a kernel with BTF, and the programs of .ci/run (nginx, haproxy, ab, curl,
// node, python3, nft, conntrack). A load without its program or kernel feature is skipped, with
// the reason.
//
// # Files
//
//	incidents    TestIncidents
//	load         what a load is, and the list of all
//	incident_*   loads that misbehave, with what must be found and how the advice is followed
//	healthy_*    loads that are busy but sized right
//	site         a pair of namespaces, and the programs in it
//	program_*    nginx and HAProxy with their configurations
//	helper       programs of this binary: HTTP backend and clients
//	warden       ends all programs if the test is killed
//	record       the recordings, and the doctor's answers
//	judge        compares the answers with what must be found, for docs/accuracy.md
//	follow       follows the advice
//	recordings   TestRecordings: the scenes, and what of the host's recording is theirs
//	testdata     scripts and configurations of the programs
package incidents
