package netns

import (
	"encoding/binary"
	"maps"
	"testing"
)

// attribute returns one attribute, padded.
func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// link returns an RTM_NEWLINK as the kernel sends it of a device, without what does not matter here.
// kind is that of the device, port that of what it is a port of.
func link(device, master uint32, kind, port string) []byte {
	b := make([]byte, linkInfoLen)
	binary.NativeEndian.PutUint32(b[4:], device)
	b = append(b, attribute(3, []byte("eth0\x00"))...) // IFLA_IFNAME
	if master != 0 {
		b = append(b, attribute(linkMaster, binary.NativeEndian.AppendUint32(nil, master))...)
	}
	var info []byte
	if kind != "" {
		info = append(info, attribute(linkKind, []byte(kind+"\x00"))...)
	}
	if port != "" {
		info = append(info, attribute(linkPortKind, []byte(port+"\x00"))...)
	}
	return append(b, attribute(linkInfo, info)...)
}

func TestAddVRF(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body []byte
		want map[uint32]uint32
	}{
		"a VRF":                  {link(5, 0, "vrf", ""), map[uint32]uint32{5: 5}},
		"a device in it":         {link(7, 5, "veth", "vrf"), map[uint32]uint32{7: 5}},
		"one without a driver":   {link(7, 5, "", "vrf"), map[uint32]uint32{7: 5}},
		"a port of a bridge":     {link(7, 9, "veth", "bridge"), nil},
		"a bridge in a VRF":      {link(9, 5, "bridge", "vrf"), map[uint32]uint32{9: 5}},
		"a plain device":         {link(7, 0, "veth", ""), nil},
		"named like one":         {link(7, 0, "vrfx", ""), nil},
		"cut off":                {link(7, 5, "veth", "vrf")[:12], nil},
		"without its master":     {link(7, 0, "veth", "vrf"), nil},
		"its attributes cut off": {link(7, 5, "veth", "vrf")[:linkInfoLen+2], nil},
	} {
		got := map[uint32]uint32{}
		if addVRF(got, c.body); !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// FuzzLink has any bytes for what rtnetlink says of a device. It is of that device alone, and what is
// not known does not matter.
func FuzzLink(f *testing.F) {
	for _, body := range [][]byte{link(5, 0, "vrf", ""), link(7, 5, "veth", "vrf"), link(7, 9, "veth", "bridge"), link(1, 0, "", "")} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		once, twice := map[uint32]uint32{}, map[uint32]uint32{}
		addVRF(once, body)
		if len(body) < linkInfoLen {
			if len(once) > 0 {
				t.Errorf("of a part of the header: %v", once)
			}
			return
		}
		if device := binary.NativeEndian.Uint32(body[4:]); len(once) > 1 || len(once) == 1 && (once[device] == 0 || device == 0) {
			t.Errorf("of device %d: %v", device, once)
		}
		unknown := append(append(body[:linkInfoLen:linkInfoLen], attribute(0x1fff, []byte("new"))...), body[linkInfoLen:]...)
		if addVRF(twice, unknown); !maps.Equal(once, twice) {
			t.Errorf("%v, with another attribute %v", once, twice)
		}
	})
}
