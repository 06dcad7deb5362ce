package main

import (
	"encoding/csv"
	"errors"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// listVarP defines a flag that can be given several times, and takes several values separated
// by commas.
func listVarP(flags *pflag.FlagSet, to *[]string, name, short string, value []string, help string) {
	*to = value
	flags.VarP(&listValue{to: to, split: splitCommas}, name, short, help)
}

// numbersVarP is listVarP for values that have no blanks: those separate them, too, as the lines
// of pgrep(1) do.
func numbersVarP(flags *pflag.FlagSet, to *[]string, name, short, help string) {
	flags.VarP(&listValue{to: to, split: splitNumbers}, name, short, help)
}

// listValue is a list as a flag takes it.
type listValue struct {
	to    *[]string
	split func(text string) ([]string, error)
	given bool // the first value takes the place of the default
}

func (l *listValue) Set(text string) error {
	values, err := l.split(text)
	if err != nil {
		return err
	}
	if !l.given {
		*l.to = nil
		l.given = true
	}
	*l.to = append(*l.to, values...)
	return nil
}

func (l *listValue) String() string {
	if l.to == nil {
		return ""
	}
	return strings.Join(*l.to, ",")
}

// Type lets the completion of the shell offer the flag again.
func (l *listValue) Type() string { return "stringSlice" }

func splitNumbers(text string) ([]string, error) {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), nil
}

// splitCommas takes a value in double quotes as it is: it can hold a comma, or begin with a blank.
func splitCommas(text string) ([]string, error) {
	if !strings.Contains(text, `"`) {
		if text == "" {
			return nil, nil
		}
		values := strings.Split(text, ",")
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		return values, nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	values, err := reader.Read()
	if err != nil {
		return nil, errors.New(`a value that begins with " must end with one`)
	}
	return values, nil
}
