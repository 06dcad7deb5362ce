package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/lab/terminal"
)

const (
	// quiet is how long nothing is written when a screen is ready: longer than what a replay and
	// the simulations of advice take.
	quiet = 400 * time.Millisecond
	bound = 30 * time.Second
)

// shoot returns the screen of a picture.
func (p *picture) shoot(binary string) (screen *terminal.Screen, err error) {
	_, moment, err := recorded.Find(p.incident, p.moment)
	if err != nil {
		return nil, err
	}
	dir, file, err := unpack(p.incident)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	term, err := terminal.Start(terminal.Options{
		Args: []string{binary, "replay", filepath.Join(dir, file)}, Env: p.theme.env, Width: p.width, Height: p.height,
		Background: p.theme.background, Foreground: p.theme.foreground, Basic: p.theme.basic,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, term.Close()) }()
	if err := p.goTo(term, moment.At); err != nil {
		return nil, err
	}
	for _, key := range p.keys {
		if err := press(term, key); err != nil {
			return nil, err
		}
	}
	return term.Settle(quiet, bound)
}

// unpack writes the recording of an incident to a file in a new directory.
func unpack(incident string) (dir, file string, err error) {
	recording, err := recorded.File(incident)
	if err != nil {
		return "", "", err
	}
	if dir, err = os.MkdirTemp("", "porttrace-screens-"); err != nil {
		return "", "", err
	}
	file = incident + ".ptrace"
	if err := os.WriteFile(filepath.Join(dir, file), recording, 0o600); err != nil {
		return "", "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, file, nil
}

// goTo pauses the replay at a moment, by its wall-clock time.
func (p *picture) goTo(term *terminal.Terminal, at time.Duration) error {
	reader, err := recorded.Open(p.incident)
	if err != nil {
		return err
	}
	begin, _ := reader.Span()
	clock := reader.Clock()
	wall := clock.WallTime(begin.Add(at)).UTC().Truncate(time.Second).Format(time.TimeOnly)
	filled := func(s *terminal.Screen) bool { return s.Alternate && strings.TrimSpace(s.Text()) != "" }
	if _, err := term.Await(bound, "the screen", filled); err != nil {
		return err
	}
	for _, key := range []string{"space", ":", "text:" + wall, "enter"} {
		if err := press(term, key); err != nil {
			return err
		}
	}
	_, err = term.AwaitText(bound, wall)
	return err
}

// press presses a key, or types a text, and waits until the screen has followed.
func press(term *terminal.Terminal, key string) error {
	var err error
	if text, typed := strings.CutPrefix(key, "text:"); typed {
		err = term.Type(text)
	} else {
		err = term.Press(key)
	}
	if err != nil {
		return err
	}
	if _, err := term.Settle(quiet, bound); err != nil {
		return fmt.Errorf("after %q: %w", key, err)
	}
	return nil
}
