// Package theme has the colours of the screen.
//
//	t, err := theme.Load("")                   // the user's file, else the default theme
//	styles := t.Styles(isDark, profile)        // again when tea reports either of them
//	line := styles.Paint(theme.TimeWait, text)
//	line = styles.PaintSelected(theme.TimeWait, theme.Dim, text) // a piece of the row under the cursor
//
// What is shown has a role, such as TimeWait or Border. A theme has a tint (a colour and
// attributes) for each role, and one for each number of colours that a terminal can have: true
// colour, 256, 16 and none (NO_COLOR), as a colour that is computed from another is often ugly
// or hard to read. Without colours a tint is weight and reverse video, so the text must say
// what a colour means.
//
// Ordinary text has no colour of its own, and only chips and the selection have a background:
// what a terminal shows by default is readable even if it does not report its background.
//
// # The file
//
// A theme is text. The built-in ones, in the folder themes, are examples:
//
//	# comment
//	base = high-contrast                       # what is not set here; auto if this is missing
//	title = bold                               # before a section: on any background
//	[dark]                                     # only on a dark background; [light] likewise
//	time_wait = #e3b341 | 178 | 3 | bold       # true colour | 256 colours | 16 | none
//	bad = #ff7b72 bold                         # fewer tints: the rest is computed
//
// A tint is a colour (#rrggbb, #rgb, 0 to 255, or default) and attributes (bold, faint,
// underline, reverse), in any order. The colour of selection is a background; with reverse, the
// row under the cursor is in reverse video instead, in the colour of its state.
package theme
