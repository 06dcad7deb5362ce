package doctor

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// stalledFor is for how many seconds a program with a block of its own has opened nothing.
	stalledFor = 5
	// refusedIn is within how many seconds it has closed accepted connections, enoughRefused of them.
	refusedIn, enoughRefused = 10, 3
)

// ownLists judges the programs that choose their ports themselves and use all that they have had so
// far, while they open nothing and close accepted connections: a program that finds no port in a
// list of its own makes no call that fails.
func (j *judge) ownLists() {
	for i := range j.s.Processes {
		if p := &j.s.Processes[i]; p.OwnPorts != nil && p.OwnPorts.Open == p.OwnPorts.Size() {
			j.ownPortsUsed(p)
		}
	}
}

func (j *judge) ownPortsUsed(p *snapshot.Process) {
	own := p.OwnPorts
	stalled, closed := sinceOpened(p.History.Points()), closedLately(p.History.Points())
	if stalled < stalledFor || closed < enoughRefused || j.endedLately(own) {
		return
	}
	ports := fmt.Sprintf("%d-%d of %s", own.Low, own.High, own.Local)
	f := Finding{
		ID: id(OwnPorts, programOf(&p.Info), own.Local.String()), Cause: OwnPorts, Severity: Warning, Confidence: Likely,
		Since: j.s.Wall.Add(-time.Duration(stalled) * time.Second),
		Summary: fmt.Sprintf("%s has all %s ports in use that it has bound itself, one by one (%s): it opens no further connection, and closes connections that it has accepted; "+
			"if these are all its ports, it refuses clients for want of one, and no call fails", named(&p.Info), phrase.Count(own.Size()), ports),
	}
	if !isRound(own) {
		f.Confidence = Possible // a pool has any number of ports
	}
	f.Subject = Subject{Netns: own.Netns, Proc: p.Info.ID, Local: own.Local}
	add := func(n int, unit, text string) {
		f.Evidence = append(f.Evidence, Evidence{Text: text, Value: float64(n), Unit: unit, At: j.s.Wall, Proc: p.Info})
	}
	add(own.Open, "ports", fmt.Sprintf("ports %s: each bound before its connect(), without a gap, and all %s are open", ports, phrase.Count(own.Open)))
	add(closed, "connections", fmt.Sprintf("%s closed in the last %d s, and no outgoing one", phrase.Plural(closed, "accepted connection"), refusedIn))
	add(stalled, "seconds", fmt.Sprintf("no connection opened for %s", phrase.Spelled(time.Duration(stalled)*time.Second)))
	j.add(f)
}

// isRound reports whether the block has bounds that people write into a configuration: 40000-40199,
// 20001-21000, 1024-2047. HAProxy takes ports from the front of its list: connections that it keeps and
// uses again have the first ports of it, as many as are needed at a time.
func isRound(own *snapshot.OwnPorts) bool {
	size, last := own.Size(), own.High%100
	return size%50 == 0 || size&(size-1) == 0 || last == 99 || last == 0
}

// sinceOpened returns for how many whole seconds nothing has been opened, as far back as they go.
func sinceOpened(points []snapshot.Point) int {
	for i := range points {
		if points[len(points)-1-i].Opens > 0 {
			return i
		}
	}
	return len(points)
}

// closedLately returns how many connections have ended within refusedIn.
func closedLately(points []snapshot.Point) (n int) {
	for _, point := range points[max(len(points)-refusedIn, 0):] {
		n += int(point.Closes)
	}
	return n
}

// endedLately reports whether an outgoing connection of the process is among those that have ended
// within refusedIn, and half a second more: the last whole second is over.
func (j *judge) endedLately(own *snapshot.OwnPorts) bool {
	return !own.Ended.IsZero() && j.s.Wall.Sub(own.Ended) <= (refusedIn+1)*time.Second
}
