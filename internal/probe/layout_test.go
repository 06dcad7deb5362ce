package probe

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// Every struct that crosses to user space must have the same size and offsets in the
// object's BTF and in Go, and no hole: a hole would leak kernel memory.
func TestLayout(t *testing.T) {
	shared := map[string]any{
		"event_head": bpfSockEvent{}.Head, "sock_event": bpfSockEvent{}, "conn_event": bpfConnEvent{}, "process_event": bpfProcessEvent{},
		"fold_key": bpfFoldKey{}, "fold_counts": bpfFoldCounts{},
		"fail_key": bpfFailKey{}, "fail_counts": bpfFailCounts{},
		"kind_counts": bpfKindCounts{}, "conn": bpfConn{},
		"census_socket": bpfCensusSocket{}, "census_holder": bpfCensusHolder{}, "census_netns": bpfCensusNetns{},
	}
	spec, err := loadBpf()
	if err != nil {
		t.Fatal(err)
	}
	for name, twin := range shared {
		t.Run(name, func(t *testing.T) {
			var c *btf.Struct
			if err := spec.Types.TypeByName(name, &c); err != nil {
				t.Fatal(err)
			}
			compareLayout(t, c, reflect.TypeOf(twin))
		})
	}
}

func compareLayout(t *testing.T, c *btf.Struct, g reflect.Type) {
	t.Helper()
	if uintptr(c.Size) != g.Size() || int(c.Size) != binary.Size(reflect.New(g).Elem().Interface()) {
		t.Errorf("%s: %d bytes in C, %d in Go", c.Name, c.Size, g.Size())
	}
	if c.Size%8 != 0 {
		t.Errorf("%s: size %d is no multiple of 8", c.Name, c.Size)
	}
	end := uint32(0)
	for _, m := range c.Members {
		f, ok := g.FieldByNameFunc(func(s string) bool {
			return strings.EqualFold(s, strings.ReplaceAll(m.Name, "_", ""))
		})
		if !ok {
			t.Errorf("%s.%s is missing in Go", c.Name, m.Name)
			continue
		}
		if uintptr(m.Offset.Bytes()) != f.Offset {
			t.Errorf("%s.%s: offset %d in C, %d in Go", c.Name, m.Name, m.Offset.Bytes(), f.Offset)
		}
		if m.Offset.Bytes() != end {
			t.Errorf("%s: a hole of %d bytes before %s", c.Name, m.Offset.Bytes()-end, m.Name)
		}
		end = m.Offset.Bytes() + uint32(f.Type.Size())
	}
	if end != c.Size {
		t.Errorf("%s: %d bytes of tail padding", c.Name, c.Size-end)
	}
}
