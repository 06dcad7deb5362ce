package tui

// layout is how the lines of the screen are divided, from top to bottom. The mouse looks up there
// what is under it.
type layout struct {
	top     int // the host and the filter
	verdict int // the box with the verdict
	figures int // rates and gauges, with their course
	strip   int // the time line of a replay
	tabs    int // the names of the tables, unless they are in the frame of the body
	body    int // the table or the detail
	picture int // the map of the port range below a table of port spaces
	status  int // keys, and what is typed

	framed bool // the body has a frame
	list   int  // the width of the table or detail, with its frame
	side   int  // the width of the pane beside it, 0: there is none
	tail   int  // the height of the newest events below a short table, with their frame
}

const (
	minBody    = 3   // the head of a table and two rows
	twoPanes   = 120 // columns from which on a table has a pane beside it
	roomy      = 36  // lines from which on there are charts
	framedFrom = 26  // lines from which on the body has a frame
	chartLines = 7
	maxVerdict = 5 // lines of text in the box
)

// divide gives each part its lines. A low terminal loses the picture first, then the time line, the
// figures, the box, the tabs, the keys.
func (m *Model) divide() layout {
	l := layout{list: m.width}
	room := m.height
	take := func(n, leave int) int {
		if n <= 0 || room-n < leave {
			return 0
		}
		room -= n
		return n
	}
	l.status = take(1, minBody)
	l.framed = m.height >= framedFrom && m.width >= 2*frameCells
	edges := 0
	if l.framed {
		edges = frameRows
	} else {
		l.tabs = take(1, minBody)
	}
	least := minBody + edges
	l.top = take(1, least)
	if m.help == nil && m.shown != nil {
		l.verdict = take(m.verdictLines(m.height), least)
		l.figures = m.figuresHeight(take, least)
		l.strip = take(m.stripHeight(), least+minBody)
	}
	if m.help == nil && m.width >= twoPanes && m.hasSide() {
		l.side = sideWidth(m.width)
		l.list = m.width - l.side
	}
	if l.side == 0 {
		l.picture = m.pictureHeight(take, least)
	}
	l.body = max(room, 0)
	l.tail = m.tailHeight(&l)
	return l
}

// tailHeight returns how many lines a short table leaves to the newest events.
func (m *Model) tailHeight(l *layout) int {
	const least, most = 8, 24
	if l.side == 0 || !l.framed || m.page() != nil || m.menu != nil || m.tab == eventsTab {
		return 0
	}
	rows, _ := m.panes[m.tab].counts()
	room := l.body - frameRows - 1 - max(rows+1, 6)
	if room < least {
		return 0
	}
	return min(room, most)
}

// sideWidth leaves the decisive columns to the table: 74 of 120, and three of five of a wide screen.
func sideWidth(width int) int { return min(46+(width-twoPanes)*9/20, width*2/5) }

// low reports whether the terminal is so low that a detail needs the lines of the box and the figures.
func (m *Model) low() bool { return m.height < 30 && m.page() != nil }

// figuresHeight returns the height of the charts where they fit, else that of two lines of figures.
func (m *Model) figuresHeight(take func(n, leave int) int, least int) int {
	if m.low() {
		return 0
	}
	if m.height >= roomy && m.width >= 100 {
		return take(chartLines, least+10)
	}
	return take(2, least+2)
}

func (m *Model) stripHeight() int {
	if m.replay == nil {
		return 0
	}
	if m.height < 20 {
		return 1
	}
	return stripHeight
}

// pictureHeight returns the height of the picture below the table of port spaces.
func (m *Model) pictureHeight(take func(n, leave int) int, least int) int {
	if m.tab != spacesTab || m.page() != nil || m.help != nil || !m.hasPicture() {
		return 0
	}
	shown, _ := m.panes[m.tab].counts()
	rows := min(shown, 6) + 2 // with the head, and the line of what is folded
	for _, height := range []int{14, 12, 10, 8, 7, 6} {
		if got := take(height, least-minBody+rows); got > 0 {
			return got
		}
	}
	return take(6, least+3)
}

// inner returns the size of what is in a pane of that width.
func (l *layout) inner(width int) (inside, height int) {
	if l.framed {
		return max(width-frameCells, 0), max(l.body-l.tail-frameRows, 0)
	}
	return width, l.body
}
