package record

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/event"
)

func appendProcess(b []byte, p *event.Process) []byte {
	b = appendMessage(b, processFields(p))
	for i := range p.Ancestors[:min(len(p.Ancestors), event.MaxAncestors)] {
		b = appendBytes(b, processAncestor, appendMessage(nil, ancestorFields(&p.Ancestors[i])))
	}
	return b
}

func readProcess(b []byte, p *event.Process) error {
	if err := readMessage(b, processFields(p)); err != nil {
		return err
	}
	return eachField(b, func(n protowire.Number, _ uint64, b []byte) error {
		if n != processAncestor {
			return nil
		}
		if len(p.Ancestors) >= event.MaxAncestors {
			return errMalformed
		}
		var a event.Ancestor
		if err := readMessage(b, ancestorFields(&a)); err != nil {
			return err
		}
		p.Ancestors = append(p.Ancestors, a)
		return nil
	})
}
