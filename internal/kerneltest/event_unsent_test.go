package kerneltest

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

// TestNamesWithoutRoom: programs that live for milliseconds have a name although their facts
// had no room in the ring; one that still runs has all its facts.
func TestNamesWithoutRoom(t *testing.T) {
	const programs = 30
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4)
	tr := begin(t, live.Options{Probe: probe.Options{RingBytes: 4096}, ReadInterval: 5 * time.Second}, client, server)
	names := map[uint32]string{}
	for i := range programs {
		name := fmt.Sprintf("short-%d", i)
		r := run(t, client, name, &lab.Client{To: []netip.AddrPort{serverV4}, Count: 1})
		names[uint32(r.PID)] = name
	}
	_, err := connectHere(client, serverV4, 1)
	noError(t, err)
	tr.end(nil)

	var wrong []string
	byPID := map[uint32]*event.Process{}
	for id, p := range tr.procs {
		byPID[id.PID] = p
	}
	for pid, name := range names {
		if p := byPID[pid]; p == nil || p.Comm != name || p.PPID != uint32(os.Getpid()) {
			wrong = append(wrong, fmt.Sprintf("%s is shown as %+v", name, p))
		}
	}
	if own := byPID[uint32(os.Getpid())]; own == nil || own.Exe == "" {
		wrong = append(wrong, fmt.Sprintf("a program that still runs is shown as %+v", own))
	}
	tr.allowSkipped(t, wrong)
}
