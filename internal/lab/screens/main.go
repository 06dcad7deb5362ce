// Command screens makes the pictures of docs/screens: it runs the built binary in a terminal,
// replays a recorded incident to a moment, presses keys, and writes what is on the screen as SVG.
// Of a report as a page it has Chromium make a PNG; without Chromium these pictures stay as they are.
//
//	make screens
//	go run ./internal/lab/screens -only why -o /tmp
//
// # Files
//
//	pictures  the lists: which incident, moment, keys, size and theme
//	shoot     from the list to a screen
//	browser   from the list to a picture of a page
//	themes    the colours of the terminal
//	svg       from a screen to SVG
//	glyphs    lines, blocks and dots as shapes: they join without gaps in any font
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// atOnce is how many pictures are made at a time.
const atOnce = 4

// maxPicture is how many bytes a picture may have.
const maxPicture = 150 << 10

func main() {
	only := flag.String("only", "", "make the pictures whose name matches this `REGEXP`")
	into := flag.String("o", "docs/screens", "the folder to write to")
	binary := flag.String("binary", "./porttrace", "the program to run")
	text := flag.Bool("text", false, "write the text of the screens as well")
	flag.Parse()
	if err := run(*binary, *into, *only, *text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(binary, into, only string, text bool) error {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	list := slices.DeleteFunc(jobs(binary, into, text), func(j job) bool { return !chosen.MatchString(j.name) })
	if failed := work(list); failed > 0 {
		return fmt.Errorf("%d of %d pictures could not be made", failed, len(list))
	}
	if only != "" {
		return nil
	}
	return os.WriteFile(filepath.Join(into, "README.md"), []byte(gallery()), 0o644)
}

// job makes one picture.
type job struct {
	name string
	run  func() error
}

// jobs are those of all pictures that can be made here.
func jobs(binary, into string, text bool) (list []job) {
	for i := range pictures {
		p := &pictures[i]
		list = append(list, job{p.name, func() error { return p.make(binary, into, text) }})
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v: the pictures of reports as pages stay as they are\n", err)
		return list
	}
	for i := range pages {
		p := &pages[i]
		list = append(list, job{p.name, func() error { return p.make(binary, chromium, into) }})
	}
	return list
}

// work runs the jobs, says which fail, and returns how many do.
func work(list []job) (failed int) {
	var working sync.WaitGroup
	slots, errs := make(chan struct{}, atOnce), make([]error, len(list))
	for i := range list {
		working.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = list[i].run()
		})
	}
	working.Wait()
	for i, err := range errs {
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", list[i].name, err)
			failed++
		}
	}
	return failed
}

// make makes one picture.
func (p *picture) make(binary, into string, text bool) error {
	screen, err := p.shoot(binary)
	if err != nil {
		return err
	}
	svg := svgOf(screen, p.theme)
	if len(svg) > maxPicture {
		return fmt.Errorf("%d KiB are more than %d", len(svg)>>10, maxPicture>>10)
	}
	file := filepath.Join(into, p.name)
	if err := os.WriteFile(file+".svg", []byte(svg), 0o644); err != nil || !text {
		return err
	}
	return os.WriteFile(file+".txt", []byte(screen.Text()+"\n"), 0o644)
}

// gallery is the document with all pictures.
func gallery() string {
	var b strings.Builder
	b.WriteString("# The screen\n\nMade by `make screens` from the binary's own output: recorded incidents " +
		"(`internal/incidents/recorded`), replayed in a terminal, and reports of them in Chromium.\n")
	for _, p := range pictures {
		fmt.Fprintf(&b, "\n## %s\n\n`%s` at its moment `%s`, %d columns, %d rows, %s\n\n![%s](%s.svg)\n",
			p.title, p.incident, p.moment, p.width, p.height, p.theme.name, p.title, p.name)
	}
	for _, p := range pages {
		scheme := "light"
		if p.dark {
			scheme = "dark"
		}
		fmt.Fprintf(&b, "\n## %s\n\n`porttrace report %s.ptrace -f html`, %d pixels wide, %s\n\n![%s](%s.png)\n",
			p.title, p.incident, p.width, scheme, p.title, p.name)
	}
	return b.String()
}
