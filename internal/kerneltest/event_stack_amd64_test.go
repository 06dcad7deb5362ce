package kerneltest

import (
	"bytes"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// TestStackOfStateChanges checks that pt_set_state, whose run a run for another change can interrupt, does not
// have its stack where that one has it, too (bpf/skipped.bpf.h).
func TestStackOfStateChanges(t *testing.T) {
	attach(t, live.Options{})
	code := jited(t)
	// add %gs:OFFSET,%r9: the stack of this processor, emit_priv_frame_ptr() of arch/x86/net/bpf_jit_comp.c.
	private := []byte{0x65, 0x4c, 0x03, 0x0c, 0x25}
	if bytes.Contains(code["pt_set_state"], private) {
		t.Error("pt_set_state has one stack per processor")
	}
	// What has one elsewhere shows that it would have been found.
	if has := bytes.Contains(code["pt_retransmit"], private); has != kernelAtLeast(t, 6, 13) {
		t.Errorf("that pt_retransmit has one is %t", has)
	}
}

// jited returns the machine code of the programs of this process, by name.
func jited(t testing.TB) map[string][]byte {
	t.Helper()
	code := map[string][]byte{}
	ids, err := lab.FDInfo(os.Getpid(), "prog_id")
	noError(t, err)
	for _, id := range ids {
		prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		noError(t, err)
		info, err := prog.Info()
		noError(t, err)
		code[info.Name], _ = info.JitedInsns()
		noError(t, prog.Close())
	}
	return code
}
