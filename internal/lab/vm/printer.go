package main

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// printer holds back what a run prints until it is known to have failed. Tests that were tried
// again are printed in any case.
type printer struct {
	head    string
	all     bool
	status  int // of the run, -1 if it has not ended
	held    []string
	wrong   []string       // tests that failed
	skipped map[string]int // tests, by the reason
	last    string         // the newest line that may be a reason
}

// output is shared by the machines that run at a time.
var output sync.Mutex

var (
	boring = regexp.MustCompile(`^\s*(=== |--- (PASS|SKIP):|PASS$)`)
	broken = regexp.MustCompile(`^--- FAIL: (\w+) `)
	source = regexp.MustCompile(`^\s+\w+_test\.go:\d+: `)
)

func newPrinter(head string, all bool) *printer {
	return &printer{head: head, all: all, status: -1, skipped: map[string]int{}}
}

func (p *printer) take(line string) {
	switch {
	case source.MatchString(line):
		p.last = source.ReplaceAllString(line, "")
	case strings.Contains(line, "--- SKIP:"):
		p.skipped[p.last]++
	case broken.MatchString(line):
		p.wrong = append(p.wrong, broken.FindStringSubmatch(line)[1])
	}
	switch {
	case p.all, strings.Contains(line, "RETRY: "):
		p.print(line)
	case !boring.MatchString(line):
		p.held = append(p.held, line)
	}
}

func (p *printer) print(lines ...string) {
	output.Lock()
	defer output.Unlock()
	for _, line := range lines {
		fmt.Printf("%s: %s\n", p.head, line)
	}
}

// failed prints what was held back.
func (p *printer) failed() { p.print(p.held...) }
