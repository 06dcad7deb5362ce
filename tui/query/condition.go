package query

import (
	"bytes"
	"net/netip"
	"regexp"
	"slices"
)

// span is a range of numbers, both ends included.
type span struct{ first, last float64 }

// word is text that a row has anywhere, in lower case; a number also is a process id.
type word struct {
	text []byte
	pid  float64 // -1 for none
}

func (w *word) match(r *Row) bool {
	if bytes.Contains(r.lowered(), w.text) {
		return true
	}
	return w.pid >= 0 && slices.Contains(r.pids, span{w.pid, w.pid})
}

// expression is a regular expression. Without upper case in it, it is compared with text in
// lower case: much faster than one that ignores the case.
type expression struct {
	*regexp.Regexp
	exact bool
}

func (e *expression) match(r *Row) bool {
	if e.exact {
		return e.Match(r.written())
	}
	return e.Match(r.lowered())
}

// fieldTexts is a field of text that has one of several texts or patterns.
type fieldTexts struct {
	field Field
	any   []fieldText
}

// fieldText is text in lower case that is part of a value, or an expression.
type fieldText struct {
	part       []byte
	expression *expression
}

func (c *fieldTexts) match(r *Row) bool {
	lower := r.lowered()
	for i := range r.values {
		v := &r.values[i]
		if v.field != c.field {
			continue
		}
		for _, t := range c.any {
			if t.match(v, lower[v.start:v.end]) {
				return true
			}
		}
	}
	return false
}

func (t *fieldText) match(v *value, lower []byte) bool {
	switch {
	case t.expression == nil:
		return bytes.Contains(lower, t.part)
	case t.expression.exact:
		return t.expression.MatchString(v.text)
	}
	return t.expression.Match(lower)
}

// fieldSpans is a field of process ids or ports that has one within the ranges.
type fieldSpans struct {
	field Field
	any   []span
}

func (c *fieldSpans) match(r *Row) bool {
	have := r.pids
	if c.field == Port {
		have = r.ports
	}
	for _, h := range have {
		for _, s := range c.any {
			if h.first <= s.last && s.first <= h.last {
				return true
			}
		}
	}
	return false
}

// fieldNumber is a number within bounds.
type fieldNumber struct {
	bounds

	field Field
}

// bounds is a comparison: first <= x <= last, or < with the ends left out.
type bounds struct {
	span

	open bool
}

func (c *fieldNumber) match(r *Row) bool {
	x := r.numbers[c.field]
	if c.open {
		return c.first < x && x < c.last
	}
	return c.first <= x && x <= c.last
}

// fieldAddresses is a field of addresses that has one of those.
type fieldAddresses struct {
	field Field
	any   []endpoints
}

// endpoints are addresses by network or by the beginning of their text, with one port or any.
type endpoints struct {
	network   netip.Prefix
	beginning []byte // if network is not valid; empty is any address
	port      uint16 // 0 is any
}

func (c *fieldAddresses) match(r *Row) bool {
	have := r.dests
	if c.field == Source {
		have = r.sources
	}
	for _, a := range have {
		for i := range c.any {
			if c.any[i].has(a) {
				return true
			}
		}
	}
	return false
}

func (e *endpoints) has(a netip.AddrPort) bool {
	if e.port != 0 && e.port != a.Port() {
		return false
	}
	if e.network.IsValid() {
		return e.network.Contains(a.Addr().WithZone(""))
	}
	var text [64]byte
	return bytes.HasPrefix(a.Addr().AppendTo(text[:0]), e.beginning)
}
