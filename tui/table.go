package tui

import (
	"slices"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/query"
)

// table has the rows of one pane and the cursor. K identifies a row, however they are
// ordered.
type table[T any, K comparable] struct {
	columns []column[T]
	source  func(*snapshot.Snapshot) []T
	key     func(*T) K
	fields  query.Set // what a filter can ask for
	fillRow func(*query.Row, *T)
	detail  func(followed[T, K]) subject // the detail of a row
	empty   [2]string                    // what has not happened, and which event adds a row
	traced  bool                         // a census adds no rows
	state   func(*T) tone                // the tone of a row; nil: plain
	idle    func(*T) bool                // rows that are folded into one line; nil: none
	idling  string                       // what the folded rows have in common
	urgent  bool                         // rows in trouble come first
	order   string                       // name of the column sorted by
	reverse bool
	chosen  bool            // the user has chosen the order; else rows in trouble come first
	wish    map[string]bool // columns, by title, that are shown or hidden at the user's wish
	drawn   map[string]bool // those that were drawn last
	fitted  []column[T]     // the same with their widths

	snapshot *snapshot.Snapshot // the one shown

	all     []T  // in the order of the snapshot
	matched []*T // those that the filter selects
	rows    []*T // those sorted, without the folded
	folded  int  // how many rows are idle and not in rows
	unfold  bool
	frozen  map[K]int // the places of the rows, if their order is frozen
	other   *T        // the sum of those that did not fit the table
	filter  *query.Query
	match   *query.Row // filled for each row in turn

	// The cursor stays on its row once it was moved; until then it is on the row of the verdict, and after a move to the
	// top, it is on the first row.
	pinned   bool
	atTop    bool // it was moved to the first row, and stays there
	foremost *K   // the row that the verdict is about, nil if there is none
	selected K
	cursor   int
	offset   int
	height   int // rows that are seen
}

// show replaces the rows by those of a snapshot. other is the sum of the rows beyond the
// bounds of the snapshot.
func (t *table[T, K]) show(s *snapshot.Snapshot, other *T, filter *query.Query) {
	t.snapshot, t.all, t.other, t.filter = s, t.source(s), other, filter
	if !filter.Empty() {
		// The rows in the sum are unknown, so a filter cannot match them.
		t.other = nil
	}
	measure(t.columns, t.all)
	t.matching()
	t.arrange()
}

// arrange sorts what the filter selects, and finds the selected row again.
func (t *table[T, K]) arrange() {
	t.fold()
	for _, c := range t.columns {
		if c.name == t.order && c.compare.Compare != nil {
			snapshot.SortPointers(t.rows, c.compare, t.reverse)
			break
		}
	}
	t.troubleFirst()
	t.keepOrder()
	t.cursor = t.find()
}

// troubleFirst puts the rows that fail before all others, and then those that may.
func (t *table[T, K]) troubleFirst() {
	if t.chosen || t.state == nil || !t.urgent {
		return
	}
	urgency := func(row *T) int {
		switch t.state(row) {
		case fail:
			return 0
		case warn:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(t.rows, func(a, b *T) int { return urgency(a) - urgency(b) })
}

// keepOrder puts the rows in the order in which they were frozen, new ones after those.
func (t *table[T, K]) keepOrder() {
	if t.frozen == nil {
		return
	}
	place := func(row *T) int {
		at, known := t.frozen[t.key(row)]
		if !known {
			at = len(t.frozen)
			t.frozen[t.key(row)] = at
		}
		return at
	}
	slices.SortStableFunc(t.rows, func(a, b *T) int { return place(a) - place(b) })
}

// freezeOrder keeps the order of the rows as it is, while their figures go on; or lets it go.
func (t *table[T, K]) freezeOrder() {
	if t.frozen != nil {
		t.frozen = nil
		t.arrange()
		return
	}
	t.frozen = make(map[K]int, len(t.rows))
	for i := range t.rows {
		t.frozen[t.key(t.rows[i])] = i
	}
}

// isFrozen reports whether the order is frozen.
func (t *table[T, K]) isFrozen() bool { return t.frozen != nil }

// matching finds the rows that the filter selects.
func (t *table[T, K]) matching() {
	t.matched = t.matched[:0]
	every := t.filter.Empty()
	if !every && t.match == nil {
		t.match = query.NewRow(t.fields)
	}
	for i := range t.all {
		if row := &t.all[i]; every || t.selects(row) {
			t.matched = append(t.matched, row)
		}
	}
}

func (t *table[T, K]) selects(row *T) bool {
	t.match.Reset()
	t.fillRow(t.match, row)
	return t.filter.Match(t.match)
}

// fold leaves out the idle rows, unless there are few rows, a filter asks for some, or all are
// wanted.
func (t *table[T, K]) fold() {
	const few = 5
	t.rows, t.folded = t.rows[:0], 0
	if t.idle == nil || t.unfold || !t.filter.Empty() || len(t.matched) <= few {
		t.rows = append(t.rows, t.matched...)
		return
	}
	var idle []*T // the first ones: an idle host has rows, too
	for _, row := range t.matched {
		switch {
		case !t.idle(row) || t.pinned && t.key(row) == t.selected || t.isForemost(row):
			t.rows = append(t.rows, row)
		case len(idle) < few:
			idle = append(idle, row)
		}
	}
	t.rows = append(t.rows, idle[:clamp(few-len(t.rows), len(idle)+1)]...)
	t.folded = len(t.matched) - len(t.rows)
}

func (t *table[T, K]) filterFields() query.Set { return t.fields }

// foldIdle folds the idle rows, or shows all.
func (t *table[T, K]) foldIdle() {
	t.unfold = !t.unfold
	t.arrange()
}

func (t *table[T, K]) find() int {
	if !t.pinned {
		return t.findForemost()
	}
	// A row that is gone leaves the cursor where it was.
	at := clamp(t.cursor, len(t.rows))
	if at < len(t.rows) && t.key(t.rows[at]) == t.selected {
		return at
	}
	for i := range t.rows {
		if t.key(t.rows[i]) == t.selected {
			return i
		}
	}
	return at
}

// findForemost returns the place of the row that the verdict is about, else the first.
func (t *table[T, K]) findForemost() int {
	for i := range t.rows {
		if t.isForemost(t.rows[i]) {
			return i
		}
	}
	return 0
}

func (t *table[T, K]) isForemost(row *T) bool {
	return !t.atTop && t.foremost != nil && t.key(row) == *t.foremost
}

// resize chooses the columns for a width, and sets the number of lines for the head, the rows and
// the sum.
func (t *table[T, K]) resize(width, height int) {
	t.fit(width)
	t.height = max(height-1, 0)
	if t.other != nil {
		t.height = max(t.height-1, 0)
	}
	if t.folded > 0 {
		t.height = max(t.height-1, 0)
	}
	t.offset = min(t.offset, t.cursor)
	t.offset = max(t.offset, t.cursor-max(t.height-1, 0))
	// No empty lines below while there are rows above.
	t.offset = max(min(t.offset, len(t.rows)-t.height), 0)
}

func (t *table[T, K]) move(to motion) {
	if len(t.rows) == 0 {
		return
	}
	t.cursor = to.apply(t.cursor, len(t.rows), t.height)
	t.selected = t.key(t.rows[t.cursor])
	t.pinned, t.atTop = to != toTop, to == toTop
}

// sortBy moves to another column that has an order.
func (t *table[T, K]) sortBy(step int) {
	at := 0
	for i, c := range t.columns {
		if c.name == t.order {
			at = i
		}
	}
	for range t.columns {
		at = (at + step + len(t.columns)) % len(t.columns)
		if t.columns[at].compare.Compare != nil {
			break
		}
	}
	t.order, t.reverse, t.frozen, t.chosen = t.columns[at].name, false, nil, true
	t.arrange()
}

func (t *table[T, K]) reverseOrder() {
	t.reverse, t.chosen = !t.reverse, true
	t.arrange()
}

// current returns the row under the cursor, nil if there is none.
func (t *table[T, K]) current() *T {
	if len(t.rows) == 0 {
		return nil
	}
	return t.rows[clamp(t.cursor, len(t.rows))]
}

// open returns the detail of the row under the cursor, nil if there is none.
func (t *table[T, K]) open() subject {
	row := t.current()
	if row == nil {
		return nil
	}
	return t.detail(followed[T, K]{row, t.snapshot, t.source, t.key})
}

// emptyNote returns why the table is empty.
func (t *table[T, K]) emptyNote() string {
	if len(t.all) > 0 {
		return "no row matches " + quoted(t.filter.String()) + "; " + phrase.Count(len(t.all)) + " hidden, Esc clears the filter" + t.cannotKnow()
	}
	if t.traced && phrase.CensusOnly(t.snapshot) {
		return "nothing is traced here: only the sockets that exist are listed, as port spaces (tracing takes root)"
	}
	if t.snapshot.Filtered && t.snapshot.SelectedEvents == 0 {
		return "the filter of the command line matches none of " + phrase.Plural(t.snapshot.Health.Events, "event") + " in " + phrase.Elapsed(t.snapshot.Elapsed)
	}
	return t.empty[0] + " since the start (" + phrase.Elapsed(t.snapshot.Elapsed) + "); " + t.empty[1]
}

// cannotKnow says what the filter asks for that no row of the table has.
func (t *table[T, K]) cannotKnow() string {
	if text := t.filter.Unknown(t.fields); text != "" {
		return " (" + text + ")"
	}
	return ""
}

// counts returns the number of rows that match the filter, and of all.
func (t *table[T, K]) counts() (shown, all int) { return len(t.rows), len(t.all) }

// position returns where the cursor is among the rows.
func (t *table[T, K]) position() string {
	if len(t.rows) <= t.height {
		return ""
	}
	return phrase.Count(t.cursor+1) + " of " + phrase.Count(len(t.rows))
}

// foldedLine says what is not listed.
func (t *table[T, K]) foldedLine(st *styles) string {
	return " " + st.paint(quiet, "+ "+phrase.Count(t.folded)+" "+t.idling) + "  " + st.hint("a", "show all")
}

// fit chooses the columns for a width.
func (t *table[T, K]) fit(width int) {
	var wished []column[T]
	for _, c := range t.columns {
		shown, has := t.wish[c.title]
		if has && !shown {
			continue
		}
		if has {
			c.rank = 0
		}
		wished = append(wished, c)
	}
	t.fitted = fitColumns(wished, width, t.order)
	t.drawn = make(map[string]bool, len(t.fitted))
	for _, c := range t.fitted {
		t.drawn[c.title] = true
	}
}

// view returns the visible lines of the table, of the width of the last resize.
func (t *table[T, K]) view(width int, st *styles) []string {
	columns := t.fitted
	lines := []string{headLine(columns, t.order, t.reverse, st)}
	if len(t.rows) == 0 && t.other == nil {
		return append(lines, wrap(t.emptyNote(), width, st)...)
	}
	for i := t.offset; i < min(t.offset+t.height, len(t.rows)); i++ {
		base := plain
		if t.state != nil {
			base = t.state(t.rows[i])
		}
		lines = append(lines, rowLine(columns, t.rows[i], base, i == t.cursor, width, st))
	}
	if t.other != nil {
		lines = append(lines, rowLine(columns, t.other, quiet, false, width, st))
	}
	if t.folded > 0 {
		lines = append(lines, t.foldedLine(st))
	}
	return lines
}
