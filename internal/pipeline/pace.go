package pipeline

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// busyShare and calmShare bound the time that the making of snapshots takes, as its inverse:
	// 4 % of a core while much happens, which is when a screen is watched, else half a percent. To
	// read them takes about half as much.
	busyShare = 25
	calmShare = 200
	// observeShare does the same for what is observed of a host while much happens, else calmShare:
	// each snapshot has the counts since the start, so that none is missing if there are fewer.
	observeShare = 50
	// busyRate is how many events of sockets a second are much: what a storm leaves behind is
	// large, and changes little.
	busyRate = 100
	// maxPause is how old what is shown may be on a host where a snapshot takes very long.
	maxPause = 5 * time.Second
)

// pace decides when the next snapshot is made for those who watch: after Every, later if one
// takes long or nothing has happened.
type pace struct {
	last    time.Time     // when one was made
	cost    time.Duration // what it took
	changes uint64        // how many the state had seen then
	focus   []snapshot.SpaceID
}

// due reports whether the next one is to be made now. changes are those of sockets so far. A view
// that asks for another map has not to wait for it.
func (p *pace) due(now time.Time, every time.Duration, changes uint64, focus []snapshot.SpaceID) bool {
	if p.last.IsZero() || every == 0 {
		return true
	}
	since := now.Sub(p.last)
	return since >= p.pause(since, every, changes-p.changes) || since >= every/4 && !slices.Equal(focus, p.focus)
}

// pause returns for how long there is none after the last one, if so much has changed since.
// Without a change only the time has passed, which frees ports: a clock that ticks is enough.
func (p *pace) pause(since, every time.Duration, changes uint64) time.Duration {
	if changes == 0 {
		every *= 2
	}
	return max(every, min(shareOf(changes, since, busyShare)*p.cost, maxPause))
}

// shareOf returns the share of the time that snapshots may take, as its inverse: that of a busy
// host, if the changes are many for the time, else calmShare.
func shareOf(changes uint64, in time.Duration, busy time.Duration) time.Duration {
	if changes > 0 && float64(changes) >= busyRate*in.Seconds() {
		return busy
	}
	return calmShare
}
