package main

import (
	"fmt"
	"os"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/record"
)

// progress is a line about the recording: updated once a second on a terminal, else printed
// once at the end.
type progress struct {
	out      *os.File
	terminal bool
	name     string
	stats    func() record.Stats
	gaps     func() time.Duration // for how long nothing was written; nil: that ends the recording

	begun, now, shown event.Time
	health            event.Health
}

func newProgress(out *os.File, name string, stats func() record.Stats) *progress {
	fmt.Fprintf(out, "recording to %s\n", name)
	return &progress{out: out, terminal: isTerminal(out), name: name, stats: stats}
}

// note keeps the losses that an event reports.
func (p *progress) note(e *event.Event) {
	if health, ok := e.Fact.(*event.Health); ok {
		p.health = *health
	}
}

// update draws the line again, once a second.
func (p *progress) update(now event.Time) {
	p.now = max(p.now, now) // 0 when the source has failed
	if p.begun == 0 {
		p.begun = now
	}
	if p.terminal && now.Sub(p.shown) >= time.Second {
		p.shown = now
		fmt.Fprintf(p.out, "\r\x1b[K%s", p.line())
	}
}

// end replaces the line by the sum.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintf(p.out, "recorded %s\n", p.line())
}

func (p *progress) line() string {
	stats := p.stats()
	lost := phrase.Losses(&p.health)
	if p.gaps != nil && p.gaps() > 0 {
		lost += fmt.Sprintf(", %.1f s not recorded", p.gaps().Seconds())
	}
	return fmt.Sprintf("%s  %s  %s  %s",
		p.now.Sub(p.begun).Round(time.Second), phrase.Plural(stats.Events, "event"), phrase.Size(stats.Bytes), lost)
}
