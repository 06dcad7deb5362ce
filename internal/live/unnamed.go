package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
)

const (
	maxUnnamed = 256 // processes; of further ones the next that connects is named
	namedAfter = 10  // surveys: a link that is not made by then will not be
)

// unnamed are the processes in pods that have no name yet: a program that connects at once is
// faster than the kubelet, which makes the link when the container runs.
type unnamed struct {
	pods    *kubelet.Pods // nil: no process is in one
	waiting []*event.Process
	surveys []int // for how many each has waited
}

// note keeps a process of a pod without a name.
func (u *unnamed) note(p *event.Process) {
	if u.pods == nil || p.Pod != "" || len(u.waiting) == maxUnnamed || kubelet.UID(p.Cgroup) == "" || !u.pods.Exist() {
		return
	}
	u.waiting, u.surveys = append(u.waiting, p), append(u.surveys, 0)
}

// add appends the facts of those that have a name by now: all of each, as it was but for the pod.
func (u *unnamed) add(dst []event.Event, now event.Time) []event.Event {
	kept := 0
	for i, p := range u.waiting {
		if pod := u.pods.Of(p.Cgroup, p.Container); pod != "" {
			named := *p // others have the fact
			named.Pod = pod
			dst = append(dst, event.Event{Time: now, Kind: event.ProcessKnown, Proc: p.ID, Fact: &named})
			continue
		}
		if u.surveys[i]++; u.surveys[i] < namedAfter {
			u.waiting[kept], u.surveys[kept] = p, u.surveys[i]
			kept++
		}
	}
	clear(u.waiting[kept:])
	u.waiting, u.surveys = u.waiting[:kept], u.surveys[:kept]
	return dst
}
