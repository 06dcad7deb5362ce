package live

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// What was used and is not any more can be given back, once.
func TestIsRoomy(t *testing.T) {
	var h heap
	debug.FreeOSMemory()
	if h.isRoomy() {
		t.Error("memory is left after it was given back")
	}
	storm := make([]byte, 16*trimFrom)
	storm[len(storm)-1] = 1
	runtime.KeepAlive(storm)
	if !h.isRoomy() {
		t.Error("a storm leaves none")
	}
	debug.FreeOSMemory()
	if h.isRoomy() {
		t.Error("memory is left after that of a storm was given back")
	}
}
