package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// A row of UDP has no states of connections: its ports are bound.
func TestUDPSpace(t *testing.T) {
	t.Parallel()
	resolver := event.Process{ID: event.ProcID{PID: 53, Start: 1}, Comm: "resolver"}
	s := &snapshot.Snapshot{Wall: started, PortSpaces: []snapshot.PortSpace{{
		Kind: snapshot.BindSpace, Netns: 1, NetnsName: "host", Proto: event.UDP, Local: endpoint("10.0.0.1:0").Addr,
		Range: event.PortRange{Low: 32768, High: 60999}, Occupancy: event.Occupancy{Capacity: 28_232, Bound: 28_232},
		Exhausted: 7, ExhaustionRate: 1, LastExhausted: started, Holders: []snapshot.Holder{{Proc: resolver, HeldCount: snapshot.HeldCount{Bound: 28_000}}},
		OtherHolders: snapshot.HeldCount{Bound: 232},
	}}}
	var out bytes.Buffer
	if err := Text(&out, s, nil, TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	var row string
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "10.0.0.1: UDP bind() to port 0  ") {
			row = strings.Join(strings.Fields(strings.SplitN(line, "port 0", 2)[1]), " ")
			break
		}
	}
	if want := "28,232 28,232 - - 28,232 0.0 - now 7 host"; row != want {
		t.Errorf("the row is %q, want %q, in\n%s", row, want, &out)
	}
	if !strings.Contains(out.String(), "held by resolver(53): 28,000 bound") {
		t.Errorf("no holder in\n%s", &out)
	}
	out.Reset()
	if err := JSON(&out, s, nil, snapshot.ByProcess, nil); err != nil {
		t.Fatal(err)
	}
	var report struct {
		PortSpaces []struct {
			Kind, Proto, Saddr              string
			Bound, Live, TimeWait, Headroom int
		} `json:"port_spaces"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if got := report.PortSpaces[0]; got.Kind != "bind" || got.Proto != "udp" || got.Saddr != "10.0.0.1" || got.Bound != 28_232 || got.Headroom != 0 {
		t.Errorf("%+v", got)
	}
}
