// Package export writes one event as a text line, a JSON line or a CSV row. The
// names and forms of the fields are a contract with users' scripts.
package export

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// Writer writes events of the printed kinds. It keeps nothing in a buffer.
type Writer interface {
	Write(e *event.Event, c Context) error
}

// Context is what the stream has reported before about the objects of an event.
type Context struct {
	Process *event.Process // nil if unknown
	Holder  *event.Process // of the event's Holder, nil without one
	Netns   string         // name of the network namespace
	Host    string         // name of the host
	Clock   event.Clock
}

// timeLayout is RFC 3339 with all nine digits, so that lines stay aligned and
// sort as text.
const timeLayout = "2006-01-02T15:04:05.000000000Z07:00"

func formatTime(t time.Time) string { return phrase.Time(t, timeLayout) }
