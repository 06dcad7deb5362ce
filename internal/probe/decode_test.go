package probe

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	sentAt    = event.Time(60e9) // of the records of sockets
	hostNetns = 4026531840

	// Offsets in struct sock_event, bpf/event.h.
	kindOffset     = 20
	flagsOffset    = 60
	opOffset       = 76
	reasonOffset   = 77
	closedByOffset = 78
)

var curl = event.ProcID{PID: 4321, Start: 123}

func endpoint(text string) event.Endpoint {
	at := netip.MustParseAddrPort(text)
	return event.Endpoint{Addr: event.Addr(at.Addr().As16()), Port: at.Port()}
}

// ofSocket returns e with the fields that all hand-made records of sockets share.
func ofSocket(e event.Event) event.Event {
	if e.Time == 0 {
		e.Time = sentAt
	}
	if e.Proto == 0 {
		e.Proto = event.TCP
	}
	e.Netns, e.Count = hostNetns, 1
	return e
}

func ofProcess(p event.Process) event.Event {
	return event.Event{Time: 61e9, Kind: event.ProcessKnown, Proc: p.ID, Fact: &p}
}

// smallClose is what a close says in either type of record.
var smallClose = event.Event{
	Kind: event.Close, Direction: event.Out, Proc: curl, Duration: 5e9, CloseWait: 1e6, Cookie: 0x1001,
	ClosedBy: event.Local, Flags: event.TimeWait, Inferred: event.FieldTimeWait,
	Src: endpoint("10.1.0.1:40007"), Dst: endpoint("10.1.0.2:443"),
}

var decoded = map[string]event.Event{
	"open": ofSocket(event.Event{
		Kind: event.Open, Direction: event.Out, Proc: curl, PortSearch: 700, Device: 3,
		SocketRange: event.PortRange{Low: 40000, High: 40099}, Cookie: 0x1001,
		Src: endpoint("10.1.0.1:40007"), Dst: endpoint("10.1.0.2:443"),
	}),
	"small open": ofSocket(event.Event{
		Kind: event.Open, Direction: event.Out, Proc: curl, PortSearch: 700, Cookie: 0x1001,
		Src: endpoint("10.1.0.1:40007"), Dst: endpoint("10.1.0.2:443"),
	}),
	"close": ofSocket(smallClose), "small close": ofSocket(smallClose),
	"close of unknown direction": ofSocket(event.Event{
		Kind: event.Close, ClosedBy: event.Remote, Flags: event.FinWait2,
		Inferred: event.FieldTimeWait | event.FieldPID,
		Src:      endpoint("[2001:db8::1]:22"), Dst: endpoint("[2001:db8::2]:50000"),
	}),
	"connect without a port": ofSocket(event.Event{
		Kind: event.ConnectFail, Direction: event.Out, Proc: curl, Cookie: 0x1002,
		Op: event.OpConnect, Errno: event.EADDRNOTAVAIL, Reason: event.RangeExhausted,
		Src: endpoint("10.1.0.1:0"), Dst: endpoint("10.1.0.2:443"),
	}),
	"connect refused": ofSocket(event.Event{
		Kind: event.ConnectFail, Direction: event.Out, Proc: curl, Cookie: 0x1003,
		Op: event.OpConnect, Errno: event.ECONNREFUSED, Reason: event.Refused, Flags: event.HadPort,
		Src: endpoint("10.1.0.1:40008"), Dst: endpoint("10.1.0.2:81"),
	}),
	"bind": ofSocket(event.Event{
		Kind: event.Bind, Proc: curl, Op: event.OpBind, Flags: event.ReuseAddr | event.ReusePort,
		Src: endpoint("0.0.0.0:8080"), Dst: endpoint("0.0.0.0:0"),
	}),
	"bind failed": ofSocket(event.Event{
		Kind: event.BindFail, Proc: curl, Op: event.OpBind, Errno: event.EADDRINUSE, Reason: event.PortTaken,
		Inferred: event.FieldErrno | event.FieldReason,
		Src:      endpoint("0.0.0.0:8080"), Dst: endpoint("0.0.0.0:0"),
	}),
	"listen without a port": ofSocket(event.Event{
		Kind: event.BindFail, Proc: curl, Op: event.OpListen, Errno: event.EADDRINUSE, Reason: event.RangeExhausted,
		Inferred: event.FieldErrno | event.FieldReason,
		Src:      endpoint("0.0.0.0:0"), Dst: endpoint("0.0.0.0:0"),
	}),
	"autobind failed": ofSocket(event.Event{
		Kind: event.BindFail, Proto: event.UDP, Proc: curl, Op: event.OpAutobind, Errno: event.EAGAIN,
		Reason: event.RangeExhausted, Src: endpoint("0.0.0.0:0"), Dst: endpoint("0.0.0.0:0"),
	}),
	"close wait": ofSocket(event.Event{
		Kind: event.EnterCloseWait, Direction: event.In, Cookie: 0x1004,
		Src: endpoint("10.1.0.2:443"), Dst: endpoint("10.1.0.1:51000"),
	}),
	"syn unanswered": ofSocket(event.Event{
		Kind: event.SynUnanswered, Direction: event.Out, Proc: curl, Cookie: 0x1005,
		Src: endpoint("10.1.0.1:40009"), Dst: endpoint("10.1.0.2:444"),
	}),
	"syn answered": ofSocket(event.Event{
		Kind: event.SynAnswered, Direction: event.Out, Proc: curl, Cookie: 0x1005,
		Src: endpoint("10.1.0.1:40009"), Dst: endpoint("10.1.0.2:444"),
	}),
	"listen": ofSocket(event.Event{
		Kind: event.Listen, Proc: curl, Cookie: 0x1006, Src: endpoint("[::]:8080"), Dst: endpoint("[::]:0"),
	}),
	"listen end": ofSocket(event.Event{Kind: event.ListenEnd, Proc: curl, Cookie: 0x1006, Src: endpoint("[::]:8080"), Dst: endpoint("[::]:0")}),
	"process": ofProcess(event.Process{
		ID: curl, PPID: 1, UID: 1000, Comm: "curl", Exe: "/usr/bin/curl", Cgroup: "/user.slice/run-7.scope",
		CommandLine: "curl -s http://u:***@10.1.0.2/",
	}),
	"kernel thread": ofProcess(event.Process{
		ID: event.ProcID{PID: 77, Start: 123}, PPID: 2, Comm: "kworker/0:1", Exe: "[kernel]",
	}),
	"hostile process": ofProcess(event.Process{
		ID: curl, PPID: 1, UID: 1000, Comm: "a\n\x1b[31m\xff", Exe: "/a/b/\u202e/..", Cgroup: "/x\ty",
		CommandLine: "a\n\x1b[31m \xff …",
	}),
	"process with lengths beyond its fields": ofProcess(event.Process{
		ID: curl, PPID: 1, UID: 1000, Comm: "none",
	}),
}

// Hand-made records: every kind, and names that hold any byte.
func TestDecode(t *testing.T) {
	records := readRecords(t, "records.hex")
	if len(records) != len(decoded) {
		t.Errorf("%d records in testdata, %d are expected", len(records), len(decoded))
	}
	kinds := map[uint32]bool{}
	for name, raw := range records {
		t.Run(name, func(t *testing.T) {
			var got event.Event
			stamp, err := decode(raw, &got)
			if err != nil {
				t.Fatal(err)
			}
			if len(raw) != connEventSize {
				kinds[binary.LittleEndian.Uint32(raw[kindOffset:])] = true
			}
			if want := event.Time(binary.LittleEndian.Uint64(raw)); stamp != want {
				t.Errorf("sent at %d, want %d", stamp, want)
			}
			if want := decoded[name]; !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v %+v\nwant %+v %+v", got, got.Fact, want, want.Fact)
			}
		})
	}
	if len(kinds) != int(bpfEventKindKIND_COUNT)-1 {
		t.Errorf("%d kinds of %d occur", len(kinds), bpfEventKindKIND_COUNT-1)
	}
}

// Each flag of the kernel side, by its number in bpf/event.h.
func TestDecodeFlags(t *testing.T) {
	records := readRecords(t, "records.hex")
	for bit, c := range map[int]struct {
		record   string
		flags    event.Flags
		inferred event.Field
	}{
		0:  {"close", event.TimeWait, event.FieldTimeWait},
		1:  {"close", event.FinWait2, event.FieldTimeWait},
		2:  {"open", event.EarlyBind, 0},
		3:  {"open", event.Reused, 0},
		4:  {"close", event.Unanswered, 0},
		5:  {"close", event.InCloseWait, 0},
		6:  {"bind", event.ReuseAddr, 0},
		7:  {"bind", event.ReusePort, 0},
		8:  {"bind", event.NoPort, 0},
		9:  {"open", 0, event.FieldSport},
		10: {"connect refused", 0, event.FieldErrno | event.FieldReason},
		11: {"connect refused", event.HadPort, 0},
		12: {"open", event.Mapped, 0},
		13: {"open", event.NotSelected, 0},
		14: {"open", event.OwnedByBind, 0},
		15: {"open", event.NoTimestamps, 0},
		16: {"open", 0, 0},
		31: {"open", 0, 0},
	} {
		raw := slices.Clone(records[c.record])
		binary.LittleEndian.PutUint32(raw[flagsOffset:], 1<<bit)
		var e event.Event
		if _, err := decode(raw, &e); err != nil || e.Flags != c.flags || e.Inferred != c.inferred {
			t.Errorf("bit %d: %b, inferred %q, %v; want %b, %q", bit, e.Flags, e.Inferred.Names(), err, c.flags, c.inferred.Names())
		}
	}
}

func TestDecodeClosedBy(t *testing.T) {
	raw := readRecords(t, "records.hex")["close"]
	for i, want := range [][2]event.ClosedBy{
		{event.Abort},
		{event.Local},
		{event.Remote},
		{event.Reset, event.Local},
		{event.Reset, event.Remote},
		{event.Timeout},
		{event.Abort},
		{event.Abort},
	} {
		raw[closedByOffset] = byte(i)
		var e event.Event
		if _, err := decode(raw, &e); err != nil || e.ClosedBy != want[0] || e.ResetBy != want[1] {
			t.Errorf("%d: closed by %s, reset by %s, %v; want %s", i, e.ClosedBy, e.ResetBy, err, want)
		}
	}
}

func TestDecodeReason(t *testing.T) {
	raw := readRecords(t, "records.hex")["connect refused"]
	for i, want := range []event.Reason{event.Refused, event.RangeExhausted, event.TupleTaken, event.Refused, event.GivenUp, event.Refused} {
		raw[reasonOffset] = byte(i)
		var e event.Event
		if _, err := decode(raw, &e); err != nil || e.Reason != want {
			t.Errorf("%d: %s, %v; want %s", i, e.Reason, err, want)
		}
	}
}

// The small record of a connection says the same as the large one.
func TestDecodeConn(t *testing.T) {
	sock := bpfSockEvent{
		Cookie: 7, CloseWait: 3, Netns: hostNetns, Sport: 40000, Dport: 80, Proto: uint8(event.TCP),
		Saddr: endpoint("10.1.0.1:0").Addr, Daddr: endpoint("10.1.0.2:0").Addr,
	}
	sock.Head.Ts, sock.Head.Pid, sock.Head.Start = 5e9, 77, 123456789012
	for _, kind := range []bpfEventKind{bpfEventKindKIND_OPEN, bpfEventKindKIND_CLOSE, bpfEventKindKIND_CLOSE_WAIT} {
		sock.Head.Kind, sock.Duration, sock.SearchNs = uint32(kind), 9, 0
		if kind == bpfEventKindKIND_OPEN {
			sock.Duration, sock.SearchNs = 0, 9
		}
		for bit := range 16 {
			for direction := range uint8(3) {
				for closedBy := range uint8(bpfEventClosedByCLOSED_BY_ABORT + 1) {
					sock.Flags, sock.Direction, sock.ClosedBy = 1<<bit, direction, closedBy
					small := smallOf(&sock)
					var want, got event.Event
					if _, err := decode(recordOf(&sock), &want); err != nil {
						t.Fatal(err)
					}
					if stamp, err := decode(recordOf(&small), &got); err != nil || stamp != 5e9 || got != want {
						t.Errorf("got  %+v %v\nwant %+v", got, err, want)
					}
				}
			}
		}
	}
}

// smallOf is copy_conn_event() of bpf/conn_event.bpf.h.
func smallOf(e *bpfSockEvent) bpfConnEvent {
	return bpfConnEvent{
		Ts: e.Head.Ts, Start: e.Head.Start, Cookie: e.Cookie, Duration: e.Duration + uint64(e.SearchNs), CloseWait: e.CloseWait,
		Pid: e.Head.Pid, Netns: e.Netns,
		Saddr: binary.NativeEndian.Uint32(e.Saddr[12:]), Daddr: binary.NativeEndian.Uint32(e.Daddr[12:]),
		Sport: e.Sport, Dport: e.Dport, Flags: uint16(e.Flags),
		Kind: uint8(e.Head.Kind), How: e.Direction | e.ClosedBy<<closedByShift,
	}
}

// recordOf returns a struct as the bytes of a record.
func recordOf[T any](r *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r))
}

// A record of any other length than those of the three structs is refused.
func TestDecodeTruncated(t *testing.T) {
	whole := readRecords(t, "records.hex")["process"]
	for length := range len(whole) {
		var e event.Event
		if _, err := decode(whole[:length], &e); err == nil && length != sockEventSize && length != connEventSize {
			t.Errorf("%d bytes are decoded as %+v", length, e)
		}
	}
	if _, err := decode(append(whole, 0), &event.Event{}); err == nil {
		t.Error("a record that is too long is decoded")
	}
}

func TestDecodeUnknown(t *testing.T) {
	raw := readRecords(t, "records.hex")["connect refused"]
	for _, op := range []byte{5, 255} {
		raw[opOffset] = op
		var e event.Event
		if _, err := decode(raw, &e); err != nil || e.Op != 0 {
			t.Errorf("op %d: %s, %v", op, e.Op, err)
		}
	}
	for _, kind := range []uint32{0, uint32(bpfEventKindKIND_PROCESS), uint32(bpfEventKindKIND_COUNT), 255, 1 << 31} {
		binary.LittleEndian.PutUint32(raw[kindOffset:], kind)
		if _, err := decode(raw, &event.Event{}); err == nil {
			t.Errorf("kind %d is decoded", kind)
		}
	}
}
