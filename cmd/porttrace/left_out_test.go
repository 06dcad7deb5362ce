package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestLeftOut: what the lines of a run do not show is in lines of its own, and in one at the end.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	stream := []event.Event{
		{Time: 1, Kind: event.Open, Proto: event.TCP, Count: 1},
		{Time: 2, Kind: event.HealthKnown, Fact: &event.Health{Lost: 5}},
		{Time: 3, Kind: event.Folded, Proto: event.TCP, Fact: &event.Fold{Opens: 1_000, ClosesOut: 900, Binds: 3}},
		{Time: 3, Kind: event.Folded, Proto: event.TCP, Fact: &event.Fold{LeaveSynSent: 3}},
		{Time: 3, Kind: event.Folded, Proto: event.TCP, Flags: event.NotSelected, Fact: &event.Fold{Opens: 7}},
		{Time: 4, Kind: event.HealthKnown, Fact: &event.Health{Lost: 5}},
		{Time: 5, Kind: event.HealthKnown, Fact: &event.Health{Lost: 12}},
	}
	for _, tc := range []struct {
		flags printFlags
		whole bool
		lines int
		end   string
	}{
		{printFlags{}, true, 4, "without a line: 1,903 events of kind open, close, bind, syn_unanswered only counted; 12 events lost\n"},
		{printFlags{}, false, 3, "without a line: 1,903 events of kind open, close, bind, syn_unanswered only counted; 7 events lost\n"},
		{printFlags{kinds: []string{"open"}}, true, 1, "without a line: 1,000 events of kind open only counted; 12 events lost\n"},
		{printFlags{kinds: []string{"folded"}}, true, 1, "without a line: 12 events lost\n"},
		{printFlags{failures: true}, true, 2, "without a line: 12 events lost\n"},
		{printFlags{limit: 2}, true, 2, "without a line: 5 events lost\n"},
	} {
		kinds, err := tc.flags.wanted()
		if err != nil {
			t.Fatal(err)
		}
		var out, end bytes.Buffer
		p, err := tc.flags.printer(kinds, "text", &out, time.UTC, tc.whole)
		if err != nil {
			t.Fatal(err)
		}
		var world event.World
		for i := range stream {
			if p.left == 0 {
				break
			}
			if err := p.print(&stream[i], &world); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.out.Flush(); err != nil {
			t.Fatal(err)
		}
		p.leftOut.write(&end)
		if got := bytes.Count(out.Bytes(), []byte("\n")); got != tc.lines || end.String() != tc.end {
			t.Errorf("%+v: %d lines, want %d, and %q:\n%s", tc.flags, got, tc.lines, end.String(), &out)
		}
	}
}

// TestLeftOutOne: one event is no "events".
func TestLeftOutOne(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]leftOut{
		"without a line: 1 event lost\n":                                         {lost: 1},
		"without a line: 1 event of kind bind only counted\n":                    {kinds: []event.Kind{event.Bind}, undetailed: 1},
		"without a line: 1 event of kind bind only counted; 2,000 events lost\n": {kinds: []event.Kind{event.Bind}, undetailed: 1, lost: 2000},
	} {
		var out bytes.Buffer
		if l.write(&out); out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
}
