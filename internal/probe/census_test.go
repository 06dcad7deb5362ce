package probe

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// Settings that a kernel may lack are not known there: tcp_tw_timeout is one of Alibaba Cloud
// Linux, in jiffies.
func TestDecodeOptionalSettings(t *testing.T) {
	t.Parallel()
	n := decodeNetns(&bpfCensusNetns{})
	if n.UnprivilegedPort.Known() || n.TimeWaitSetting != 0 || n.NonlocalBind != event.SettingOf(0) {
		t.Errorf("of a kernel that lacks them: %+v", n)
	}
	n = decodeNetns(&bpfCensusNetns{HasUnprivilegedPort: 1, NonlocalBind: 1, TimeWait: uint32(15 * time.Second / linux.Jiffy())})
	if n.UnprivilegedPort != event.CounterOf(0) || n.NonlocalBind != event.SettingOf(1) {
		t.Errorf("got %+v", n)
	}
	if got := time.Duration(n.TimeWaitSetting); (15*time.Second - got).Abs() > linux.Jiffy() {
		t.Errorf("a TIME_WAIT lives %s", got)
	}
}
