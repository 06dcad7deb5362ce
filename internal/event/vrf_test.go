package event_test

import (
	"maps"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func TestDeviceVRFs(t *testing.T) {
	t.Parallel()
	for text, want := range map[event.DeviceVRFs]map[uint32]uint32{
		"":                       nil,
		"3:3,4:3":                {3: 3, 4: 3},
		"7:12":                   {7: 12},
		"x,1,1:,:2,4294967296:1": nil, // of a recording that is damaged
		"5:5,,6:x,7:5":           {5: 5, 7: 5},
	} {
		if got := text.Devices(); !maps.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	devices := map[uint32]uint32{12: 3, 3: 3, 4294967295: 5}
	if got := event.DeviceVRFsOf(devices); got != "3:3,12:3,4294967295:5" || !maps.Equal(got.Devices(), devices) {
		t.Errorf("got %q", got)
	}
	if got := event.DeviceVRFsOf(nil); got != "" {
		t.Errorf("of none: got %q", got)
	}
}
