package query

import (
	"net/netip"
	"unicode"
	"unicode/utf8"
)

// Row has what a filter reads of one row of a table. A table makes one with NewRow and fills
// it again for each of its rows, after Reset; that needs no memory but the first time.
//
//	row := query.NewRow(query.SetOf(query.Comm, query.PID, query.Percent))
//	for i := range processes {
//		row.Reset()
//		row.Add(query.Comm, processes[i].Comm)
//		row.AddPID(processes[i].PID)
//		row.Set(query.Percent, processes[i].Percent)
//		if q.Match(row) { ... }
//	}
type Row struct {
	has     Set
	values  []value
	pids    []span
	ports   []span
	dests   []netip.AddrPort
	sources []netip.AddrPort
	numbers [fieldCount]float64
	known   Set // the numbers that are known

	// All text of the row, each value followed by a line feed; made when it is read.
	text, lower []byte
}

// value is the text of a field, and where it is in Row.lower.
type value struct {
	field      Field
	text       string
	start, end int
}

// NewRow returns the row of a table that has these fields.
func NewRow(has Set) *Row { return &Row{has: has} }

// Reset removes the values, for the next row.
func (r *Row) Reset() {
	r.values, r.pids, r.ports = r.values[:0], r.pids[:0], r.ports[:0]
	r.dests, r.sources = r.dests[:0], r.sources[:0]
	r.text, r.lower, r.known = r.text[:0], r.lower[:0], 0
}

// Add adds a value of a field of text, as the screen shows it. An empty one is none.
func (r *Row) Add(f Field, text string) {
	if text != "" {
		r.values = append(r.values, value{field: f, text: text})
	}
}

// AddPID adds a process of the row.
func (r *Row) AddPID(pid uint32) { r.pids = append(r.pids, span{float64(pid), float64(pid)}) }

// AddPort adds the ports from first to last.
func (r *Row) AddPort(first, last uint16) {
	r.ports = append(r.ports, span{float64(first), float64(last)})
}

// AddDest adds a destination. Words find it as well, by its address and port; port 0 is none.
func (r *Row) AddDest(to netip.AddrPort) { r.dests = append(r.dests, unmapped(to)) }

// AddSource adds a local address, as AddDest.
func (r *Row) AddSource(from netip.AddrPort) { r.sources = append(r.sources, unmapped(from)) }

// Set sets a number: the percentage of ports taken (0 to 100), connections per second, or a
// count. One that is not set is not known.
func (r *Row) Set(f Field, number float64) {
	r.numbers[f] = number
	r.known |= 1 << f
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// lowered returns the text of the row in lower case.
func (r *Row) lowered() []byte {
	if len(r.lower) > 0 {
		return r.lower
	}
	for i := range r.values {
		v := &r.values[i]
		v.start = len(r.lower)
		r.lower = appendLower(r.lower, v.text)
		v.end = len(r.lower)
		r.lower = append(r.lower, '\n')
	}
	r.lower = r.appendAddresses(r.lower)
	return r.lower
}

// written returns the text of the row as it is.
func (r *Row) written() []byte {
	if len(r.text) > 0 {
		return r.text
	}
	for _, v := range r.values {
		r.text = append(append(r.text, v.text...), '\n')
	}
	r.text = r.appendAddresses(r.text)
	return r.text
}

func (r *Row) appendAddresses(text []byte) []byte {
	for _, list := range [...][]netip.AddrPort{r.sources, r.dests} {
		for _, a := range list {
			text = append(appendAddress(text, a), '\n')
		}
	}
	return text
}

// appendAddress appends an address, with the port if it has one.
func appendAddress(text []byte, a netip.AddrPort) []byte {
	if a.Port() == 0 {
		return a.Addr().AppendTo(text)
	}
	return a.AppendTo(text)
}

// appendLower appends s in lower case.
func appendLower(b []byte, s string) []byte {
	start := len(b)
	b = append(b, s...)
	for i := start; i < len(b); i++ {
		switch c := b[i]; {
		case c >= utf8.RuneSelf:
			return appendLowerRunes(b[:i], s[i-start:])
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

func appendLowerRunes(b []byte, s string) []byte {
	for _, r := range s {
		b = utf8.AppendRune(b, unicode.ToLower(r))
	}
	return b
}
