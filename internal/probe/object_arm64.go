package probe

import _ "embed"

//go:embed bpf_arm64_bpfel.o.gz
var packed []byte
