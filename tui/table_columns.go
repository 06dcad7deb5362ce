package tui

// columnState is a column as a user may choose it.
type columnState struct {
	title                   string
	shown, sortable, sorted bool
}

// columnStates returns the columns in their order.
func (t *table[T, K]) columnStates() []columnState {
	var list []columnState
	for i := range t.columns {
		c := &t.columns[i]
		list = append(list, columnState{c.title, t.drawn[c.title], c.compare.Compare != nil, c.name != "" && c.name == t.order})
	}
	return list
}

// toggleColumn shows a column that is not shown, before those that fit by themselves, or hides it.
func (t *table[T, K]) toggleColumn(title string) {
	if t.wish == nil {
		t.wish = map[string]bool{}
	}
	t.wish[title] = !t.drawn[title]
	t.drawn[title] = t.wish[title]
}

// sortByColumn sorts by the column of that title; again, it reverses the order.
func (t *table[T, K]) sortByColumn(title string) {
	for i := range t.columns {
		c := &t.columns[i]
		if c.title != title || c.compare.Compare == nil {
			continue
		}
		if c.name == t.order {
			t.reverseOrder()
			return
		}
		t.order, t.reverse, t.frozen, t.chosen = c.name, false, nil, true
		t.arrange()
		return
	}
}

// currentLine returns the row under the cursor as text, with the head of the table.
func (t *table[T, K]) currentLine(st *styles) []string {
	row := t.current()
	if row == nil {
		return nil
	}
	return []string{headLine(t.fitted, t.order, t.reverse, st), rowLine(t.fitted, row, plain, false, 0, st)}
}

// columnAt returns the title of the column at that cell of the head, empty if there is none.
func (t *table[T, K]) columnAt(cell int) string {
	end := 0
	for _, c := range t.fitted {
		if end += c.width + 1; cell < end {
			return c.title
		}
	}
	return ""
}

// point moves the cursor to the row at that line below the head, and reports whether there is one.
func (t *table[T, K]) point(line int) bool {
	at := t.offset + line
	if line < 0 || line >= t.height || at >= len(t.rows) {
		return false
	}
	t.cursor, t.selected, t.pinned = at, t.key(t.rows[at]), true
	return true
}

// cursorAt returns the place of the row under the cursor.
func (t *table[T, K]) cursorAt() int { return t.cursor }

// nextFailing moves the cursor to the next row in trouble, or the previous one, and reports whether
// there is one.
func (t *table[T, K]) nextFailing(step int) bool {
	if t.state == nil {
		return false
	}
	for at := t.cursor + step; at >= 0 && at < len(t.rows); at += step {
		if t.state(t.rows[at]) == fail {
			t.cursor, t.selected, t.pinned = at, t.key(t.rows[at]), true
			return true
		}
	}
	return false
}
