package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/porttrace/porttrace/internal/cmdline"
	"github.com/porttrace/porttrace/internal/event"
)

const (
	connEventSize    = int(unsafe.Sizeof(bpfConnEvent{}))
	sockEventSize    = int(unsafe.Sizeof(bpfSockEvent{}))
	processEventSize = int(unsafe.Sizeof(bpfProcessEvent{}))
	nsPerTick        = 1e9 / event.TicksPerSecond
)

// decode decodes one record of a ring into e, which must be zero, and returns when it was sent.
// The types of records differ in size. raw must be aligned to 8 bytes, as records in the ring are.
func decode(raw []byte, e *event.Event) (stamp event.Time, err error) {
	at := unsafe.Pointer(unsafe.SliceData(raw))
	switch len(raw) {
	case connEventSize:
		decodeConn((*bpfConnEvent)(at), e)
	case sockEventSize:
		decodeSock((*bpfSockEvent)(at), e)
	case processEventSize:
		decodeProcess((*bpfProcessEvent)(at), e)
	default:
		return 0, fmt.Errorf("decoding a record of %d bytes: it is of no known type", len(raw))
	}
	if e.Kind == 0 {
		return 0, errors.New("decoding a record of unknown kind")
	}
	return e.Time, nil
}

func owner(pid uint32, start uint64) event.ProcID {
	if pid == 0 {
		return event.ProcID{}
	}
	return event.ProcID{PID: pid, Start: start / nsPerTick}
}

var kinds = [...]event.Kind{
	bpfEventKindKIND_OPEN:           event.Open,
	bpfEventKindKIND_CLOSE:          event.Close,
	bpfEventKindKIND_CONNECT_FAIL:   event.ConnectFail,
	bpfEventKindKIND_BIND:           event.Bind,
	bpfEventKindKIND_BIND_FAIL:      event.BindFail,
	bpfEventKindKIND_CLOSE_WAIT:     event.EnterCloseWait,
	bpfEventKindKIND_SYN_UNANSWERED: event.SynUnanswered,
	bpfEventKindKIND_SYN_ANSWERED:   event.SynAnswered,
	bpfEventKindKIND_LISTEN:         event.Listen,
	bpfEventKindKIND_LISTEN_END:     event.ListenEnd,
}

// kind returns zero for a number that it does not know.
func kind(from uint32) event.Kind {
	if int(from) >= len(kinds) {
		return 0
	}
	return kinds[from]
}

// decodeConn sets field by field: to assign a whole Event takes longer than all the rest.
func decodeConn(r *bpfConnEvent, e *event.Event) {
	e.Time = event.Time(r.Ts)
	e.Kind = kind(uint32(r.Kind))
	e.Direction = direction(r.How & (1<<closedByShift - 1))
	e.Proto = event.TCP
	e.Netns = r.Netns
	e.Proc = owner(r.Pid, r.Start)
	mapV4(&e.Src, r.Saddr, r.Sport)
	mapV4(&e.Dst, r.Daddr, r.Dport)
	e.Cookie = r.Cookie
	e.CloseWait = r.CloseWait
	e.Count = 1
	setFlags(e, uint32(r.Flags))
	switch e.Kind {
	case event.Open:
		e.PortSearch = r.Duration
	case event.Close:
		e.Duration = r.Duration
		setClosed(e, bpfEventClosedBy(r.How>>closedByShift))
	}
}

const closedByShift = 4 // CLOSED_BY_SHIFT of bpf/event.h

func mapV4(to *event.Endpoint, v4 uint32, port uint16) {
	to.Addr[10], to.Addr[11] = 0xff, 0xff
	binary.NativeEndian.PutUint32(to.Addr[12:], v4)
	to.Port = port
}

func decodeSock(r *bpfSockEvent, e *event.Event) {
	e.Time = event.Time(r.Head.Ts)
	e.Kind = kind(r.Head.Kind)
	e.Direction = direction(r.Direction)
	e.Proto = event.Proto(r.Proto)
	e.Op = op(r.Op)
	e.Device = r.Device
	e.SocketRange = event.PortRange{Low: r.Low, High: r.High}
	e.Netns = r.Netns
	e.Proc = owner(r.Head.Pid, r.Head.Start)
	e.Src.Addr, e.Src.Port = r.Saddr, r.Sport
	e.Dst.Addr, e.Dst.Port = r.Daddr, r.Dport
	e.Cookie = r.Cookie
	e.CloseWait = r.CloseWait
	e.Count = 1
	setFlags(e, r.Flags)
	switch e.Kind {
	case event.Open:
		e.PortSearch = uint64(r.SearchNs)
	case event.Close:
		e.Duration = r.Duration
		setClosed(e, bpfEventClosedBy(r.ClosedBy))
	case event.ConnectFail, event.BindFail:
		e.Errno = event.Errno(r.Err)
		e.Reason = reason(bpfEventReason(r.Reason), e)
	}
	if e.Op == event.OpBind && r.Duration != 0 {
		e.Fact = &event.AddressStamp{Net: r.Duration, Generation: r.SearchNs}
	}
}

// setFlags sets Flags, and what they say of an event of the kind that e has.
func setFlags(e *event.Event, from uint32) {
	if from == 0 {
		return
	}
	e.Flags = flags(from)
	switch e.Kind {
	case event.Open:
		if has(from, bpfEventFlagFLAG_SPORT_INFERRED) {
			e.Inferred |= event.FieldSport
		}
	case event.Close:
		if e.Flags&(event.TimeWait|event.FinWait2) != 0 {
			e.Inferred |= event.FieldTimeWait
		}
	case event.ConnectFail, event.BindFail:
		if has(from, bpfEventFlagFLAG_ERRNO_INFERRED) {
			e.Inferred |= event.FieldErrno | event.FieldReason
		}
	}
}

func setClosed(e *event.Event, from bpfEventClosedBy) {
	e.ClosedBy, e.ResetBy = closedBy(from)
	if e.Direction == event.Unknown {
		e.Inferred |= event.FieldPID
	}
}

func has(flags uint32, bit bpfEventFlag) bool { return flags&uint32(bit) != 0 }

var flagPairs = []struct {
	from bpfEventFlag
	to   event.Flags
}{
	{bpfEventFlagFLAG_TIME_WAIT, event.TimeWait},
	{bpfEventFlagFLAG_FIN_WAIT2, event.FinWait2},
	{bpfEventFlagFLAG_EARLY_BIND, event.EarlyBind},
	{bpfEventFlagFLAG_REUSED, event.Reused},
	{bpfEventFlagFLAG_UNANSWERED, event.Unanswered},
	{bpfEventFlagFLAG_IN_CLOSE_WAIT, event.InCloseWait},
	{bpfEventFlagFLAG_V4MAPPED, event.Mapped},
	{bpfEventFlagFLAG_REUSEADDR, event.ReuseAddr},
	{bpfEventFlagFLAG_REUSEPORT, event.ReusePort},
	{bpfEventFlagFLAG_NO_PORT, event.NoPort},
	{bpfEventFlagFLAG_HAS_PORT, event.HadPort},
	{bpfEventFlagFLAG_FILTERED, event.NotSelected},
	{bpfEventFlagFLAG_OWNED_BY_BIND, event.OwnedByBind},
	{bpfEventFlagFLAG_NO_TIMESTAMPS, event.NoTimestamps},
}

func flags(from uint32) event.Flags { return lowFlags[from&0xff] | highFlags[from>>8&0xff] }

// The flags by the bits of each byte: two look-ups in place of a loop over all pairs.
var lowFlags, highFlags = flagsOfByte(0), flagsOfByte(8)

func flagsOfByte(shift int) (to [256]event.Flags) {
	for bits := range uint32(len(to)) {
		for _, p := range flagPairs {
			if has(bits<<shift, p.from) {
				to[bits] |= p.to
			}
		}
	}
	return to
}

// direction returns Unknown for a number that it does not know.
func direction(from uint8) event.Direction {
	if from > uint8(event.In) {
		return event.Unknown
	}
	return event.Direction(from)
}

// op returns zero for a number that it does not know.
func op(from uint8) event.Op {
	if int(from) >= len(ops) {
		return 0
	}
	return ops[from]
}

var ops = [...]event.Op{
	bpfEventOpOP_CONNECT:  event.OpConnect,
	bpfEventOpOP_BIND:     event.OpBind,
	bpfEventOpOP_LISTEN:   event.OpListen,
	bpfEventOpOP_AUTOBIND: event.OpAutobind,
}

func closedBy(from bpfEventClosedBy) (closedBy, resetBy event.ClosedBy) {
	switch from {
	case bpfEventClosedByCLOSED_BY_LOCAL:
		return event.Local, 0
	case bpfEventClosedByCLOSED_BY_REMOTE:
		return event.Remote, 0
	case bpfEventClosedByCLOSED_BY_RESET_LOCAL:
		return event.Reset, event.Local
	case bpfEventClosedByCLOSED_BY_RESET_REMOTE:
		return event.Reset, event.Remote
	case bpfEventClosedByCLOSED_BY_TIMEOUT:
		return event.Timeout, 0
	}
	return event.Abort, 0
}

// reason returns why the call of e failed. The BPF programs know only the reasons that
// concern ports; the others follow from the errno.
func reason(from bpfEventReason, e *event.Event) event.Reason {
	switch from {
	case bpfEventReasonREASON_RANGE_EXHAUSTED:
		return event.RangeExhausted
	case bpfEventReasonREASON_TUPLE_TAKEN:
		return event.TupleTaken
	case bpfEventReasonREASON_GIVEN_UP:
		return event.GivenUp
	}
	if e.Kind == event.BindFail {
		return event.BindReason(e.Errno, e.Src.Port)
	}
	return event.ConnectReason(e.Errno, e.Dst.Addr)
}

func decodeProcess(r *bpfProcessEvent, e *event.Event) {
	p := &event.Process{
		ID:     owner(r.Head.Pid, r.Head.Start),
		PPID:   r.Ppid,
		UID:    r.Uid,
		Comm:   text(r.Comm[:]),
		Exe:    path(r.Exe[:], int(r.ExeLen)),
		Cgroup: path(r.Cgroup[:], int(r.CgroupLen)),
	}
	if r.KernelThread != 0 {
		p.Exe = "[kernel]"
	}
	if n := int(r.ArgsLen); n <= len(r.Args) {
		cmdline.Describe(p, bytesOf(r.Args[:n]), r.ArgsCut == 0)
	}
	*e = event.Event{Time: event.Time(r.Head.Ts), Kind: event.ProcessKnown, Proc: p.ID, Fact: p}
}

func bytesOf(c []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c))), len(c))
}

// text returns a C string without its NUL.
func text(c []int8) string {
	s, _, _ := bytes.Cut(bytesOf(c), []byte{0})
	return string(s)
}

// path returns the path whose components are in c, the last one first, each with its NUL.
func path(c []int8, length int) string {
	if length == 0 || length > len(c) {
		return ""
	}
	parts := strings.Split(strings.TrimSuffix(string(bytesOf(c)[:length]), "\x00"), "\x00")
	slices.Reverse(parts)
	return "/" + strings.Join(parts, "/")
}
