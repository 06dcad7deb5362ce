package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// GoneKept is for how long a namespace that exists no more is known.
const GoneKept = time.Minute

// noteGone notes whether the namespace exists. One that does not has no sockets.
func (t *Table) noteGone(fact *event.Netns) {
	_, was := t.gone[fact.Inode]
	switch {
	case !fact.Gone:
		delete(t.gone, fact.Inode)
	case !was:
		t.gone[fact.Inode] = t.now
		t.forget(fact.Inode)
	}
}

func (t *Table) dropGone(now event.Time) {
	for inode, since := range t.gone {
		if now.Sub(since) >= GoneKept {
			t.forget(inode)
			delete(t.nets, inode)
			delete(t.gone, inode)
			t.lastNet = nil
		}
	}
}

// forget drops all sockets of a namespace, but not its configuration.
func (t *Table) forget(inode uint32) {
	n := t.nets[inode]
	for s := range t.spaces.of(n) {
		for port := range s.Each() {
			t.sockets.remove(s, port)
		}
		t.spaces.remove(s)
	}
	t.last = nil
	n.empty()
	n.sockets, n.buckets, n.attributed = 0, 0, 0
	n.gauges = Gauges{}
}
