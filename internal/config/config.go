// Package config reads flags of commands from a file, which has a section for each command:
//
//	# always on, see porttrace help record
//	[record]
//	ring = 10m
//	on   = full, high
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxFile is the size in bytes that a file may have.
const maxFile = 64 << 10

// Setting is one line of a file.
type Setting struct {
	Command string // its section
	Flag    string // without dashes
	Value   string // without blanks around it; it can be empty
	Line    int    // from 1
}

// Read returns the settings of a file, in its order. An error of its text begins with name:line.
func Read(name string) ([]Setting, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("reading settings: %s: above %d KiB", name, maxFile>>10)
	}
	settings, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return settings, nil
}

// parse returns the settings of a text. The error begins with the number of the line.
func parse(text string) ([]Setting, error) {
	var settings []Setting
	section, n := "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(withoutComment(line))
		var err error
		switch {
		case line == "":
		case strings.HasPrefix(line, "["):
			section, err = parseSection(line)
		default:
			var s Setting
			s, err = parseSetting(section, line)
			s.Line = n
			settings = append(settings, s)
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
	}
	return settings, nil
}

// withoutComment removes a comment: # at the beginning of a line, or after a blank.
func withoutComment(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return ""
	}
	for i := 1; i < len(line); i++ {
		if line[i] == '#' && (line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

func parseSection(line string) (string, error) {
	name, closed := strings.CutSuffix(line[1:], "]")
	if name = strings.TrimSpace(name); !closed || name == "" {
		return "", fmt.Errorf("%q: want a section, as [record]", line)
	}
	return name, nil
}

func parseSetting(section, line string) (Setting, error) {
	flag, value, found := strings.Cut(line, "=")
	s := Setting{Command: section, Flag: strings.TrimSpace(flag), Value: strings.TrimSpace(value)}
	switch {
	case !found || s.Flag == "":
		return s, fmt.Errorf("%q: want FLAG = VALUE, as in ring = 10m", line)
	case section == "":
		return s, fmt.Errorf("%q: it is before any section, as [record]", line)
	case strings.HasPrefix(s.Flag, "-"):
		return s, fmt.Errorf("%q: a flag is written without dashes here, as in ring = 10m", line)
	case strings.ContainsRune(s.Value, 0):
		return s, errors.New("a byte 0: this is no text file")
	}
	return s, nil
}
