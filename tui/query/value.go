package query

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

func newWord(text string) *word {
	w := &word{text: appendLower(nil, text), pid: -1}
	if pid, err := strconv.ParseUint(text, 10, 32); err == nil {
		w.pid = float64(pid)
	}
	return w
}

// newExpression compiles a regular expression for the text of a row: ^ and $ are the ends of
// a value, and the dot also matches what is between two of them.
func newExpression(text string) (*expression, error) {
	compiled, err := regexp.Compile("(?ms)" + text)
	if err != nil {
		return nil, errors.New("not a regular expression: " + reason(err))
	}
	return &expression{Regexp: compiled, exact: hasUpper(text)}, nil
}

// reason returns what is wrong with a regular expression, without what was put around it.
func reason(err error) string {
	var fault *syntax.Error
	if errors.As(err, &fault) {
		return fault.Code.String()
	}
	return err.Error()
}

// hasUpper reports whether an expression asks for upper case: by a letter that is no escape
// as in \S, or by the name of a class.
func hasUpper(text string) bool {
	if strings.Contains(text, "[:upper:]") {
		return true
	}
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
			if r == 'p' || r == 'P' || r == 'x' || r == 'Q' { // \p{Lu}, \x41, \Q...\E
				return true
			}
		case r == '\\':
			escaped = true
		case unicode.IsUpper(r):
			return true
		}
	}
	return false
}

// parseTexts reads the value of a field of text: an expression between slashes, text in
// quotes, or texts and patterns with commas between them.
func parseTexts(f Field, value string) (condition, error) {
	c := &fieldTexts{field: f}
	parts := splitList(value)
	if _, _, whole := expressionIn(value); whole { // it may have commas
		parts = []string{value}
	}
	for _, part := range parts {
		t, err := parseText(part)
		if err != nil {
			return nil, err
		}
		if t.expression != nil || len(t.part) > 0 {
			c.any = append(c.any, t)
		}
	}
	return c, takes(f, len(c.any) > 0)
}

func parseText(text string) (fieldText, error) {
	if body, _, ok := expressionIn(text); ok {
		e, err := newExpression(body)
		return fieldText{expression: e}, err
	}
	if inner, found := strings.CutPrefix(text, `"`); found {
		return fieldText{part: appendLower(nil, strings.TrimSuffix(inner, `"`))}, nil
	}
	if strings.ContainsAny(text, "*?") {
		return fieldText{expression: pattern(text)}, nil
	}
	return fieldText{part: appendLower(nil, text)}, nil
}

// expressionIn returns the regular expression that all of a value is.
func expressionIn(value string) (body string, size int, ok bool) {
	if !strings.HasPrefix(value, "/") {
		return "", 0, false
	}
	body, size, ok = expressionBody(value)
	return body, size, ok && size == len(value) && body != ""
}

// takes returns the error of a field whose value is not valid.
func takes(f Field, valid bool) error {
	if valid {
		return nil
	}
	return errors.New("takes " + properties[f].takes)
}

// splitList splits at commas outside of quotes.
func splitList(value string) []string {
	inQuotes := false
	return strings.FieldsFunc(value, func(r rune) bool {
		if r == '"' {
			inQuotes = !inQuotes
		}
		return r == ',' && !inQuotes
	})
}

// pattern returns the expression of a pattern with * and ?, for a whole value in lower case.
func pattern(text string) *expression {
	text = regexp.QuoteMeta(string(appendLower(nil, text)))
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\*`, ".*"), `\?`, ".")
	return &expression{Regexp: regexp.MustCompile(`(?s)^` + text + `$`)}
}

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

// parseAddresses reads addresses with commas between them.
func parseAddresses(f Field, value string) (condition, error) {
	c := &fieldAddresses{field: f}
	for _, text := range splitList(value) {
		e, ok := parseEndpoints(text)
		if !ok {
			return nil, addressFault(f, text)
		}
		c.any = append(c.any, e)
	}
	return c, takes(f, len(c.any) > 0)
}

func addressFault(f Field, text string) error {
	err := takes(f, false)
	switch {
	case strings.ContainsAny(strings.ToLower(text), "ghijklmnopqrstuvwxyz"):
		return fmt.Errorf("%w; names are not looked up", err)
	case strings.Trim(text, "0123456789") == "":
		return fmt.Errorf("%w; a port is port:%s", err, text)
	}
	return err
}

// parseEndpoints reads ADDR, CIDR, either with :PORT (IPv6 in brackets), :PORT alone, or the
// beginning of an address.
func parseEndpoints(text string) (endpoints, bool) {
	host, port, ok := splitPort(text)
	if !ok {
		return endpoints{}, false
	}
	e := endpoints{port: port}
	if host == "" {
		return e, port != 0
	}
	if prefix, err := netip.ParsePrefix(host); err == nil {
		e.network = prefix.Masked()
		return e, true
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap().WithZone("")
		e.network = netip.PrefixFrom(addr, addr.BitLen())
		return e, true
	}
	e.beginning = appendLower(nil, host)
	return e, isBeginning(string(e.beginning))
}

// splitPort splits a port off. Of IPv6 it needs brackets; a colon at the end is not typed
// to the end.
func splitPort(text string) (host string, port uint16, ok bool) {
	host = text
	digits := ""
	if inner, found := strings.CutPrefix(text, "["); found {
		host, digits, _ = strings.Cut(inner, "]")
		if digits != "" && digits[0] != ':' {
			return "", 0, false
		}
		digits = strings.TrimPrefix(digits, ":")
	} else if strings.Count(text, ":") == 1 && (strings.HasPrefix(text, ":") || strings.Contains(text, ".")) {
		host, digits, _ = strings.Cut(text, ":")
	}
	if digits == "" {
		return host, 0, true
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	return host, uint16(number), err == nil && number > 0
}

// isBeginning reports whether an address can begin with a text.
func isBeginning(text string) bool {
	if strings.Trim(text, "0123456789") == "" {
		_, err := strconv.ParseUint(text, 10, 8)
		return err == nil // 9000 is rather a port
	}
	return strings.Trim(text, "0123456789.") == "" || strings.Trim(text, "0123456789abcdef:") == ""
}
