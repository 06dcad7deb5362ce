package main

import (
	"errors"
	"strings"
)

// mode is one of those that are compared.
type mode struct {
	name string
	kind kind
	args []string // the command; none: no tracer
}

// kind is what a mode is.
type kind int

const (
	bare   kind = iota // no tracer
	floor              // the least that a tracer can do
	peer               // another tracer, which has no goals
	piped              // porttrace with what it prints going to /dev/null
	screen             // porttrace in a terminal
)

// hasGoals reports whether the mode is one of porttrace.
func (m mode) hasGoals() bool { return m.kind == piped || m.kind == screen }

// Names of the modes that are always there. A floor is this command with -floor.
const (
	none        = "none"
	emptyFloor  = "empty program"
	recordFloor = "one 64-byte record a change"
)

func floors() []mode {
	self := "/proc/self/exe"
	return []mode{
		{name: none, kind: bare},
		{name: emptyFloor, kind: floor, args: []string{self, "-floor", emptyFloor}},
		{name: recordFloor, kind: floor, args: []string{self, "-floor", recordFloor}},
	}
}

// parseMode parses the value of a flag: name=command.
func parseMode(text string, k kind) (mode, error) {
	name, line, ok := strings.Cut(text, "=")
	if !ok || len(strings.Fields(line)) == 0 {
		return mode{}, errors.New("want name=command")
	}
	return mode{name, k, strings.Fields(line)}, nil
}
