package main

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// durationVarP defines a flag with a short form for a time. A plain number is seconds.
func durationVarP(flags *pflag.FlagSet, to *time.Duration, name, short string, value time.Duration, help string) {
	*to = value
	flags.VarP((*durationValue)(to), name, short, help)
}

// parseDuration reads a time: 10s, 1h30m; a plain number is seconds.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < math.MaxInt64/1e9 {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	return time.ParseDuration(text)
}

// durationValue is a time as a flag takes it.
type durationValue time.Duration

func (d *durationValue) Set(text string) error {
	value, err := parseDuration(text)
	if err != nil {
		return errors.New("must be a time, as in 10s, 5m or 1h30m")
	}
	*d = durationValue(value)
	return nil
}

// String returns nothing for 0: the help shows no such default.
func (d *durationValue) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Type is the name of the value in the help.
func (d *durationValue) Type() string { return "duration" }
