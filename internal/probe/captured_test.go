package probe

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

var update = flag.Bool("update", false, "capture testdata/captured.hex from this kernel, as root")

// Endpoints of the calls whose records are captured. Nothing listens on refusing.
const (
	serving, client  = "127.77.7.1:17001", "127.77.7.2:17002"
	refusing, caller = "127.77.7.1:17003", "127.77.7.2:17004"
)

// captured is what the records of makeTraffic must say.
var captured = []event.Event{
	{Kind: event.Bind, Op: event.OpBind, Src: endpoint(serving), Flags: event.ReuseAddr},
	{Kind: event.Listen, Src: endpoint(serving)},
	{Kind: event.ListenEnd, Src: endpoint(serving)},
	{Kind: event.Bind, Op: event.OpBind, Src: endpoint(client)},
	{Kind: event.Open, Direction: event.Out, Src: endpoint(client), Dst: endpoint(serving), Flags: event.EarlyBind},
	{Kind: event.EnterCloseWait, Direction: event.In, Src: endpoint(serving), Dst: endpoint(client)},
	{Kind: event.Close, Direction: event.In, Src: endpoint(serving), Dst: endpoint(client), Flags: event.InCloseWait, ClosedBy: event.Remote},
	{Kind: event.Close, Direction: event.Out, Src: endpoint(client), Dst: endpoint(serving), Flags: event.EarlyBind | event.TimeWait, ClosedBy: event.Local},
	{Kind: event.Bind, Op: event.OpBind, Src: endpoint(caller)},
	{Kind: event.Open, Direction: event.Out, Src: endpoint(caller), Dst: endpoint(refusing), Flags: event.EarlyBind},
	{
		Kind: event.ConnectFail, Direction: event.Out, Op: event.OpConnect, Src: endpoint(caller), Dst: endpoint(refusing),
		Flags: event.EarlyBind | event.HadPort, Errno: event.ECONNREFUSED, Reason: event.Refused,
	},
}

// Records that a kernel sent for calls with known endpoints and results.
func TestCaptured(t *testing.T) {
	const file = "captured.hex"
	if *update {
		capture(t, filepath.Join("testdata", file))
	}
	missing := map[event.Event]bool{}
	for _, e := range captured {
		missing[e] = true
	}
	var owner, process event.ProcID
	for name, raw := range readRecords(t, file) {
		var e event.Event
		if _, err := decode(raw, &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p, ok := e.Fact.(*event.Process); ok {
			if process = p.ID; p.Comm != "probe.test" || filepath.Base(p.Exe) != "probe.test" || p.PPID == 0 {
				t.Errorf("the process is %+v", p)
			}
			continue
		}
		if e.Proc.Known() {
			owner = e.Proc
		}
		key := event.Event{
			Kind: e.Kind, Direction: e.Direction, Op: e.Op, Reason: e.Reason, ClosedBy: e.ClosedBy, Errno: e.Errno,
			Flags: e.Flags, Src: e.Src, Dst: e.Dst,
		}
		if e.Kind == event.Bind || e.Kind == event.Listen || e.Kind == event.ListenEnd {
			key.Dst = event.Endpoint{}
		}
		if !missing[key] || e.Netns == 0 || e.Proto != event.TCP || (e.Kind == event.Close) != (e.Duration != 0) {
			t.Errorf("%s: got %+v", name, e)
		}
		delete(missing, key)
	}
	for e := range missing {
		t.Errorf("there is no %+v", e)
	}
	if !owner.Known() || owner != process {
		t.Errorf("the owner is %+v, the process %+v", owner, process)
	}
}

// capture writes the records that makeTraffic causes to a file, and none of other processes.
func capture(t *testing.T, file string) {
	p, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	makeTraffic(t)
	records := append(readRing(t, p.events), readRing(t, p.failures)...)
	var out bytes.Buffer
	out.WriteString("# Records of a kernel: go test ./internal/probe -run TestCaptured -update, as root.\n")
	for i, raw := range slices.DeleteFunc(records, isForeign) {
		fmt.Fprintf(&out, "\n[%d]\n", i+1)
		writeRecord(&out, raw)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readRing returns the records that are in a ring.
func readRing(t *testing.T, r *ring) (records [][]byte) {
	t.Helper()
	err := r.each(func(record []byte) error {
		records = append(records, slices.Clone(record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// isForeign reports whether a record has neither a captured address nor this process's name.
func isForeign(raw []byte) bool {
	network := netip.MustParseAddrPort(serving).Addr().As4()
	return !bytes.Contains(raw, network[:3]) && !bytes.Contains(raw, []byte("probe.test\x00"))
}

// writeRecord writes 16 bytes a line, and NULs until the end as their number.
func writeRecord(w io.Writer, raw []byte) {
	for len(raw) > 0 {
		line := raw[:min(16, len(raw))]
		if zeros := len(raw) - len(bytes.TrimLeft(raw, "\x00")); zeros >= len(line) {
			fmt.Fprintf(w, "0/%d\n", zeros)
			raw = raw[zeros:]
			continue
		}
		fmt.Fprintf(w, "% x\n", line)
		raw = raw[len(line):]
	}
}

// makeTraffic opens a connection that the client closes actively, and one that is refused.
// It fails within a minute of the last call, whose TIME_WAIT has the port of client.
func makeTraffic(t *testing.T) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listener, err := config.Listen(t.Context(), "tcp4", serving)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialer := net.Dialer{LocalAddr: tcpAddr(client)}
	outgoing, err := dialer.Dial("tcp4", serving)
	if err != nil {
		t.Fatal(err)
	}
	incoming, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	outgoing.Close()
	if _, err := incoming.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	incoming.Close()
	dialer.LocalAddr = tcpAddr(caller)
	if _, err := dialer.Dial("tcp4", refusing); err == nil {
		t.Fatalf("%s does not refuse", refusing)
	}
}

func tcpAddr(text string) *net.TCPAddr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text))
}
