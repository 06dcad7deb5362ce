package deepcopy

import (
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

func TestOf(t *testing.T) {
	t.Parallel()
	old := grown()
	got, size := Of(old)
	if size < 200 || !reflect.DeepEqual(got, old) {
		t.Fatalf("%d bytes: got %+v, want %+v", size, got, old)
	}
	if got.toIt != &got.inner || got.second != &got.list[1] || got.up != got || got.rows["one"] != got.rows["same"] {
		t.Error("a pointer leads elsewhere")
	}
	if got.common != old.common || got.common.n.Load() != nil {
		t.Error("what is to be shared is not")
	}
	// Nothing of the copy is the original's.
	want, _ := Of(old)
	old.inner.n, old.list[0].n, old.rows["one"].n, old.any.(*leaf).n, old.array[0][0] = 0, 0, 0, 0, 0
	old.nested[1][2][0] = 0
	old.sums[leaf{}] = [2]int{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it has changed: %+v", got)
	}
	old.next = func() int { return 7 }
	if again, _ := Of(old); again.next() != 7 || again.none != nil {
		t.Errorf("got %+v", again)
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	old := grown()
	if got, _ := Of(old, old.rows["one"]); got.rows["same"] != old.rows["one"] || got.any == old.any {
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
	for name, copied := range map[string]func(){
		"channel":      func() { c := make(chan int); Of(&c) },
		"points ahead": func() { Of(pointsAhead) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("copied")
				}
			}()
			copied()
		})
	}
}
