package probe

import (
	"github.com/cilium/ebpf"

	"github.com/porttrace/porttrace/internal/event"
)

// AddressesUnchanged reports whether the addresses of a namespace are still those of the
// stamp. It returns false if that cannot be found out.
func (p *Probe) AddressesUnchanged(stamp event.AddressStamp) bool {
	prog := p.progs[addressesProgram]
	if prog == nil {
		return false
	}
	generation, err := prog.Run(&ebpf.RunOptions{Context: stamp.Net})
	return err == nil && generation == stamp.Generation
}
