package theme

// Role is what a piece of the screen is, which decides its tint.
type Role uint8

// The roles. Graphics are those that need not be read: frames, bars, cells of a map.
const (
	Text      Role = iota // ordinary text
	Dim                   // labels, zeros, idle rows
	Faint                 // graphics behind others: axes, tracks, ghost text
	Border                // frames
	Title                 // titles of frames and columns
	Accent                // the tab, the pane and the choice that keys act on
	Key                   // a key in a hint
	Chip                  // a filter in force
	Selection             // the row under the cursor
	OK                    // nothing is wrong
	Warn                  // nothing fails yet
	Bad                   // calls fail

	// States of ports and sockets.
	Open
	SynSent
	TimeWait
	CloseWait
	Bound
	Listener
	Reserved
	Free

	roleCount
)

var roleNames = [roleCount]string{
	"text", "dim", "faint", "border", "title", "accent", "key", "chip", "selection", "ok", "warn", "bad",
	"open", "syn_sent", "time_wait", "close_wait", "bound", "listener", "reserved", "free",
}

// String returns the name that the role has in a file.
func (r Role) String() string { return roleNames[r] }

func roleNamed(name string) (Role, bool) {
	for r := range roleCount {
		if roleNames[r] == name {
			return r, true
		}
	}
	return 0, false
}
