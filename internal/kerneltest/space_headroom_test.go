package kerneltest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
)

var mixSeed = flag.Uint64("mix-seed", 0, "make the mixes of TestHeadroom that this number gives; 0: new ones")

const (
	mixes = 60
	// mixesAtOnce are made before the tool is asked about each: buckets live for a minute.
	mixesAtOnce = 20
)

// The headroom that is shown is the number of connects that then succeed, whatever holds
// the ports.
func TestHeadroom(t *testing.T) {
	seed := *mixSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("these mixes are made again by -mix-seed %d", seed)
	w := watchSpaces(t)
	for first := 0; first < mixes; first += mixesAtOnce {
		var group []*mix
		var nets []*lab.Netns
		for i := first; i < min(first+mixesAtOnce, mixes); i++ {
			m := newMix(t, rand.New(rand.NewPCG(seed, uint64(i))))
			m.name = fmt.Sprintf("mix %d", i)
			group, nets = append(group, m), append(nets, m.net)
		}
		w.look(nets...)
		for _, m := range group {
			m.check(t, w)
			m.end(t)
		}
	}
}

func (m *mix) check(t *testing.T, w *spaceWatch) {
	t.Helper()
	id := portspace.ID{Netns: m.net.Inode(), Local: event.AddrFrom(m.local), Remote: endpoint(m.remote)}
	var want int
	var told string
	w.ask(func(table *portspace.Table) {
		space := table.Find(id)
		want = space.All().Headroom()
		told = fmt.Sprintf("headroom is %d of %d: %s", want, space.All().Capacity(), takenText(table, space))
	})
	shown := rowOf(w.snapshot(), id)
	got, err := m.fill()
	if err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	if got != want {
		t.Errorf("%s, %s > %s of %d ports from %d on without %q: %d connects succeeded, %s\n%s",
			m.name, m.local, m.remote, m.size, m.low, m.reserved, got, told, strings.Join(m.did, "\n"))
	}
	if shown != nil && shown.Headroom() != want {
		t.Errorf("%s is shown with a headroom of %d, it is %d: %s", m.name, shown.Headroom(), want, spaceText(shown))
	}
}

// takenText lists the ports that are said to be taken.
func takenText(table *portspace.Table, space *portspace.Space) string {
	var list []string
	for port, s := range space.Each() {
		list = append(list, fmt.Sprintf("%d in state %d", port, s.State))
	}
	table.Netns(space.Netns).EachOwned(func(port uint16, o portspace.Owned) {
		list = append(list, fmt.Sprintf("%d owned at %s in state %d", port, o.Local, o.State))
	})
	slices.Sort(list)
	return strings.Join(list, ", ")
}
