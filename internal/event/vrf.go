package event

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// DeviceVRFs is which VRF each device is in, as pairs of indexes, DEVICE:VRF, ascending and separated
// by commas: 3:3,4:3. A VRF is in itself. Sockets that are bound to these devices have the bind
// buckets of the VRF. It is empty if there is none, or if sockets of all VRFs have the same ones
// (net.ipv4.tcp_l3mdev_accept is 1).
type DeviceVRFs string

// DeviceVRFsOf returns them in that form.
func DeviceVRFsOf(vrfOf map[uint32]uint32) DeviceVRFs {
	var b strings.Builder
	for i, device := range slices.Sorted(maps.Keys(vrfOf)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(device), 10))
		b.WriteByte(':')
		b.WriteString(strconv.FormatUint(uint64(vrfOf[device]), 10))
	}
	return DeviceVRFs(b.String())
}

// Devices returns the VRF of each device, nil if there is none. What is not of that form is left
// out.
func (d DeviceVRFs) Devices() map[uint32]uint32 {
	var vrfOf map[uint32]uint32
	for pair := range strings.SplitSeq(string(d), ",") {
		a, b, _ := strings.Cut(pair, ":")
		device, err := strconv.ParseUint(a, 10, 32)
		if err != nil {
			continue
		}
		vrf, err := strconv.ParseUint(b, 10, 32)
		if err != nil {
			continue
		}
		if vrfOf == nil {
			vrfOf = map[uint32]uint32{}
		}
		vrfOf[uint32(device)] = uint32(vrf)
	}
	return vrfOf
}
