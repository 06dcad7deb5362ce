package chart

// grid is how a range is spread over cells.
type grid struct {
	left, right int // cells of the labels at the edges
	columns     int
	cells       int // used, row by row
	low, ports  int
	each        int  // ports in each cell, the last one apart; 0: equal parts of the range
	pairs       bool // two ports a cell, each of them known
}

// first returns the first port of a cell, or the one after the range.
func (g grid) first(cell int) int {
	if cell >= g.cells {
		return g.low + g.ports
	}
	if g.each > 0 {
		return g.low + cell*g.each
	}
	return g.low + cell*g.ports/g.cells
}

// bounds returns the range within what a port can be, and how many ports it has.
func (m *PortMap) bounds() (low, ports int) {
	low, high := max(m.Low, 0), min(m.High, portCount-1)
	return low, max(high-low+1, 0)
}

// grid spreads the range: whole slices if there are cells enough, then two ports a cell, else
// parts of the range that differ by a port at most.
func (m *PortMap) grid(width, height int) grid {
	var g grid
	g.low, g.ports = m.bounds()
	if width >= oneGutter {
		g.left = portWidth + 1
	}
	if width >= twoGutter {
		g.right = portWidth + 1
	}
	g.columns = width - g.left - g.right
	room := g.columns * height
	if g.ports == 0 || room <= 0 {
		return g
	}
	finest := m.finest()
	switch {
	case (g.ports-1)/finest < room:
		g.each = finest
	case finest == 1 && (g.ports-1)/2 < room:
		g.each, g.pairs = 2, true
	default:
		g.cells = min(room, g.ports)
		return g
	}
	g.cells = (g.ports-1)/g.each + 1
	g.columns = evenColumns(g.columns, g.cells, height)
	return g
}

// evenColumns returns a number of columns that makes the rows begin at ports alike: tens, or
// an even number so that odd and even ports form stripes, if the cells fit into the height.
func evenColumns(columns, cells, height int) int {
	for _, step := range []int{10, 2} {
		even := columns / step * step
		if even > 0 && (cells-1)/even < height {
			return even
		}
	}
	return columns
}

// finest returns the number of ports below which a cell would show what is not known: the
// size of the widest slice of which a part is in one state.
func (m *PortMap) finest() int {
	finest := 1
	for i := range m.Slices {
		slice := &m.Slices[i]
		size := slice.size()
		if size <= finest {
			continue
		}
		for _, n := range slice.Count {
			if n > 0 && int(n) < size {
				finest = size
				break
			}
		}
	}
	return finest
}

// rescale returns the counts of each cell, or of each port for pairs. Those of a slice that
// lies over several cells are spread evenly: they add up to those of the slice.
func (m *PortMap) rescale(g grid) []Counts {
	if g.pairs {
		g.cells, g.each = g.ports, 1
	}
	counts := make([]Counts, g.cells)
	c, first, end := 0, g.first(0), g.first(1)
	for i := range m.Slices {
		slice := &m.Slices[i]
		if slice.size() == 0 || slice.First >= g.low+g.ports || slice.Last < g.low {
			continue
		}
		if slice.First < first { // not in order, or it begins before the range
			c = g.cell(slice.First)
			first, end = g.first(c), g.first(c+1)
		}
		for ; end <= slice.First; c++ {
			first, end = end, g.first(c+2)
		}
		counts[c].add(slice, first, end)
		for more := c + 1; more < g.cells && g.first(more) <= slice.Last; more++ {
			counts[more].add(slice, g.first(more), g.first(more+1))
		}
	}
	return counts
}

// cell returns the cell of a port; ports below the range are in the first one.
func (g grid) cell(port int) int {
	at := max(port-g.low, 0)
	if g.each > 0 {
		return at / g.each
	}
	cell := at * g.cells / g.ports
	for cell+1 < g.cells && g.first(cell+1) <= port {
		cell++
	}
	return cell
}

// add adds the part of a slice that lies in the ports from first up to end.
func (c *Counts) add(slice *Slice, first, end int) {
	size := int64(slice.size())
	if first <= slice.First && slice.Last < end { // the usual case, without divisions
		for state, n := range &slice.Count {
			c[state] += max(min(n, int32(size)), 0)
		}
		return
	}
	from := int64(max(first-slice.First, 0))
	to := int64(min(end-slice.First, slice.size()))
	for state, n := range &slice.Count {
		if n > 0 {
			count := min(int64(n), size)
			c[state] += int32(count*to/size - count*from/size)
		}
	}
}

// dominant returns the state of the most ports among size, Free if none is used, and the
// share that is used. A listener comes first where no other state has half of the ports: there
// are few, and which one lies inside the range matters more than a level.
func (c *Counts) dominant(size int) (State, float64) {
	best, most, used := Free, int32(0), 0
	for state, n := range c {
		used += int(n)
		if n > most {
			best, most = State(state), n
		}
	}
	if c[Listener] > 0 && int(most) < (size+1)/2 {
		best = Listener
	}
	return best, share(used, size)
}
