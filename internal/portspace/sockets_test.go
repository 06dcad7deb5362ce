package portspace

import (
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestRoomAfterStorm: what a storm has taken is given back when its buckets have expired, those
// that remain are found, and the table goes on.
func TestRoomAfterStorm(t *testing.T) {
	t.Parallel()
	const storm = 117_000
	for _, destinations := range []int{1024, storm} {
		table := tableOf()
		kept := socketEvent(event.Open, "10.0.0.1:40000", "10.0.0.9:80", at(time.Second), cookie(5))
		for i := range storm {
			if i == storm/2 {
				table.Add(&kept)
			}
			e := bucketAt(i, destinations)
			e.Src.Port = 40000 + e.Src.Port%100 // the port range is narrow
			e.Src.Addr[15] = byte(i / destinations / 100)
			table.Add(&e)
		}
		if got := table.sockets.used; got != storm+1 {
			t.Fatalf("%d sockets, want %d", got, storm+1)
		}
		table.Advance(start.Add(70 * time.Second))
		records, slots := len(table.sockets.chunks)*chunkSize, len(table.spaces.slots)
		indexes := len(table.sockets.heads) + len(table.spaces.heads)
		if records > keptChunks*chunkSize || indexes > 4*minHeads || table.expiries.spared > maxSpareExpiries {
			t.Errorf("room for %d sockets, %d heads, %d expiries", records, indexes, table.expiries.spared)
		}
		if slots > storm/2+2 { // the space of the one that is left keeps its number
			t.Errorf("room for %d spaces", slots)
		}
		if got := table.socket(PortOf(&kept)); got == nil || got.Cookie != 5 {
			t.Errorf("the socket that is left is %+v", got)
		}
		kept.Kind = event.SocketGone
		table.Add(&kept)
		table.Advance(start.Add(80 * time.Second))
		if slots := len(table.spaces.slots); slots > chunkSize || table.sockets.used != 0 {
			t.Errorf("%d sockets, room for %d spaces", table.sockets.used, slots)
		}
	}
}

// TestSockets compares the records with a map that does the same.
func TestSockets(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	store, all := newSockets(), newSpaces()
	n := newNetns(net1)
	n.store = store
	var list []*Space
	for i := range 50 {
		one := &Space{ID: ID{Netns: uint32(i)}, net: n}
		all.add(one)
		list = append(list, one)
	}
	type key struct{ space, port int }
	want := map[key]uint64{}
	for i := range 200_000 {
		k := key{rnd.IntN(len(list)), rnd.IntN(400)}
		one, port := list[k.space], uint16(k.port)
		_, is := want[k]
		switch found := one.socket(port); {
		case (found != nil) != is || is && found.Cookie != want[k]:
			t.Fatalf("%v: %+v, want %d (%v)", k, found, want[k], is)
		case is:
			store.remove(one, port)
			delete(want, k)
		default:
			store.add(one, port).Cookie = uint64(i)
			want[k] = uint64(i)
		}
		if i%50_000 == 0 {
			store.compact(all.all())
		}
	}
	got := map[key]uint64{}
	for i, one := range list {
		for port, socket := range one.Each() {
			got[key{i, int(port)}] = socket.Cookie
		}
	}
	if !maps.Equal(got, want) || store.used != len(want) {
		t.Errorf("%d sockets, %d are listed, want %d", store.used, len(got), len(want))
	}
}

// TestSpaces: a space is found by its ID and by its number, until it ends.
func TestSpaces(t *testing.T) {
	t.Parallel()
	s := newSpaces()
	var list []*Space
	nets := make([]*Netns, 7)
	for i := range nets {
		nets[i] = newNetns(uint32(i))
	}
	for i := range 5000 {
		one := &Space{ID: ID{Netns: uint32(i % 7), Remote: event.Endpoint{Port: uint16(i)}}, net: nets[i%7]}
		s.add(one)
		list = append(list, one)
	}
	for i, one := range list {
		if i%5 != 0 {
			s.remove(one)
		}
	}
	s.compact()
	for i, one := range list {
		want := one
		if i%5 != 0 {
			want = nil
		}
		if got := s.find(&one.ID); got != want {
			t.Fatalf("%d: %v, want %v", i, got, want)
		}
		if want != nil && s.numbered(one.number) != one {
			t.Fatalf("%d: another one has its number", i)
		}
	}
	left := 0
	for i, n := range nets {
		for one := range s.of(n) {
			if one.net != n || s.find(&one.ID) != one {
				t.Fatalf("namespace %d has %+v", i, one.ID)
			}
			left++
		}
	}
	if left != s.used || left != 1000 {
		t.Errorf("the namespaces have %d spaces of %d", left, s.used)
	}
}

// TestUsablePortsAreShared: a namespace takes 8 KiB less if its port range is that of another.
func TestUsablePortsAreShared(t *testing.T) {
	t.Parallel()
	table := tableOf()
	set := func(inode uint32, reserved string) *bitmap {
		e := config(hundred, reserved)
		e.Fact.(*event.Netns).Inode = inode
		table.Add(&e)
		return table.Netns(inode).usable
	}
	a, b := set(2, "40007"), set(3, "40007")
	if c := set(4, ""); a != b || b == c || a.has(40007) || !c.has(40007) || table.Netns(3).Capacity() != 99 {
		t.Errorf("%p, %p, %p", a, b, c)
	}
	if d := set(4, "40008"); d.has(40008) || !d.has(40007) { // the last one changes
		t.Error("the ports are those from before")
	}
}
