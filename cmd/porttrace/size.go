package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// sizeFlag is the value of --max-size.
type sizeFlag struct {
	text  string
	bytes int64 // 0: none is given
}

// parse returns the usage error of a text that is no size.
func (f *sizeFlag) parse() (err error) {
	if f.bytes, err = parseSize(f.text); err != nil {
		return usagef("--max-size %s: %w", f.text, err)
	}
	return nil
}

// parseSize reads a number of bytes with an optional K, M, G or T, powers of 1024: "2G",
// "2GB" and "2GiB" are 2147483648. An empty text is 0.
func parseSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	number, bytes := strings.CutSuffix(strings.ToUpper(text), "B")
	binary := false
	if bytes {
		number, binary = strings.CutSuffix(number, "I")
	}
	shift := 0
	if i := strings.IndexAny("KMGT", number[max(len(number)-1, 0):]); i >= 0 && number != "" {
		number, shift = number[:len(number)-1], 10*(i+1)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift || binary && shift == 0 {
		return 0, errors.New("must be a number of bytes, as in 500M or 2G")
	}
	return n << shift, nil
}
