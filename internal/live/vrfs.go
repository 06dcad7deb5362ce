package live

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	// vrfsKept is for how long the devices of a namespace are not listed again.
	vrfsKept = 10 * time.Second
	// fewListed is of how many namespaces they are listed in a survey at most: it takes some 0.3 ms.
	fewListed = 8
	// maxDevices bounds the devices of a namespace whose first socket is noted.
	maxDevices = 1 << 12
)

// vrfs reads which VRF each device is in, of namespaces in which sockets are bound to devices:
// for the others it does not matter.
type vrfs struct {
	read  func(inode uint32) (event.DeviceVRFs, error)
	bound map[uint32]*boundDevices // by namespace
}

// boundDevices are the devices of a namespace that sockets are bound to.
type boundDevices struct {
	devices map[uint32]bool
	due     bool // there is a new one
	listed  time.Time
	last    event.DeviceVRFs
}

func newVRFs(read func(uint32) (event.DeviceVRFs, error)) *vrfs {
	return &vrfs{read: read, bound: map[uint32]*boundDevices{}}
}

// note notes that a socket is bound to a device.
func (v *vrfs) note(inode, device uint32) {
	b := v.bound[inode]
	if b == nil {
		b = &boundDevices{devices: map[uint32]bool{}}
		v.bound[inode] = b
	}
	if !b.devices[device] && len(b.devices) < maxDevices {
		b.devices[device], b.due = true, true
	}
}

// noteScan notes the devices of the sockets that a scan has found.
func (v *vrfs) noteScan(found []event.NetnsScan) {
	for i := range found {
		for device := range found[i].Sockets.Devices() {
			v.note(found[i].Census.Netns, device)
		}
	}
}

// refresh reads those of known namespaces again that are due, and forgets those of others.
func (v *vrfs) refresh(known map[uint32]bool) {
	listed := 0
	for inode, b := range v.bound {
		switch {
		case !known[inode]:
			delete(v.bound, inode)
		case listed < fewListed && (b.due || time.Since(b.listed) >= vrfsKept):
			listed++
			b.due, b.listed = false, time.Now()
			if now, err := v.read(inode); err == nil {
				b.last = now
			}
		}
	}
}

// of returns what is known of a namespace.
func (v *vrfs) of(inode uint32) event.DeviceVRFs {
	if b := v.bound[inode]; b != nil {
		return b.last
	}
	return ""
}
