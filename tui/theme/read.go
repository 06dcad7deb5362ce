package theme

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/porttrace/porttrace/internal/nearest"
)

// FileName is the user's theme within the folder of their settings.
const FileName = "porttrace/theme.conf"

// maxFile is the size in bytes that a file may have.
const maxFile = 64 << 10

// Load returns the theme with a name, or of the file with a path. Without either it is that of
// the user's file, $XDG_CONFIG_HOME/porttrace/theme.conf (~/.config if that is not set; under
// sudo it is root's), and Default if there is none. With an error it is Default.
func Load(name string) (Theme, error) {
	if name == "" {
		folder, err := os.UserConfigDir()
		if err != nil {
			return Default(), nil // no home, no file
		}
		t, err := loadFile(filepath.Join(folder, FileName))
		if errors.Is(err, os.ErrNotExist) {
			return Default(), nil
		}
		return t, err
	}
	if t, ok := builtin[name]; ok {
		return t, nil
	}
	t, err := loadFile(name)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(name, "/.") {
		return Default(), unknownTheme(name)
	}
	return t, err
}

func unknownTheme(name string) error {
	if meant, ok := nearest.One(name, Names()); ok {
		return fmt.Errorf("theme %s: there is none; did you mean %s?", name, meant)
	}
	return fmt.Errorf("theme %s: there is none, and no such file; built in are %s", name, strings.Join(Names(), ", "))
}

func loadFile(name string) (Theme, error) {
	file, err := os.Open(name)
	if err != nil {
		return Default(), fmt.Errorf("reading theme: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return Default(), fmt.Errorf("reading theme: %w", err)
	}
	if len(text) > maxFile {
		return Default(), fmt.Errorf("reading theme: %s: above %d KiB", name, maxFile>>10)
	}
	t := Default()
	t.Name = name
	if err := t.read(string(text)); err != nil {
		return Default(), fmt.Errorf("%s:%w", name, err)
	}
	return t, nil
}

// read sets the tints of a file. The error begins with the number of the line.
func (t *Theme) read(text string) error {
	onDark, onLight, begun := true, true, false
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(withoutComment(line))
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "[") {
			onDark, onLight = line == "[dark]", line == "[light]"
			if !onDark && !onLight {
				return fmt.Errorf("%d: want [dark] or [light]", n)
			}
			begun = true
			continue
		}
		name, value, found := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		var err error
		switch {
		case !found:
			// Without the line: a link in the home of another user can lead root to any file.
			err = errors.New("want ROLE = TINT, as in border = #6b7788")
		case name == "base" && begun:
			err = errors.New("base: it must be the first setting")
		case name == "base":
			err = t.rebase(value)
		default:
			err = t.set(name, value, onDark, onLight)
		}
		if err != nil {
			return fmt.Errorf("%d: %w", n, err)
		}
		begun = true
	}
	return nil
}

// withoutComment removes a comment: # at the beginning of a line, or between blanks, as a
// colour also begins with it.
func withoutComment(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return ""
	}
	text, _, _ := strings.Cut(line, " # ")
	return text
}

// rebase begins with the tints of a built-in theme.
func (t *Theme) rebase(name string) error {
	base, ok := builtin[name]
	if !ok {
		return fmt.Errorf("base: %w", unknownTheme(name))
	}
	t.dark, t.light = base.dark, base.light
	return nil
}

func (t *Theme) set(name, value string, onDark, onLight bool) error {
	role, ok := roleNamed(name)
	if !ok {
		if meant, ok := nearest.One(name, roleNames[:]); ok {
			return fmt.Errorf("%s: there is no such role; did you mean %s?", name, meant)
		}
		return fmt.Errorf("%s: there is no such role; there are %s", name, strings.Join(roleNames[:], ", "))
	}
	all, err := parseTints(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if onDark {
		t.dark[role] = all
	}
	if onLight {
		t.light[role] = all
	}
	return nil
}
