// Package tui is the screen: where ephemeral ports run out, who takes them, towards
// what, and what fails.
//
//	Options.Snapshots --snapshotMsg--> Model --shown--> header, pane or detail --> View
//	                  one slot,         | ^
//	                  latest wins       +-+ keys: sort, filter, pause, open
//
// A replay has a Player besides: the keys steer it, and the strip shows where it
// stands in the whole recording.
//
// There is one tea.Model. The panes are plain structs that it calls. No event
// and no clock comes in: what is drawn depends on the snapshot shown, where a
// replay stands and the keys pressed alone, so a recording and a golden file show
// the same screen.
package tui
