package probe

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/asm"
)

// TestStack: the frames of every chain of calls fit the 512 bytes that Linux 5.10 allows
// (MAX_BPF_STACK, check_max_stack_depth in kernel/bpf/verifier.c). Newer kernels may load what it
// refuses.
func TestStack(t *testing.T) {
	const most = 512
	spec, err := loadBpf()
	if err != nil {
		t.Fatal(err)
	}
	deepest := 0
	for name, p := range spec.Programs {
		frames := framesOf(p.Instructions)
		depth, chain := deepestChain(frames, p.Instructions[0].Symbol())
		if depth > most {
			t.Errorf("%s needs %d bytes: %s", name, depth, chain)
		}
		deepest = max(deepest, depth)
	}
	if event := int(unsafe.Sizeof(bpfSockEvent{})); deepest < event {
		t.Errorf("the deepest chain is said to need %d bytes: an event alone takes %d", deepest, event)
	}
}

// frame is what one function has on the stack, and which functions it calls.
type frame struct {
	bytes int
	calls []string
}

// framesOf returns the functions of a program by name. The stack is used by loads and stores at
// the frame pointer, and by copies of it that something is subtracted from.
func framesOf(code asm.Instructions) map[string]*frame {
	frames := map[string]*frame{}
	var in *frame
	var before asm.Instruction
	for _, ins := range code {
		if name := ins.Symbol(); name != "" {
			in = &frame{bytes: 1}
			frames[name] = in
		}
		switch class := ins.OpCode.Class(); {
		case class.IsLoad() && ins.Src == asm.RFP, class.IsStore() && ins.Dst == asm.RFP:
			in.bytes = max(in.bytes, -int(ins.Offset))
		case ins.OpCode.ALUOp() == asm.Add && before.OpCode.ALUOp() == asm.Mov && before.Src == asm.RFP && before.Dst == ins.Dst:
			in.bytes = max(in.bytes, -int(ins.Constant))
		}
		if ins.IsFunctionCall() {
			in.calls = append(in.calls, ins.Reference())
		}
		before = ins
	}
	return frames
}

// deepestChain returns how many bytes a function and those that it calls need at most, each
// rounded up to 32 as the verifier does, and by which calls.
func deepestChain(frames map[string]*frame, name string) (bytes int, chain string) {
	for _, callee := range frames[name].calls {
		if b, c := deepestChain(frames, callee); b > bytes {
			bytes, chain = b, c
		}
	}
	own := (frames[name].bytes + 31) / 32 * 32
	return own + bytes, fmt.Sprintf("%s (%d) %s", name, own, chain)
}
