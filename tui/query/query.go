package query

import (
	"slices"
	"strings"
)

// Query is a filter. The zero value, and nil, match every row.
type Query struct {
	text  string
	terms []term
}

// term is one part of a filter.
type term struct {
	condition

	text  string // as typed
	field Field  // that the row must have; Text for words
	not   bool
}

// condition is what a term asks of a row.
type condition interface {
	match(r *Row) bool
}

// Match reports whether a row matches all terms.
func (q *Query) Match(r *Row) bool {
	if q == nil {
		return true
	}
	for i := range q.terms {
		t := &q.terms[i]
		if !t.knownIn(r) || t.match(r) == t.not {
			return false
		}
	}
	return true
}

// knownIn reports whether the row has what the term asks for, also to find that it differs.
func (t *term) knownIn(r *Row) bool {
	switch {
	case t.field == Text:
		return true
	case t.field >= Percent:
		return r.has.Has(t.field) && r.known.Has(t.field)
	}
	return r.has.Has(t.field)
}

// Empty reports whether the filter matches every row.
func (q *Query) Empty() bool { return q == nil || len(q.terms) == 0 }

// asks reports whether the filter has a term of a field.
func (q *Query) asks(f Field) bool {
	return slices.ContainsFunc(q.terms, func(t term) bool { return t.field == f })
}

// String returns the filter as it was typed, without blanks around it.
func (q *Query) String() string {
	if q == nil {
		return ""
	}
	return q.text
}

// Unknown returns what a table with these fields lacks for the filter, as in
// "this table has no unit", or "".
func (q *Query) Unknown(has Set) string {
	if q == nil {
		return ""
	}
	var lacks []string
	var seen Set
	for _, t := range q.terms {
		if t.field != Text && !has.Has(t.field) && !seen.Has(t.field) {
			seen |= 1 << t.field
			lacks = append(lacks, properties[t.field].noun)
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return "this table has no " + strings.Join(lacks, " and no ")
}
