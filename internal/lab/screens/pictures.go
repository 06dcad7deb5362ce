package main

import "github.com/porttrace/porttrace/internal/incidents/recorded"

// picture is a screen of the documentation.
type picture struct {
	name             string // of its file
	title            string
	incident, moment string
	keys             []string // pressed at the moment, as terminal.Press has them; "text:..." is typed
	size
	theme *theme
}

// size is that of a terminal.
type size struct{ width, height int }

var (
	small  = size{80, 24}
	middle = size{120, 40}
	large  = size{160, 50}
	huge   = size{200, 60}
)

var pictures = []picture{
	{"proxy-80", "Out of ports", "proxy", recorded.Worst, nil, small, &dark},
	{"proxy-120", "Out of ports", "proxy", recorded.Worst, nil, middle, &dark},
	{"proxy-160", "Out of ports", "proxy", recorded.Worst, nil, large, &dark},
	{"proxy-200", "Out of ports", "proxy", recorded.Worst, nil, huge, &dark},
	{"proxy-80-light", "Out of ports", "proxy", recorded.Worst, nil, small, &light},
	{"proxy-160-light", "Out of ports", "proxy", recorded.Worst, nil, large, &light},
	{"proxy-80-plain", "Out of ports, without colour", "proxy", recorded.Worst, nil, small, &plain},
	{"space-80", "A port space", "proxy", recorded.Worst, []string{"enter"}, small, &dark},
	{"space-160", "A port space", "proxy", recorded.Worst, []string{"enter"}, large, &dark},
	{"why-80", "Why, and what to do", "proxy", recorded.Worst, []string{"w"}, small, &dark},
	{"why-120-light", "Why, and what to do", "proxy", recorded.Worst, []string{"w"}, middle, &light},
	{"leak-80", "A leak before the ports are full", "billing", recorded.Early, nil, small, &dark},
	{"leak-160", "A leak before the ports are full", "billing", recorded.Early, nil, large, &dark},
	{"processes-120", "Processes", "billing", recorded.Worst, []string{"2"}, middle, &dark},
	{"process-120", "A process", "billing", recorded.Worst, []string{"2", "down", "enter"}, middle, &dark},
	{"loop-120", "A program for each request", "prices", recorded.Worst, []string{"2"}, middle, &dark},
	{"source-160", "Ports that a program has chosen", "edge", recorded.Worst, nil, large, &dark},
	{"early-bind-120", "bind() before connect()", "sync", recorded.Worst, nil, middle, &dark},
	{"failures-120", "A port that is taken", "web", recorded.Worst, []string{"4"}, middle, &dark},
	{"silent-80", "A peer that does not answer", "notify", recorded.Worst, nil, small, &dark},
	{"destinations-120", "Destinations", "notify", recorded.Worst, []string{"3"}, middle, &dark},
	{"healthy-80", "A busy host without trouble", "crawler", recorded.Worst, nil, small, &dark},
	{"healthy-160", "A busy host without trouble", "crawler", recorded.Worst, nil, large, &dark},
	{"events-120", "Events", "notify", recorded.Worst, []string{"5"}, middle, &dark},
	{"help-120", "The keys", "proxy", recorded.Worst, []string{"?"}, middle, &dark},
}

// pagePicture is a picture of the report of an incident as a page. Its size is in pixels.
type pagePicture struct {
	name, title   string
	incident      string
	section       string // the only one that is shown; empty: the page from its beginning on
	width, height int
	dark          bool
}

var pages = []pagePicture{
	{"report-light", "A report as a page", "proxy", "", 1280, 1010, false},
	{"report-dark", "A report as a page", "proxy", "", 1280, 1010, true},
	{"report-charts-light", "The charts of a report", "billing", "charts", 1280, 1180, false},
	{"report-charts-dark", "The charts of a report", "billing", "charts", 1280, 1180, true},
	{"report-phone", "A report on a telephone", "billing", "", 390, 1500, false},
	{"report-phone-dark", "The charts of a report on a telephone", "billing", "charts", 390, 1500, true},
}
