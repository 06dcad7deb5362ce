package probe

import _ "embed"

//go:embed bpf_x86_bpfel.o.gz
var packed []byte
