package snapshot

import "github.com/porttrace/porttrace/internal/event"

// MaxRecentEvents is how many events a snapshot holds.
const MaxRecentEvents = 512

// RecentEvent is one of the newest events of sockets, with what was known of it then.
type RecentEvent struct {
	event.Event
	Process   *event.Process // never nil; only its ID if nothing else is known
	NetnsName string
}
