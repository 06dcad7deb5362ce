package query

import (
	"math"
	"strconv"
	"strings"
)

// parseSpans reads process ids or ports: numbers and ranges with commas between them.
func parseSpans(f Field, value string) (condition, error) {
	most := uint64(math.MaxUint32)
	if f == Port {
		most = math.MaxUint16
	}
	c := &fieldSpans{field: f}
	for _, text := range splitList(value) {
		s, ok := parseSpan(text, most)
		if !ok {
			return nil, takes(f, false)
		}
		c.any = append(c.any, s)
	}
	return c, takes(f, len(c.any) > 0)
}

// parseSpan reads a number, or a range whose ends may be left out: 100-200, 100-, -200.
func parseSpan(text string, most uint64) (span, bool) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	} else {
		if first == "" {
			first = "0"
		}
		if last == "" {
			last = strconv.FormatUint(most, 10)
		}
	}
	from, err1 := strconv.ParseUint(first, 10, 64)
	to, err2 := strconv.ParseUint(last, 10, 64)
	return span{float64(from), float64(to)}, err1 == nil && err2 == nil && from <= to && to <= most && text != "-"
}

// parseComparison reads >80% or <100/s.
func parseComparison(body string) (Field, condition, error) {
	number, field := body, Text
	if text, found := strings.CutSuffix(body, "%"); found {
		number, field = text, Percent
	} else if text, found := strings.CutSuffix(body, "/s"); found {
		number, field = text, Rate
	}
	b, ok := parseBounds(number)
	if field == Text || !ok {
		return Percent, nil, takes(Percent, false)
	}
	return field, &fieldNumber{field: field, bounds: b}, nil
}

// parseNumbers reads the value of a count: a comparison, a number or a range.
func parseNumbers(f Field, value string) (condition, error) {
	b, ok := parseBounds(value)
	return &fieldNumber{field: f, bounds: b}, takes(f, ok)
}

// parseBounds reads >5, >=5, <5, <=5, =5, 5 or 5-10. Commas are for reading, as in 1,000: here they are no "or".
func parseBounds(text string) (bounds, bool) {
	sign := text[:len(text)-len(strings.TrimLeft(text, "<>="))]
	text = strings.TrimSpace(text[len(sign):])
	if sign == "" {
		if first, last, isRange := strings.Cut(text, "-"); isRange {
			from, ok1 := parseNumber(first)
			to, ok2 := parseNumber(last)
			return bounds{span: span{from, to}}, ok1 && ok2 && from <= to
		}
	}
	number, ok := parseNumber(text)
	switch sign {
	case "", "=":
		return bounds{span: span{number, number}}, ok
	case ">":
		return bounds{span: span{number, math.Inf(1)}, open: true}, ok
	case "<":
		return bounds{span: span{math.Inf(-1), number}, open: true}, ok
	case ">=":
		return bounds{span: span{number, math.Inf(1)}}, ok
	case "<=":
		return bounds{span: span{math.Inf(-1), number}}, ok
	}
	return bounds{}, false
}

// parseNumber reads digits with a fraction, with commas, and with k for thousands.
func parseNumber(text string) (float64, bool) {
	text, thousands := strings.CutSuffix(strings.ToLower(strings.ReplaceAll(text, ",", "")), "k")
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	number, err := strconv.ParseFloat(text, 64)
	if thousands {
		number *= 1000
	}
	return number, err == nil
}
