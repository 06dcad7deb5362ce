package phrase

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestCounted(t *testing.T) {
	t.Parallel()
	of := event.CounterOf
	tracking := func(entries, most uint64) event.NetnsCounts {
		return event.NetnsCounts{Conntrack: event.Conntrack{Entries: of(entries), Max: of(most)}}
	}
	for name, c := range map[string]struct {
		counted event.NetnsCounts
		want    []string
	}{
		"nothing known": {event.NetnsCounts{}, nil},
		"a healthy one": {event.NetnsCounts{TimeWaits: of(1000), AttemptFails: of(20), SynRetransmits: of(3), ListenDrops: of(0), ListenOverflows: of(0)}, nil},
		"one": {event.NetnsCounts{ListenOverflows: of(1), ListenDrops: of(1)}, []string{
			"1 time the accept queue of a listener was full (ListenOverflows)",
		}},
		"drops for other reasons": {event.NetnsCounts{ListenOverflows: of(1000), ListenDrops: of(1002)}, []string{
			"1,000 times the accept queue of a listener was full (ListenOverflows)",
			"2 SYNs to listeners were dropped for other reasons (ListenDrops)",
		}},
		"overflows not known": {event.NetnsCounts{ListenDrops: of(1002)}, nil},
		"room for entries":    {tracking(89, 100), nil},
		"hardly any":          {tracking(90, 100), []string{"nf_conntrack had up to 90 entries, at most 100 fit (nf_conntrack_max)"}},
		"without a limit":     {tracking(90, 0), nil},
	} {
		if got := Counted(&snapshot.Namespace{Counted: c.counted}); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestTimeWaitLength(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]snapshot.Namespace{
		"1m00s":                          {TimeWaitLength: time.Minute},
		"5.0s (net.ipv4.tcp_tw_timeout)": {TimeWaitLength: 5 * time.Second, TimeWaitSetting: 5 * time.Second},
		"1m00s by its timers (net.ipv4.tcp_tw_timeout is 5.0s)": {TimeWaitLength: time.Minute, TimeWaitSetting: 5 * time.Second},
	} {
		if got := TimeWaitLength(&n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
