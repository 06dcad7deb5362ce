package event

import "testing"

func know(w *World, pid uint32, comm string) {
	w.Apply(&Event{Kind: ProcessKnown, Fact: &Process{ID: ProcID{PID: pid}, Comm: comm}})
}

func TestWorld(t *testing.T) {
	t.Parallel()
	var w World
	if p := w.Process(ProcID{PID: 7, Start: 1}); p == nil || p.ID.PID != 7 || p.Comm != "" {
		t.Errorf("an unknown process is %+v", p)
	}
	if n := w.Netns(9); n == nil || n.Inode != 9 || n.TimeWait != -1 {
		t.Errorf("an unknown namespace is %+v", n)
	}
	clock := Clock{Mono: 1, Wall: 2, Boot: 3}
	for _, fact := range []Fact{
		&Host{Name: "web-1"},
		Signals{{Name: "open"}},
		clock, &Netns{Inode: 9, Name: "blue"}, &Netns{Inode: 8},
		&Netns{Inode: 9, Name: "green", TimeWait: 5}, &Fold{}, &Health{}, Text("x"), nil,
	} {
		w.Apply(&Event{Fact: fact})
	}
	know(&w, 7, "curl")
	know(&w, 7, "wget") // exec
	if w.Host.Name != "web-1" || len(w.Signals) != 1 || w.Clock != clock {
		t.Errorf("got %+v", w)
	}
	if n := w.Netns(9); n.Name != "green" || n.TimeWait != 5 {
		t.Errorf("namespace %+v", n)
	}
	if p := w.Process(ProcID{PID: 7}); p.Comm != "wget" {
		t.Errorf("process %+v", p)
	}
	if p := w.Process(ProcID{PID: 7, Start: 1}); p.Comm != "" {
		t.Error("a pid was used again and is the same process")
	}
	var namespaces int
	w.EachNetns(func(*Netns) { namespaces++ })
	if namespaces != 2 {
		t.Errorf("%d namespaces", namespaces)
	}
}

// TestWorldIsBounded: two generations are kept, and what is asked for stays.
func TestWorldIsBounded(t *testing.T) {
	t.Parallel()
	var w World
	know(&w, 1, "init")
	const asked = maxYoung / 2
	for pid := uint32(2); pid <= 5*maxYoung; pid++ {
		know(&w, pid, "curl")
		if len(w.young)+len(w.old) > 2*maxYoung {
			t.Fatalf("%d and %d processes", len(w.young), len(w.old))
		}
		if pid%asked == 0 && w.Process(ProcID{PID: 1}).Comm != "init" {
			t.Fatalf("after %d others the first is forgotten", pid)
		}
	}
	for pid := uint32(4*maxYoung + 2); pid <= 5*maxYoung; pid++ {
		if w.Process(ProcID{PID: pid}).Comm != "curl" {
			t.Fatalf("%d is forgotten", pid)
		}
	}
	if w.Process(ProcID{PID: 2}).Comm != "" {
		t.Error("nothing was forgotten")
	}
}

// Of namespaces that ended only the newest are known, and one that has the inode of another is not
// taken for that.
func TestWorldForgetsNamespaces(t *testing.T) {
	t.Parallel()
	var w World
	apply := func(n Netns) { w.Apply(&Event{Kind: NetnsKnown, Fact: &n}) }
	for inode := uint32(1); inode <= 10*maxEnded; inode++ {
		apply(Netns{Inode: inode, Name: "pod"})
		apply(Netns{Inode: inode, Name: "pod", Gone: true})
		if n := w.Netns(inode); !n.Gone || n.Name != "pod" {
			t.Fatalf("after its end: %+v", n)
		}
		if kept := len(w.netns) + len(w.ended) + len(w.endedBefore); kept > 2*maxEnded {
			t.Fatalf("%d namespaces are kept", kept)
		}
	}
	if n := w.Netns(1); n.Name != "" {
		t.Errorf("still known: %+v", n)
	}
	apply(Netns{Inode: 10 * maxEnded, Name: "other"})
	if n := w.Netns(10 * maxEnded); n.Gone || n.Name != "other" {
		t.Errorf("a new namespace with the inode of an old one is %+v", n)
	}
}

// What was counted in a namespace is not known of another with its inode, or when it is gone.
func TestWorldCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		next Netns
		want int
	}{
		"the same":     {Netns{Inode: 5, Cookie: 1, TimeWait: 3}, 1},
		"another":      {Netns{Inode: 5, Cookie: 2}, 0},
		"only a count": {Netns{Inode: 5, TimeWait: 4}, 1},
		"it is gone":   {Netns{Inode: 5, Cookie: 1, Gone: true}, 0},
	} {
		var w World
		w.Apply(&Event{Fact: &Netns{Inode: 5, Cookie: 1}})
		w.Apply(&Event{Fact: &NetnsCounts{Netns: 5}})
		w.Apply(&Event{Fact: &c.next})
		got := 0
		w.EachCounts(func(*NetnsCounts) { got++ })
		if got != c.want {
			t.Errorf("%s: the counts of %d namespaces are known, want %d", name, got, c.want)
		}
	}
}
