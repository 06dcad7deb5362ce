// Package tui is the screen: where ephemeral ports run out, which processes hold them, for
// which destinations, and what fails.
//
//	Options.Snapshots --snapshotMsg--> Model --shown--> header, pane or detail --> View
//	                  one slot,         | ^
//	                  latest wins       +-+ keys: sort, filter, pause, open
//
// There is one tea.Model; the panes are plain structs that it calls. What is drawn depends
// only on the snapshot shown, the position of a replay and the keys pressed, so a recording
// and a golden file show the same screen. A replay also has a Player, which keys control.
//
//	run, model, messages       the program and its state
//	view, tabs, help, sheet    the screen from top to bottom, text on it
//	header*                    host, rates, verdict; banner of the worst port space
//	pane*, table               the four tables; what they have in common
//	column*                    how rows are drawn: fitColumns, column sets
//	detail*                    one row in full, a file for each kind of row
//	why*                       the findings about a row: why, and what to do
//	replay*                    strip and time line of a recording, go to, Player
//	input*                     keys to actions; filter and text being typed
//	layout, format             cells, lines of pieces; names that fit a width
//	gauge, sparkline, styles   bars and tones
//
// Words and numbers come from internal/phrase.
package tui
