package event

import (
	"slices"
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	t.Parallel()
	wall := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	// The host slept for an hour: CLOCK_BOOTTIME counts that, CLOCK_MONOTONIC does not.
	c := Clock{Mono: Time(2 * time.Hour), Boot: int64(3 * time.Hour), Wall: wall.UnixNano()}
	if got := c.WallTime(Time(2*time.Hour + time.Second)); !got.Equal(wall.Add(time.Second)) || got.Location() != time.UTC {
		t.Errorf("WallTime = %s", got)
	}
	if got := c.WallTime(0); !got.Equal(wall.Add(-2 * time.Hour)) {
		t.Errorf("WallTime of the monotonic zero = %s", got)
	}
	if got := c.StartTime(ProcID{PID: 1, Start: 90 * 60 * TicksPerSecond}); !got.Equal(wall.Add(-90 * time.Minute)) {
		t.Errorf("StartTime = %s", got)
	}
	if got := c.StartTime(ProcID{Start: 5}); !got.IsZero() {
		t.Errorf("StartTime of no process = %s", got)
	}
	var none Clock
	if !none.WallTime(5).IsZero() || !none.StartTime(ProcID{PID: 1}).IsZero() {
		t.Error("a time without a clock")
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	if got := Time(5).Add(7).Sub(2); got != 10 {
		t.Errorf("got %d", got)
	}
}

func TestErrno(t *testing.T) {
	t.Parallel()
	for e, want := range map[Errno]string{
		0: "", EADDRNOTAVAIL: "EADDRNOTAVAIL", EADDRINUSE: "EADDRINUSE", EAGAIN: "EAGAIN", 115: "EINPROGRESS", 4095: "errno 4095",
	} {
		if got := e.String(); got != want {
			t.Errorf("%d is %q, want %q", uint16(e), got, want)
		}
	}
	names := map[string]bool{}
	for e, name := range errnoNames {
		if names[name] || e == 0 {
			t.Errorf("%d, %s", uint16(e), name)
		}
		names[name] = true
	}
}

// TestNames holds each value to a name, and the names to what users' scripts know.
func TestNames(t *testing.T) {
	t.Parallel()
	var got []string
	for k := Open; k <= DetailLimited; k++ {
		if k.Public() != slices.Contains(PublicKinds(), k) {
			t.Errorf("kind %d: public %v", k, k.Public())
		}
		if k.Public() {
			got = append(got, k.String())
		} else if (k.String() != "internal") != slices.Contains(PrintedKinds(), k) {
			t.Errorf("kind %d is called %s", k, k)
		}
	}
	for _, k := range PrintedKinds()[len(PublicKinds()):] {
		got = append(got, k.String())
	}
	for d := Unknown; d <= In; d++ {
		got = append(got, d.String())
	}
	for o := OpConnect; o <= OpAutobind; o++ {
		got = append(got, o.String())
	}
	for r := RangeExhausted; r <= GivenUp; r++ {
		got = append(got, r.String())
	}
	for c := Local; c <= Abort; c++ {
		got = append(got, c.String())
	}
	got = append(got, TCP.String(), UDP.String(), Proto(1).String())
	want := []string{
		"open", "close", "connect_fail", "bind", "bind_fail", "syn_unanswered", "folded", "detail_limited", "lost", "", "out", "in", "connect", "bind", "listen", "autobind",
		"range_exhausted", "tuple_taken", "port_taken", "foreign_address", "no_ipv6", "unreachable", "refused", "timeout",
		"reset", "other", "given_up", "local", "remote", "reset", "timeout", "abort", "tcp", "udp", "",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	all := FieldSport | FieldErrno | FieldReason | FieldTimeWait | FieldPID | FieldDirection | FieldClosedBy | FieldTime
	if got := all.Names(); !slices.Equal(got, fieldNames) || Field(0).Names() != nil {
		t.Errorf("fields %q", got)
	}
}

func TestAboutSocket(t *testing.T) {
	t.Parallel()
	for k := Open; k <= DetailLimited; k++ {
		want := k <= SynAnswered || k == Folded || k == DetailLimited
		if got := k.AboutSocket(); got != want {
			t.Errorf("kind %d: %v", k, got)
		}
	}
	if Listen.AboutSocket() {
		t.Error("listen is about a port")
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	four, six := end("10.0.0.2:80").Addr, end("[fd00::2]:80").Addr
	for _, tc := range []struct {
		errno Errno
		to    Addr
		want  Reason
	}{
		{ECONNREFUSED, four, Refused},
		{ETIMEDOUT, six, TimedOut},
		{ENETUNREACH, four, Unreachable},
		{EHOSTUNREACH, six, Unreachable},
		{ECONNRESET, four, ResetByPeer},
		{EADDRNOTAVAIL, four, OtherReason},
		{EADDRNOTAVAIL, six, NoIPv6},
		{EAFNOSUPPORT, six, NoIPv6},
		{EPERM, four, OtherReason},
	} {
		if got := ConnectReason(tc.errno, tc.to); got != tc.want {
			t.Errorf("connect to %s, %s: %s, want %s", tc.to, tc.errno, got, tc.want)
		}
	}
	for _, tc := range []struct {
		errno Errno
		port  uint16
		want  Reason
	}{
		{EADDRINUSE, 0, RangeExhausted},
		{EADDRINUSE, 80, PortTaken},
		{EADDRNOTAVAIL, 80, ForeignAddress},
		{EACCES, 80, OtherReason},
	} {
		if got := BindReason(tc.errno, tc.port); got != tc.want {
			t.Errorf("bind, %s, port %d: %s, want %s", tc.errno, tc.port, got, tc.want)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	f := TimeWait | HadPort
	if !f.Has(TimeWait) || !f.Has(TimeWait|HadPort) || f.Has(TimeWait|Reused) || !f.Has(0) {
		t.Errorf("flags %b", f)
	}
}
