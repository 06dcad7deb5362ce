package kerneltest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var mixSeed = flag.Uint64("mix-seed", 0, "make the mixes of TestHeadroom that this number gives; 0: new ones")

const (
	mixes = 60
	// Buckets live for a minute: the ports must be taken in a short time, and be counted soon
	// after that.
	mixesAtOnce = 20
	mixingTime  = 10 * time.Second
	mixLife     = 50 * time.Second
	// Before tcp_tw_reuse_delay the kernel compared seconds.
	reusableAfter = 2 * time.Second
)

// The headroom that is shown, with the ports that can be reused, is the number of connects
// that then succeed, whatever holds the ports.
func TestHeadroom(t *testing.T) {
	seed := *mixSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("these mixes are made again by -mix-seed %d", seed)
	w := traceSpaces(t)
	checked := 0
	var all event.Occupancy
	unstamped := 0
	for number := 0; checked < mixes && number < 2*mixes; {
		began := time.Now()
		var group []*mix
		var nets []*lab.Netns
		for len(group) < min(mixesAtOnce, mixes-checked) && time.Since(began) < mixingTime {
			m := newMix(t, fmt.Sprintf("mix %d", number), rand.New(rand.NewPCG(seed, uint64(number))))
			group, nets = append(group, m), append(nets, m.net)
			number++
		}
		time.Sleep(reusableAfter) // what is tested: from then on a bucket can be reused
		w.awaitScans(nets...)
		shown := w.snapshot()
		for _, m := range group {
			wrong := m.check(t, w, shown)
			all.Reusable += m.shown.Reusable
			all.FinWait2 += m.shown.FinWait2
			unstamped += m.shownUnstamped
			switch {
			case time.Since(began) > mixLife:
				t.Logf("%s took too long", m.name)
			case wrong != "":
				t.Error(wrong)
				fallthrough
			default:
				checked++
			}
			m.end(t)
		}
	}
	t.Logf("in the spaces that were filled %d buckets could be reused, %d had no timestamps, %d were in FIN_WAIT2", all.Reusable, unstamped, all.FinWait2)
	if all.Reusable == 0 || unstamped == 0 || all.FinWait2 == 0 {
		t.Error("the mixes leave out what is tested")
	}
	if checked < mixes {
		t.Errorf("%d mixes of %d were counted in time", checked, mixes)
	}
}

// check fills the space, and returns what is wrong with what was reported of it.
func (m *mix) check(t *testing.T, w *spaceTrace, shown *snapshot.Snapshot) (wrong string) {
	t.Helper()
	id := portspace.ID{Netns: m.net.Inode(), Local: event.AddrFrom(m.local), Remote: endpoint(m.remote)}
	var free, want int
	var reported string
	w.withTable(func(table *portspace.Table) {
		space := table.Find(id)
		occupancy := space.All().Occupancy(monotonic())
		m.shown, m.shownUnstamped = occupancy, space.All().Unstamped()
		free, want = occupancy.Headroom(), occupancy.Headroom()+occupancy.Reusable
		reported = fmt.Sprintf("headroom is %d of %d, %d can be reused: %s", free, occupancy.Capacity, occupancy.Reusable, takenText(space))
	})
	got, err := m.fill()
	if err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	if got != want {
		return fmt.Sprintf("%s, %s > %s of %d ports from %d on without %q, tcp_tw_reuse %d: %d connects succeeded, %s\n%s",
			m.name, m.local, m.remote, m.size, m.low, m.reserved, m.reuse, got, reported, strings.Join(m.log, "\n"))
	}
	if row := rowOf(shown, id); row != nil && (row.Headroom() != free || row.Headroom()+row.Reusable != want) {
		return fmt.Sprintf("%s: is shown with a headroom of %d and %d that can be reused, it is %d and %d: %s",
			m.name, row.Headroom(), row.Reusable, free, want-free, spaceText(row))
	}
	return ""
}

// takenText lists the ports that the table has as taken.
func takenText(space *portspace.Space) string {
	var list []string
	for port, s := range space.Each() {
		list = append(list, fmt.Sprintf("%d in state %d, flags %b", port, s.State, s.Flags))
	}
	space.Binds().EachOwned(func(port uint16, o portspace.OwnedPort) {
		list = append(list, fmt.Sprintf("%d owned at %s in state %d", port, o.Local, o.State))
	})
	slices.Sort(list)
	return strings.Join(list, ", ")
}
