// Package tui is the screen: the verdict first, then where ephemeral ports run out, which programs
// hold them, for which destinations, and what fails.
//
//	Options.Snapshots --> wait --> judge: findings, verdict --snapshotMsg--> Model --settle--> View
//	(one slot, the latest wins)    (beside the screen)                        ^
//	                                                      keys, mouse, prompt +
//
// There is one tea.Model; tables, pages, the menu and the prompt are plain structs that it calls.
// What is drawn depends only on the snapshot shown, the position of a replay and the keys pressed,
// so a recording and a golden file show the same screen. Every change ends with settle, which
// divides the screen and draws what has a cursor, so that View changes nothing. A replay also has a
// Player, and a live screen may have a Recorder and a Keeper, which keys control.
//
//	run*, model, messages        the program and its state; snapshots are judged as they come
//	layout, view, frame          how the lines are divided, the parts put together, a pane's frame
//	top, verdict, tabs, status   the host, the box that is read first, the tables' names, the keys
//	figures, charts              rates and sockets in two lines, or as charts
//	table*, pane*                what the five tables have in common, and each of them
//	column*                      how rows are drawn: columns that fit a width, sets of columns
//	detail*, sheet               one row in full, a file for each kind; the lines that pages consist of
//	doors                        what a line of a page leads to
//	picture                      the map of the port range and the fill curve of a port space
//	why*                         the findings about a row: why, what to do, and its effect
//	replay*                      strip and time line of a recording, incidents, the Player
//	past, recorder, keeper       back in a live screen, a recording of it, and of what was
//	input*, menu, mouse          keys to actions, the filter being typed, lists to choose from, clicks
//	commands                     what the line after ":" offers (package prompt has the line)
//	query_rows                   what a filter can ask of a row (package query has the language)
//	help, glossary, note, bell   help and words, what a key has done, the sound of a failure
//	copy                         rows and pages to the clipboard (package clip)
//	format, line                 names that fit a width; cells, lines of pieces
//	gauge, sparkline, styles     bars, and the tones of the theme
//
// The sentences of the verdict come from internal/verdict, other words and numbers from
// internal/phrase.
package tui
