package tui

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// view is one screen: what it is of, and the keys that lead to it.
type view struct {
	name  string
	of    source
	keys  []string
	sizes []size
}

type size struct{ width, height int }

var (
	// common are a terminal as it opens, one beside an editor, and one that has the whole display.
	common = []size{{80, 24}, {120, 40}, {200, 60}}
	small  = []size{{80, 24}}
)

// source makes a snapshot. Those of recordings are the same for all tests, which must not change
// them.
type source func(testing.TB) *snapshot.Snapshot

// incident is what happened on a host.
func incident(name, moment string, flags ...string) source {
	return func(tb testing.TB) *snapshot.Snapshot { return recorded.At(tb, name, moment, flags...) }
}

// made is what no recording has.
func made(f func() *snapshot.Snapshot) source {
	return func(testing.TB) *snapshot.Snapshot { return f() }
}

// worst is what an engineer sees who is called.
func worst(name string, flags ...string) source { return incident(name, recorded.Worst, flags...) }

func early(name string) source { return incident(name, recorded.Early) }

// allViews are all there are.
func allViews() []view {
	var all []view
	for _, list := range [][]view{overviews, tables, details, causes, states} {
		for _, v := range list {
			v.sizes = common
			all = append(all, v)
		}
	}
	for _, list := range [][]view{oddViews, hostileViews} {
		for _, v := range list {
			v.sizes = small
			all = append(all, v)
		}
	}
	return all
}

// overviews are what is seen first.
var overviews = []view{
	{name: "overview-proxy", of: worst("proxy")},
	{name: "overview-proxy-early", of: early("proxy")},
	{name: "overview-billing", of: worst("billing")},
	{name: "overview-billing-early", of: early("billing")},
	{name: "overview-billing-pid", of: worst("billing-pid")},
	{name: "overview-prices", of: worst("prices")},
	{name: "overview-edge", of: worst("edge")},
	{name: "overview-sync", of: worst("sync")},
	{name: "overview-web", of: worst("web")},
	{name: "overview-notify", of: worst("notify")},
	{name: "overview-crawler", of: worst("crawler")},
	{name: "overview-nothing-selected", of: worst("billing", "--comm=absent")},
}

var tables = []view{
	{name: "processes", of: worst("prices"), keys: []string{"2"}},
	{name: "processes-leak", of: worst("billing"), keys: []string{"2"}},
	{name: "processes-one-by-one", of: worst("prices"), keys: []string{"2", ":", "group process", "enter", "home"}},
	{name: "executables", of: worst("prices"), keys: []string{"2", ":", "group executable", "enter"}},
	{name: "destinations", of: worst("crawler"), keys: []string{"3"}},
	{name: "destinations-silent", of: worst("notify"), keys: []string{"3"}},
	{name: "failures", of: worst("web"), keys: []string{"4"}},
	{name: "failures-silent", of: worst("notify"), keys: []string{"4"}},
	{name: "failures-none", of: worst("crawler"), keys: []string{"4"}},
	{name: "events", of: worst("proxy"), keys: []string{"5"}},
}

var details = []view{
	{name: "space", of: worst("proxy"), keys: []string{"enter"}},
	{name: "space-end", of: worst("proxy"), keys: []string{"enter", "end"}},
	{name: "space-block", of: worst("edge"), keys: []string{"enter"}},
	{name: "space-bind", of: worst("sync"), keys: []string{"enter"}},
	{name: "process", of: worst("billing"), keys: []string{"2", "enter"}},
	{name: "process-end", of: worst("billing"), keys: []string{"2", "enter", "end"}},
	{name: "program", of: worst("prices"), keys: []string{"2", "enter"}},
	{name: "executable", of: worst("prices"), keys: []string{"2", ":", "group executable", "enter", "enter"}},
	{name: "destination", of: worst("billing"), keys: []string{"3", "enter"}},
	{name: "failure", of: worst("web"), keys: []string{"4", "enter"}},
	{name: "event", of: worst("proxy"), keys: []string{"5", "enter"}},
	{name: "events-of-a-row", of: worst("billing"), keys: []string{"2", "e"}},
	{name: "tracing", of: worst("proxy"), keys: []string{"c"}},
	{name: "deep", of: worst("proxy"), keys: []string{"enter", "enter", "enter"}},
}

var causes = []view{
	{name: "why-proxy", of: worst("proxy"), keys: []string{"w"}},
	{name: "why-billing", of: worst("billing"), keys: []string{"w"}},
	{name: "why-prices", of: worst("prices"), keys: []string{"w"}},
	{name: "why-edge", of: worst("edge"), keys: []string{"w"}},
	{name: "why-sync", of: worst("sync"), keys: []string{"w"}},
	{name: "why-web", of: worst("web"), keys: []string{"4", "w"}},
	{name: "why-notify", of: worst("notify"), keys: []string{"w"}},
	{name: "why-crawler", of: worst("crawler"), keys: []string{"w"}},
}

// states are what keys make of a table.
var states = []view{
	{name: "help", of: worst("proxy"), keys: []string{"?"}},
	{name: "columns", of: worst("prices"), keys: []string{"2", "o", "down"}},
	{name: "sort", of: worst("prices"), keys: []string{"2", "s"}},
	{name: "command", of: worst("prices"), keys: []string{":", "s"}},
	{name: "command-fault", of: worst("prices"), keys: []string{":", "sort tomorrow", "enter"}},
	{name: "filter-typing", of: worst("crawler"), keys: []string{"/", "dest:10.78.0.1 !443"}},
	{name: "filter-fault", of: worst("crawler"), keys: []string{"/", "/(/"}},
	{name: "filter-nothing", of: worst("crawler"), keys: []string{"/", "absent", "enter"}},
	{name: "all-rows", of: worst("crawler"), keys: []string{"a"}},
	{name: "frozen-order", of: worst("billing"), keys: []string{"2", "f"}},
	{name: "paused", of: worst("billing"), keys: []string{"p"}},
}

// oddViews are what the recordings of incidents do not have.
var oddViews = []view{
	{name: "beginning", of: exact.at(4 * time.Second), keys: []string{"2"}},
	{name: "damaged", of: damaged.at(whole), keys: []string{"2"}},
	{name: "truncated", of: cutShort.at(whole), keys: []string{"2"}},
	{name: "waiting", of: made(nothing)},
	{name: "empty-spaces", of: made(empty)},
	{name: "empty-processes", of: made(empty), keys: []string{"2"}},
	{name: "empty-destinations", of: made(empty), keys: []string{"3"}},
	{name: "empty-failures", of: made(empty), keys: []string{"4"}},
	{name: "empty-events", of: made(empty), keys: []string{"5"}},
	{name: "empty-why", of: made(empty), keys: []string{"w"}},
	{name: "no-root", of: made(censusOnly)},
	{name: "busy-spaces", of: made(fixture)},
	{name: "busy-processes", of: made(fixture), keys: []string{"2"}},
	{name: "busy-executables", of: made(looping), keys: []string{"2", ":", "group executable", "enter"}},
	{name: "calm-spaces", of: made(calm)},
	{name: "starved-spaces", of: made(starved)},
	{name: "bind-space", of: made(starved), keys: []string{"down", "enter"}},
	{name: "rangeless-spaces", of: made(rangeless)},
	{name: "rangeless-space", of: made(rangeless), keys: []string{"down", "enter"}},
	{name: "wide-processes", of: made(wide), keys: []string{"2"}},
	{name: "wide-failures", of: made(wide), keys: []string{"4"}},
}

// hostileViews have names that are attacks on the terminal.
var hostileViews = []view{
	{name: "hostile-spaces", of: made(hostile)},
	{name: "hostile-space", of: made(hostile), keys: []string{"enter"}},
	{name: "hostile-processes", of: made(hostile), keys: []string{"2"}},
	{name: "hostile-executables", of: made(hostile), keys: []string{"2", ":", "group executable", "enter"}},
	{name: "hostile-unit", of: made(hostile), keys: []string{"2", ":", "group unit", "enter", "enter"}},
	{name: "hostile-process", of: made(hostile), keys: []string{"2", "enter"}},
	{name: "hostile-destination", of: made(hostile), keys: []string{"3", "enter"}},
	{name: "hostile-failures", of: made(hostile), keys: []string{"4"}},
	{name: "hostile-failure", of: made(hostile), keys: []string{"4", "enter"}},
	{name: "hostile-events", of: made(hostile), keys: []string{"5"}},
	{name: "hostile-event", of: made(hostile), keys: []string{"5", "enter"}},
	{name: "hostile-tracing", of: made(hostile), keys: []string{"c"}},
}

// nothing has been seen yet.
func nothing() *snapshot.Snapshot { return nil }
