package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

// storm is a load by its name.
type storm struct {
	name       string
	job        lab.Storm
	leaves     bool // buckets, so that its memory is of interest
	onlyMemory bool // and its speed is not
}

// The storm wide is what a host has that makes 1,950 connections a second: as many buckets, to
// more destinations than a screen shows.
const (
	wideBuckets      = 117_000
	wideDestinations = 1024
	wideLimit        = 50 * time.Second // then it has failed to make them: they live a minute
)

func parseStorms(names string, cfg config) ([]storm, error) {
	timed := lab.Storm{For: cfg.duration, Threads: cfg.threads, Destinations: cfg.destinations}
	reset := timed
	reset.Reset = true
	wide := lab.Storm{For: wideLimit, Count: wideBuckets, Threads: cfg.threads, Destinations: wideDestinations}
	known := []storm{{name: "rst", job: reset}, {name: "fin", job: timed, leaves: true}, {name: "wide", job: wide, leaves: true, onlyMemory: true}}
	var list []storm
next:
	for name := range strings.SplitSeq(names, ",") {
		for _, s := range known {
			if s.name == name {
				list = append(list, s)
				continue next
			}
		}
		return nil, fmt.Errorf("no such storm: %q", name)
	}
	return list, nil
}
