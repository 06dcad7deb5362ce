// Package cmdline makes of the arguments of a process what people may see of them: the command
// line without its secrets, and the script that an interpreter runs.
//
//	cmdline.go  splitting, bounds
//	secrets.go  what is masked by its name, its option or its place in a URL
//	tokens.go   what is masked by how it looks
//	script.go   interpreters and their options
package cmdline

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
)

// ellipsis stands for what a command line had no room for.
const ellipsis = "…"

// Cut reports whether a command line is not whole.
func Cut(line string) bool { return strings.HasSuffix(line, ellipsis) }

// Describe sets what follows from the arguments of a process, as the kernel keeps them: each
// with its NUL. whole says that no argument is missing at the end. Secrets do not come through.
func Describe(p *event.Process, raw []byte, whole bool) {
	args := arguments(raw, whole)
	if len(args) == 0 {
		return
	}
	p.Script = harmlessPath(script(p.Exe, args))
	p.CommandLine = joined(withoutSecrets(args), whole)
}

// arguments splits what the kernel keeps. A program that shows its state in its command line, as
// nginx does, leaves NULs behind. An argument without its end is left out: what it has of a
// secret could not be recognised.
func arguments(raw []byte, whole bool) []string {
	text := string(raw)
	if !whole {
		text = text[:strings.LastIndexByte(text, 0)+1]
	}
	text = strings.TrimRight(text, "\x00")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}

// joined returns the arguments separated by blanks.
func joined(args []string, whole bool) string {
	line := strings.Join(args, " ")
	if !whole {
		line += " " + ellipsis
	}
	return Bounded(line)
}

// Bounded returns a command line of at most event.MaxCommandLine bytes.
func Bounded(line string) string {
	if len(line) <= event.MaxCommandLine {
		return line
	}
	end := event.MaxCommandLine - len(ellipsis)
	for end > 0 && !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + ellipsis
}

// harmlessPath returns the path of a script, without its directory if there may be a secret in
// it, and empty if the name itself may be one.
func harmlessPath(script string) string {
	for _, name := range []string{script, path.Base(script)} {
		if len(name) <= event.MaxCommandLine && withoutTokens(name) == name {
			return name
		}
	}
	return ""
}
