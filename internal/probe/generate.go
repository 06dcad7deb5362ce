package probe

// The compiler is pinned: CI regenerates and compares byte by byte. CLANG can name another
// one for experiments. The program has the objects compressed: see object.go.
//
//go:generate go tool bpf2go -cc ${CLANG} -strip ${STRIP} -target amd64,arm64 -go-package probe -type sock_event -type conn_event -type process_event -type fold_key -type fold_counts -type fail_key -type fail_counts -type kind_counts -type census_socket -type census_holder -type census_netns -type event_kind -type event_direction -type event_op -type event_reason -type event_closed_by -type event_flag bpf ../../bpf/porttrace.bpf.c -- -mcpu=v3 -Wall -Werror -Wno-unused-function
//go:generate gzip -9nfk bpf_arm64_bpfel.o bpf_x86_bpfel.o
