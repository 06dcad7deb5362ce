package phrase

import (
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// namedListeners is how many are named: the first by port.
const namedListeners = 3

// Listeners returns the listeners at ports of the range: nginx(812) on 0.0.0.0:40000 and 2 more.
func Listeners(n *snapshot.Namespace) string {
	var parts []string
	for i := range n.Listeners[:min(len(n.Listeners), namedListeners)] {
		l := &n.Listeners[i]
		parts = append(parts, Program(&l.Proc)+" on "+Endpoint(l.Local))
	}
	text := strings.Join(parts, ", ")
	if more := len(n.Listeners) - len(parts) + n.OtherListeners; more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}
