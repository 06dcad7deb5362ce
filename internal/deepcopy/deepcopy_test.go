package deepcopy

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"testing"
	"time"
)

type leaf struct{ n int }

type tree struct {
	name   string
	inner  leaf
	toIt   *leaf // inner
	list   []leaf
	second *leaf // list[1]
	up     *tree
	rows   map[string]*leaf
	sums   map[leaf][2]int
	nested map[int]map[int][]int
	any    any
	at     time.Time
	none   map[int]int
	next   func() int
	array  [2][]int
	common *common
}

// common is of several goroutines.
type common struct {
	n atomic.Pointer[int]
}

// copied returns a copy, and how many bytes it took in between.
func copied[T any](p *T, shared ...any) (*T, int) {
	packed := Pack(p, shared...)
	return packed.Unpack(), packed.Bytes()
}

func grown() *tree {
	t := &tree{
		name: "a", inner: leaf{1}, list: []leaf{{2}, {3}}, rows: map[string]*leaf{}, sums: map[leaf][2]int{{4}: {5, 6}},
		nested: map[int]map[int][]int{1: {2: {3}}}, at: time.Now(), array: [2][]int{{7}, nil},
		common: &common{},
	}
	t.toIt, t.second, t.up, t.any = &t.inner, &t.list[1], t, &leaf{8}
	t.rows["one"], t.rows["same"] = &leaf{9}, nil
	t.rows["same"] = t.rows["one"]
	return t
}

func TestPack(t *testing.T) {
	t.Parallel()
	old := grown()
	got, size := copied(old)
	if size < 100 || !reflect.DeepEqual(got, old) {
		t.Fatalf("%d bytes: got %+v, want %+v", size, got, old)
	}
	if got.toIt != &got.inner || got.second != &got.list[1] || got.up != got || got.rows["one"] != got.rows["same"] {
		t.Error("a pointer leads elsewhere")
	}
	if got.common != old.common || got.common.n.Load() != nil {
		t.Error("what is to be shared is not")
	}
	// Nothing of the copy is the original's.
	want, _ := copied(old)
	old.inner.n, old.list[0].n, old.rows["one"].n, old.any.(*leaf).n, old.array[0][0] = 0, 0, 0, 0, 0
	old.nested[1][2][0] = 0
	old.sums[leaf{}] = [2]int{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it has changed: %+v", got)
	}
	old.next = func() int { return 7 }
	if again, _ := copied(old); again.next() != 7 || again.none != nil {
		t.Errorf("got %+v", again)
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	old := grown()
	if got, _ := copied(old, old.rows["one"]); got.rows["same"] != old.rows["one"] || got.any == old.any {
		t.Errorf("got %+v", got)
	}
}

func TestCannotCopy(t *testing.T) {
	t.Parallel()
	type early struct {
		toIt  *leaf
		inner leaf
	}
	pointsAhead := &early{}
	pointsAhead.toIt = &pointsAhead.inner
	for name, pack := range map[string]func(){
		"channel":      func() { c := make(chan int); Pack(&c) },
		"points ahead": func() { Pack(pointsAhead) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("packed")
				}
			}()
			pack()
		})
	}
}

// TestBytes: words are packed without their zeros, and come back with them.
func TestBytes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		want := make([]byte, r.IntN(5000))
		for i := range want {
			if zeros := r.IntN(200); r.IntN(20) == 0 {
				i = min(i+zeros, len(want)-1)
			}
			if r.IntN(3) == 0 {
				want[i] = byte(r.IntN(256))
			}
		}
		if r.IntN(4) == 0 {
			clear(want[len(want)/4:])
		}
		w := newWriter(nil)
		w.bytes(want)
		w.number(77)
		got, in := make([]byte, len(want)), &reader{data: w.data}
		in.bytes(got)
		if !bytes.Equal(got, want) || in.number() != 77 || len(in.data) > 0 {
			t.Fatalf("%d bytes have become others", len(want))
		}
	}
}

// TestSeveralCopies: what is packed can be unpacked again and again.
func TestSeveralCopies(t *testing.T) {
	t.Parallel()
	packed := Pack(grown())
	one, other := packed.Unpack(), packed.Unpack()
	one.list[0].n, one.rows["one"].n = 77, 77
	if again := packed.Unpack(); other.list[0].n != 2 || other.rows["one"].n != 9 || !reflect.DeepEqual(again, other) {
		t.Errorf("got %+v and %+v", other, again)
	}
}
