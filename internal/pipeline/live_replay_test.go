package pipeline

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// host is a model of a host with two namespaces, as a live Source shows it: events get lost,
// and what a scan has found is outdated.
type host struct {
	*rand.Rand
	now     event.Time
	sockets map[portspace.Port]event.Event // as a scan finds them
}

// happens changes one socket. It returns the event, or nothing if that gets lost.
func (h *host) happens() []event.Event {
	h.now += event.Time(h.IntN(int(10 * time.Millisecond)))
	e := on(40000+uint16(h.IntN(100)), socket(h.now, event.Open, []event.ProcID{shop, curl, {}}[h.IntN(3)], 0))
	e.Netns = 7 + uint32(h.IntN(2))
	port := portspace.PortOf(&e)
	after, is := h.sockets[port]
	switch {
	case !is:
		e.Cookie = h.Uint64()
		after = e
		after.Kind, after.State = event.SocketFound, event.StateEstablished
	case after.State == event.StateTimeWait && after.Last > h.now:
		return nil
	case after.State == event.StateTimeWait:
		delete(h.sockets, port)
		return nil
	case after.State == event.StateEstablished && h.IntN(3) == 0:
		e.Kind, after.State = event.EnterCloseWait, event.StateCloseWait
	default:
		e.Kind, e.Flags = event.Close, event.TimeWait
		after.State, after.Last = event.StateTimeWait, h.now+60*second
	}
	e.Cookie, h.sockets[port] = after.Cookie, after
	if h.IntN(5) == 0 {
		return nil
	}
	return []event.Event{e}
}

// scan returns what a scan finds in a namespace.
func (h *host) scan(inode uint32) event.NetnsScan {
	one := event.NetnsScan{Census: event.Census{Netns: inode, Bound: true}}
	if h.IntN(50) == 0 {
		one.Gone = true
		return one
	}
	for port := range uint16(100) {
		e := on(40000+port, socket(0, event.Open, shop, 0))
		e.Netns = inode
		if e, is := h.sockets[portspace.PortOf(&e)]; is && (e.State != event.StateTimeWait || e.Last > h.now) {
			addFound(&one.Sockets, &e)
		}
	}
	one.Truncated = h.IntN(50) == 0
	return one
}

// read returns what happens in half a second, mostly.
func (h *host) read() (batch event.Batch) {
	if h.IntN(4) == 0 {
		batch.Scanning, batch.Scan = true, &event.Scan{Netns: []event.NetnsScan{h.scan(7), h.scan(8)}}
	}
	for range h.IntN(30) {
		batch.Events = append(batch.Events, h.happens()...)
	}
	h.now += event.Time(h.IntN(int(time.Second)))
	batch.Now = h.now
	if batch.Scan != nil {
		batch.Scan.At = h.now
	}
	return batch
}

// recording is what the Tee gets, batch by batch, and the threshold events.
type recording struct {
	batches []event.Batch
	events  []event.Event
	changed []event.Event
}

func (r *recording) tee(e *event.Event, _ *event.World) error {
	if e.Kind == event.SpaceChanged {
		r.changed = append(r.changed, *e)
	} else {
		r.events = append(r.events, *e)
	}
	return nil
}

func (r *recording) flush(now event.Time) error {
	if now == 0 {
		return nil // the end of the stream
	}
	r.batches = append(r.batches, until(now, r.events...))
	r.events = nil
	return nil
}

// view returns what a run of the batches shows and puts into the stream.
func view(t *testing.T, batches []event.Batch, opts Options) (*snapshot.Snapshot, *recording) {
	t.Helper()
	source, counted := scanned(batches), &recording{}
	opts.Tee, opts.AfterBatch = counted.tee, counted.flush
	snap, err := Aggregate(t.Context(), &source, opts)
	if err != nil {
		t.Fatal(err)
	}
	source, opts.Scans, opts.Thresholds = batches, true, true
	streamed := &recording{}
	opts.Tee, opts.AfterBatch = streamed.tee, streamed.flush
	if err := Run(t.Context(), &source, opts); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(streamed.batches, counted.batches) {
		t.Error("without rows the stream is another one")
	}
	return snap, streamed
}

// TestLiveIsReplay: a recording of the stream, which has no scans, shows what they showed.
func TestLiveIsReplay(t *testing.T) {
	t.Parallel()
	f, err := filter.Parse(filter.Request{Comm: []string{"shop-api"}})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(4) {
		for _, f := range []*filter.Filter{nil, f} {
			h := &host{Rand: rand.New(rand.NewPCG(seed, 1)), now: second, sockets: map[portspace.Port]event.Event{}}
			live := []event.Batch{until(second, append(worldAt(second), namespace(second, 7), namespace(second, 8))...)}
			for range 400 {
				live = append(live, h.read())
			}
			want, recorded := view(t, live, Options{Filter: f})
			got, again := view(t, recorded.batches, Options{Filter: f})
			if !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d: got\n%+v, want\n%+v", seed, got, want)
			}
			if !reflect.DeepEqual(again, recorded) {
				t.Errorf("seed %d: a recording of the recording is another one", seed)
			}
			window := Options{Filter: f, From: 50 * second, To: 130 * second}
			want, _ = view(t, live, window)
			if got, _ := view(t, recorded.batches, window); !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d: in a window got\n%+v, want\n%+v", seed, got, want)
			}
			checkBusy(t, recorded)
		}
	}
}

// checkBusy makes sure that there was something to compare.
func checkBusy(t *testing.T, r *recording) {
	t.Helper()
	count := map[event.Kind]int{event.SpaceChanged: len(r.changed)}
	whole := 0
	for _, batch := range r.batches {
		for _, e := range batch.Events {
			count[e.Kind]++
			if fact, is := e.Fact.(*event.Census); is && fact.Whole {
				whole++
			}
		}
	}
	for _, kind := range []event.Kind{event.Open, event.Close, event.SocketFound, event.SocketGone, event.CensusTaken, event.SpaceChanged} {
		if count[kind] < 2 {
			t.Errorf("%d events of kind %d", count[kind], kind)
		}
	}
	if whole < 3 || count[event.Notice] != 1 {
		t.Errorf("%d are whole, %d notices", whole, count[event.Notice])
	}
}
