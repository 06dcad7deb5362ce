package phrase

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestHeldBy(t *testing.T) {
	t.Parallel()
	curl := event.Process{ID: event.ProcID{PID: 4242}, Comm: "curl"}
	for _, tc := range []struct {
		holder event.Holder
		freeIn time.Duration
		want   string
	}{
		{event.Holder{State: event.StateEstablished, Remote: at("10.0.0.2", 80)}, -1, "curl(4242), ESTABLISHED to 10.0.0.2:80"},
		{event.Holder{State: event.StateEstablished, Remote: at("10.0.0.1", 40000)}, -1, "curl(4242), ESTABLISHED, a connection to itself"},
		{event.Holder{State: event.StateListen}, -1, "curl(4242), LISTEN on 10.0.0.1:40000"},
		{event.Holder{State: event.StateTimeWait, Remote: at("10.0.0.2", 80)}, 43 * time.Second, "curl(4242), TIME_WAIT to 10.0.0.2:80, free in 43s"},
		{event.Holder{State: event.StateTimeWait, Remote: at("10.0.0.2", 80)}, 0, "curl(4242), TIME_WAIT to 10.0.0.2:80, free by now"},
	} {
		tc.holder.Proc, tc.holder.Local = curl.ID, at("10.0.0.1", 40000)
		if got := HeldBy(&tc.holder, &curl, tc.freeIn); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
