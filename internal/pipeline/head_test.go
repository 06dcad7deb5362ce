package pipeline_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestHead: a recording that begins in the middle of a run shows in the end what the run shows, of
// all that exists: port spaces with their holders, and the gauges.
func TestHead(t *testing.T) {
	t.Parallel()
	for name, file := range runs(t) {
		for _, percent := range []int{0, 10, 35, 60, 85, 99} {
			t.Run(fmt.Sprintf("%s/%d%%", name, percent), func(t *testing.T) {
				t.Parallel()
				whole, late := runLate(t, file, percent, pipeline.Options{})
				compareTables(t, late.table, whole.table)
				compareSpaces(t, late.shown, whole.shown)
				compareGauges(t, late.shown, whole.shown)
				compareNamespaces(t, late.shown, whole.shown)
			})
		}
	}
}

// TestHeadFiltered: so it is with a filter, whose marks are in the recording.
func TestHeadFiltered(t *testing.T) {
	t.Parallel()
	file, err := recorded.File("billing")
	if err != nil {
		t.Fatal(err)
	}
	only, err := filter.Parse(filter.Request{Comm: []string{"python3"}})
	if err != nil {
		t.Fatal(err)
	}
	whole, late := runLate(t, file, 40, pipeline.Options{Filter: only})
	if !late.shown.Filtered || whole.shown.Totals.CloseWait == 0 {
		t.Fatalf("left out: %t, in CLOSE_WAIT: %d", late.shown.Filtered, whole.shown.Totals.CloseWait)
	}
	compareTables(t, late.table, whole.table)
	compareGauges(t, late.shown, whole.shown)
}

// runs returns recordings of incidents, and others with all kinds of spaces, in whose time a
// scan is repeated. Recordings without scans are not among them: no run makes such any more.
func runs(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, incident := range recorded.Incidents() {
		file, err := recorded.File(incident.Name)
		if err != nil {
			t.Fatal(err)
		}
		files[incident.Name] = file
	}
	spaces, err := filepath.Glob("../record/testdata/versions/v1-spaces-*.ptrace")
	if err != nil || len(spaces) == 0 {
		t.Fatalf("%d recordings of spaces: %v", len(spaces), err)
	}
	for _, name := range spaces {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = file
	}
	return files
}

// ended is a run at its end.
type ended struct {
	shown *snapshot.Snapshot
	table *portspace.Table
}

func run(t *testing.T, source pipeline.Source, opts pipeline.Options) ended {
	t.Helper()
	if opts.Head == nil {
		opts.Head = &pipeline.Head{}
	}
	shown, err := pipeline.Aggregate(t.Context(), source, opts)
	if err != nil {
		t.Fatal(err)
	}
	return ended{shown, opts.Head.Table()}
}

// runLate runs through a recording, and through another that is made of it from a percentage of
// its time on. It returns what both show in the end.
func runLate(t *testing.T, file []byte, percent int, opts pipeline.Options) (whole, late ended) {
	t.Helper()
	source := open(t, file)
	begin, end := source.Span()
	from := begin + (end-begin)*event.Time(percent)/100
	var buffer bytes.Buffer
	var segment *record.Segment
	opts.Head = &pipeline.Head{}
	opts.Tee = func(e *event.Event, world *event.World) error {
		if segment == nil {
			return nil
		}
		return segment.Add(e, world)
	}
	opts.AfterBatch = func(now event.Time) (err error) {
		if now < from {
			return nil
		}
		if segment == nil {
			if segment, err = record.NewSegment(record.Pipe{Writer: &buffer}, 0); err != nil {
				return err
			}
			if err := opts.Head.Each(segment.Add); err != nil {
				return err
			}
		}
		return segment.EndBatch(now)
	}
	whole = run(t, source, opts)
	if segment == nil {
		t.Fatal("nothing was recorded")
	}
	if err := segment.Close(); err != nil {
		t.Fatal(err)
	}
	return whole, run(t, open(t, buffer.Bytes()), pipeline.Options{})
}

func open(t *testing.T, file []byte) *record.Reader {
	t.Helper()
	reader, err := record.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

// compareTables compares all sockets of both.
func compareTables(t *testing.T, late, whole *portspace.Table) {
	t.Helper()
	got, want := socketsOf(late), socketsOf(whole)
	for port, w := range want {
		if got[port] != w {
			t.Errorf("%+v: %s, the run has %s", port, cmp.Or(got[port], "nothing"), w)
		}
	}
	for port := range got {
		if want[port] == "" {
			t.Errorf("%+v: %s, the run has nothing", port, got[port])
		}
	}
}

// socketsOf returns the sockets of a table, without what is known of the age of each.
func socketsOf(table *portspace.Table) map[portspace.Port]string {
	list := map[portspace.Port]string{}
	table.Each(func(space *portspace.Space) {
		for port, s := range space.Each() {
			list[portspace.Port{ID: space.ID, Port: port}] = fmt.Sprintf("%v %v of %v, cookie %d, flags %b, until %d",
				s.State, s.Direction, s.Proc, s.Cookie, s.Flags&^event.BeforeStart, s.Expiry)
		}
	})
	table.EachNetns(func(n *portspace.Netns) {
		binds := n.Binds(0)
		for port := range uint16(65535) {
			if o := binds.Owner(port); binds.Owns(port) {
				list[portspace.Port{ID: portspace.ID{Netns: n.Fact().Inode}, Port: port}] = fmt.Sprintf("%v at %v of %v", o.State, o.Local, o.Proc)
			}
		}
		n.EachListener(func(port uint16, _ bool, l portspace.BoundSocket) {
			id := portspace.ID{Netns: n.Fact().Inode, Local: l.Local, Device: 1} // no other entry is like it
			list[portspace.Port{ID: id, Port: port}] = fmt.Sprintf("listener %v", l.Proc)
		})
	})
	return list
}

// spaceUse is what must be the same of a port space.
type spaceUse struct {
	netns   string
	use     event.Occupancy
	holders []string
}

// usesOf returns the rows of port spaces with a socket. Reusable is left out: of a bucket that a
// scan has found, the time of its close is known to a step of the timer wheel.
func usesOf(s *snapshot.Snapshot) (uses map[snapshot.SpaceID]spaceUse, reusable int) {
	uses = map[snapshot.SpaceID]spaceUse{}
	for i := range s.PortSpaces {
		space := &s.PortSpaces[i]
		if space.InUse() == 0 {
			continue
		}
		use := spaceUse{netns: space.NetnsName, use: space.Occupancy}
		reusable += use.use.Reusable
		use.use.Reusable = 0
		for _, h := range space.Holders {
			use.holders = append(use.holders, fmt.Sprintf("%v %s %s live %d close-wait %d time-wait %d bound %d",
				h.Proc.ID, h.Proc.Comm, h.Proc.Script, h.Live, h.CloseWait, h.TimeWait, h.Bound))
		}
		uses[space.ID()] = use
	}
	return uses, reusable
}

// compareSpaces compares the rows. Ports that were bound early alone make a row only if a bind()
// or an open of the recording has.
func compareSpaces(t *testing.T, late, whole *snapshot.Snapshot) {
	t.Helper()
	got, reusable := usesOf(late)
	want, most := usesOf(whole)
	if reusable > most {
		t.Errorf("%d ports can be reused, the run has %d", reusable, most)
	}
	for id, use := range got {
		if !reflect.DeepEqual(use, want[id]) {
			t.Errorf("port space %+v:\n%+v\nthe run has\n%+v", id, use, want[id])
		}
	}
}

// gaugesOf are the numbers of sockets that exist.
type gaugesOf struct {
	live, synSent, closeWait, timeWaitOut int64
}

func gauges(totals *snapshot.Totals) gaugesOf {
	return gaugesOf{totals.Live(), totals.SynSent, totals.CloseWait, totals.TimeWaitOut}
}

func compareGauges(t *testing.T, late, whole *snapshot.Snapshot) {
	t.Helper()
	if got, want := gauges(&late.Totals), gauges(&whole.Totals); got != want {
		t.Errorf("in total %+v, the run has %+v", got, want)
	}
	processes := map[event.ProcID]*snapshot.Process{}
	for i := range late.Processes {
		processes[late.Processes[i].Info.ID] = &late.Processes[i]
	}
	for i := range whole.Processes {
		want := &whole.Processes[i]
		if gauges(&want.Totals) == (gaugesOf{}) {
			continue
		}
		got := processes[want.Info.ID]
		if got == nil {
			t.Errorf("no process %v, the run has %+v", want.Info.ID, gauges(&want.Totals))
			continue
		}
		if gauges(&got.Totals) != gauges(&want.Totals) || !reflect.DeepEqual(got.Info, want.Info) {
			t.Errorf("process %+v: %+v, the run has %+v of %+v", got.Info, gauges(&got.Totals), gauges(&want.Totals), want.Info)
		}
	}
}

func compareNamespaces(t *testing.T, late, whole *snapshot.Snapshot) {
	t.Helper()
	if late.Host != whole.Host || !reflect.DeepEqual(late.Signals, whole.Signals) {
		t.Errorf("host %+v, signals %+v; the run has %+v and %+v", late.Host, late.Signals, whole.Host, whole.Signals)
	}
	got := map[uint32]*snapshot.Namespace{}
	for i := range late.Namespaces {
		got[late.Namespaces[i].Inode] = &late.Namespaces[i]
	}
	for i := range whole.Namespaces {
		want := whole.Namespaces[i]
		n := got[want.Inode]
		if n == nil {
			t.Errorf("no namespace %d", want.Inode)
			continue
		}
		same := *n
		// What was counted since the beginning differs, and so may the time of the last scan.
		same.Counted, same.Refused, same.LastScan, same.CountedAt = want.Counted, want.Refused, want.LastScan, want.CountedAt
		if !reflect.DeepEqual(same, want) {
			t.Errorf("namespace\n%+v\nthe run has\n%+v", same, want)
		}
	}
}
