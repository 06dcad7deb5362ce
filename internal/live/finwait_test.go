package live

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
)

const start = event.Time(1000 * time.Second)

// always returns finWaits that find a bucket of that kind for every close.
func always(bucket netns.Bucket) *finWaits {
	return newFinWaits(func(_ uint32, tuples []netns.Tuple) ([]netns.Bucket, error) {
		return slices.Repeat([]netns.Bucket{bucket}, len(tuples)), nil
	}, start)
}

// holdMany returns how many of n closes are held.
func holdMany(f *finWaits, n int, change ...func(*event.Event)) (held int) {
	e := orphan(append([]func(*event.Event){at(start)}, change...)...)
	for range n {
		if f.hold(&e) {
			held++
		}
	}
	return held
}

func TestHoldOnlyFinWaits(t *testing.T) {
	t.Parallel()
	f := always(netns.NoBucket)
	for _, flags := range []event.Flags{0, event.TimeWait, event.InCloseWait} {
		e := orphan(func(e *event.Event) { e.Flags = flags })
		if f.hold(&e) {
			t.Errorf("a close with the flags %b is held", flags)
		}
	}
	if e := orphan(flags(event.NotSelected)); !f.hold(&e) || !slices.Equal(f.held, []event.Event{e}) {
		t.Errorf("held are %+v", f.held)
	}
}

// A burst is looked up, and after it a number per second; closes beyond that are not held.
func TestLookUpBudget(t *testing.T) {
	t.Parallel()
	f, now := always(netns.NoBucket), start
	for _, step := range []struct {
		after time.Duration
		held  int
	}{
		{0, finLookupsAtOnce},
		{0, 0},
		{time.Second / finLookupsPerSecond / 2, 0}, // half of one
		{time.Second / finLookupsPerSecond, 1},
		{100 * time.Millisecond, finLookupsPerSecond / 10},
		{500 * time.Millisecond, finLookupsPerSecond / 2},
		{time.Hour, finLookupsAtOnce},
	} {
		now = now.Add(step.after)
		f.release(nil, now, true)
		if held := holdMany(f, 2*finLookupsAtOnce); held != step.held {
			t.Errorf("after %s: %d are held, want %d", step.after, held, step.held)
		}
	}
}

// A close is released when the peer's FIN has had its time, in its order, or at the end.
func TestRelease(t *testing.T) {
	t.Parallel()
	f := always(netns.InTimeWait)
	for i, after := range []time.Duration{0, 10 * time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond} {
		e := orphan(at(start.Add(after)), func(e *event.Event) { e.Src.Port = uint16(i + 1) })
		if !f.hold(&e) {
			t.Fatal("it is not held")
		}
	}
	dst := []event.Event{listen(nginx, netns1, "0.0.0.0:99")}
	for _, step := range []struct {
		after time.Duration
		all   bool
		want  []uint16
	}{
		{finAfter - 1, false, []uint16{99}},
		{finAfter, false, []uint16{99, 1}},
		{finAfter + 1, false, []uint16{99}},
		{finAfter + 50*time.Millisecond, false, []uint16{99, 2, 3}},
		{finAfter + 60*time.Millisecond, true, []uint16{99, 4}},
		{time.Hour, true, []uint16{99}},
	} {
		got := f.release(dst[:1:1], start.Add(step.after), step.all)
		if !slices.Equal(ports(got), step.want) {
			t.Errorf("after %s: released %v, want %v", step.after, ports(got), step.want)
		}
	}
}

// A call that fails because of a port whose close is held comes after that close.
func TestTakenComesAfterTheClose(t *testing.T) {
	t.Parallel()
	fails := func(kind event.Kind, src string, r event.Reason) event.Event {
		e := connection(kind, event.Out, src, "10.0.0.2:80", at(start.Add(10*time.Millisecond)))
		e.Reason = r
		return e
	}
	otherNetns := fails(event.BindFail, "10.0.0.1:40000", event.PortTaken)
	otherNetns.Netns++
	udp := fails(event.BindFail, "10.0.0.1:40000", event.PortTaken)
	udp.Proto = event.UDP
	for name, tc := range map[string]struct {
		call   event.Event
		behind bool
	}{
		"bind":              {fails(event.BindFail, "0.0.0.0:40000", event.PortTaken), true},
		"connect":           {fails(event.ConnectFail, "10.0.0.1:40000", event.TupleTaken), true},
		"another port":      {fails(event.BindFail, "10.0.0.1:40001", event.PortTaken), false},
		"another reason":    {fails(event.ConnectFail, "10.0.0.1:40000", event.Refused), false},
		"another namespace": {otherNetns, false},
		"UDP":               {udp, false},
	} {
		looked := 0
		f := newFinWaits(func(_ uint32, tuples []netns.Tuple) ([]netns.Bucket, error) {
			looked += len(tuples)
			return slices.Repeat([]netns.Bucket{netns.InTimeWait}, len(tuples)), nil
		}, start)
		e := orphan(at(start))
		if !f.hold(&e) || f.hold(&tc.call) != tc.behind {
			t.Errorf("%s is behind the close: %v", name, !tc.behind)
			continue
		}
		got := f.release(nil, start.Add(time.Second), false)
		if tc.behind && (len(got) != 2 || got[0].Kind != event.Close || got[1] != tc.call) || looked != 1 {
			t.Errorf("%s: released are %+v, %d buckets were looked up", name, got, looked)
		}
		if f.hold(&tc.call) {
			t.Errorf("%s is held although no close is", name)
		}
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		bucket netns.Bucket
		flags  event.Flags
	}{
		{netns.InFinWait2, event.FinWait2},
		{netns.InTimeWait, event.TimeWait},
		{netns.NoBucket, 0},
	} {
		f := always(tc.bucket)
		e := orphan(at(start), flags(event.Unanswered), func(e *event.Event) { e.Inferred |= event.FieldPID })
		want := e
		want.Flags, want.Inferred = tc.flags|event.Unanswered, event.FieldPID
		f.hold(&e)
		if got := f.release(nil, start.Add(finAfter), false); !slices.Equal(got, []event.Event{want}) {
			t.Errorf("bucket %d: got %+v", tc.bucket, got)
		}
	}
}

// Each namespace is asked once for all of its closes, and each close gets its own bucket.
func TestLookUpsByNamespace(t *testing.T) {
	t.Parallel()
	asked := map[uint32][]netns.Tuple{}
	f := newFinWaits(func(inode uint32, tuples []netns.Tuple) ([]netns.Bucket, error) {
		asked[inode] = append(asked[inode], tuples...)
		var buckets []netns.Bucket
		for _, tuple := range tuples {
			buckets = append(buckets, netns.Bucket(tuple.Local.Port%3))
		}
		return buckets, nil
	}, start)
	for port := range uint16(12) {
		e := orphan(at(start), in(netns1+uint32(port%2)), func(e *event.Event) { e.Src.Port = port })
		f.hold(&e)
	}
	got := f.release(nil, start.Add(time.Second), false)
	want := []event.Flags{netns.NoBucket: 0, netns.InFinWait2: event.FinWait2, netns.InTimeWait: event.TimeWait}
	for i := range got {
		if e := &got[i]; e.Src.Port != uint16(i) || e.Flags != want[i%3] {
			t.Errorf("%d: got %+v", i, e)
		}
	}
	if len(got) != 12 || len(asked) != 2 {
		t.Errorf("%d released, asked about %v", len(got), asked)
	}
	for inode, tuples := range asked {
		for i, tuple := range tuples {
			e := orphan()
			e.Src.Port = uint16(2*i) + uint16(inode-netns1)
			if tuple != (netns.Tuple{Local: e.Src, Remote: e.Dst}) {
				t.Errorf("namespace %d, %d: asked about %+v", inode, i, tuple)
			}
		}
	}
}

// Without an answer a close stays what it was. A namespace in which asking is forbidden is
// not asked again.
func TestLookUpErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err    error
		denied bool
	}{
		{os.NewSyscallError("sendto", unix.EPERM), true},
		{fmt.Errorf("entering the namespace: %w", unix.EACCES), true},
		{unix.EPROTONOSUPPORT, true},
		{unix.ENOENT, false},
		{errors.New("no process and no name leads to it"), false},
	} {
		asked := 0
		f := newFinWaits(func(inode uint32, tuples []netns.Tuple) ([]netns.Bucket, error) {
			if asked++; inode == netns1 {
				return nil, tc.err
			}
			return slices.Repeat([]netns.Bucket{netns.NoBucket}, len(tuples)), nil
		}, start)
		e, other := orphan(at(start)), orphan(at(start), in(netns2))
		if !f.hold(&e) || !f.hold(&other) {
			t.Fatal("they are not held")
		}
		got := f.release(nil, start.Add(time.Second), false)
		if len(got) != 2 || got[0] != e || got[1].Flags != 0 || asked != 2 {
			t.Errorf("%v: released %+v", tc.err, got)
		}
		if f.hold(&e) == tc.denied || !f.hold(&other) {
			t.Errorf("%v: forbidden are %v", tc.err, f.forbidden)
		}
	}
}

func TestForbiddenIsBounded(t *testing.T) {
	t.Parallel()
	f := newFinWaits(func(uint32, []netns.Tuple) ([]netns.Bucket, error) { return nil, unix.EPERM }, start)
	for inode := range uint32(maxForbidden) {
		f.noteError(inode, unix.EPERM)
	}
	if len(f.forbidden) != maxForbidden || holdMany(f, 1, in(0)) != 0 {
		t.Errorf("%d are remembered", len(f.forbidden))
	}
	f.noteError(maxForbidden, unix.EPERM)
	if len(f.forbidden) != 1 || holdMany(f, 1, in(0)) != 1 || holdMany(f, 1, in(maxForbidden)) != 0 {
		t.Errorf("%d are remembered", len(f.forbidden))
	}
}
