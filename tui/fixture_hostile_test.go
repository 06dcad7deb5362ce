package tui

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// evil is what a user without privileges can call his programs.
const evil = "\x1b[2J\x1b]0;x\x07\u202e\x9b1m\xff"

// hostile has it everywhere that text comes from outside.
func hostile() *snapshot.Snapshot {
	s := fixture()
	s.Host.Name, s.Host.Kernel = evil, evil
	s.Notices = []snapshot.Notice{{Text: evil}}
	s.Signals[0].Name, s.Signals[0].Mode = evil, evil
	s.Signals[2].Hook, s.Signals[2].Reason = evil, evil
	for i := range s.Processes {
		mar(&s.Processes[i].Info)
		s.Processes[i].Destinations = []snapshot.Pair{{Comm: evil, Proc: web.ID, NetnsName: evil, Remote: cache}}
	}
	for i := range s.Destinations {
		s.Destinations[i].NetnsName = evil
		s.Destinations[i].Processes = []snapshot.Pair{{Comm: evil, Proc: web.ID, NetnsName: evil, Remote: cache}}
	}
	for i := range s.Failures {
		mar(&s.Failures[i].Proc)
		s.Failures[i].NetnsName = evil
	}
	for i := range s.PortSpaces {
		marSpace(&s.PortSpaces[i])
	}
	for i := range s.Namespaces {
		s.Namespaces[i].Name, s.Namespaces[i].Reserved = evil, evil
	}
	for i := range s.Failures {
		f := &s.Failures[i]
		f.HeldBy = &snapshot.HeldBy{Holder: event.Holder{Proc: web.ID, Local: f.Target, Remote: cache}, Info: f.Proc}
	}
	s.RecentEvents = marredEvents(s)
	return s
}

// marredEvents is an event of each kind of each process.
func marredEvents(s *snapshot.Snapshot) (list []snapshot.RecentEvent) {
	for i := range s.Processes {
		p := &s.Processes[i].Info
		for _, e := range eventsOf(p.ID) {
			list = append(list, snapshot.RecentEvent{Event: e, Process: p, NetnsName: evil})
		}
	}
	return list
}

func marSpace(s *snapshot.PortSpace) {
	s.NetnsName, s.Forecast.Model = evil, evil
	for i := range s.Holders {
		mar(&s.Holders[i].Proc)
	}
	for i := range s.Victims {
		mar(&s.Victims[i].Proc)
	}
}

func mar(p *event.Process) {
	p.Comm, p.Exe, p.Container, p.Unit, p.Cgroup = evil, "/tmp/"+evil, evil, evil, "/"+evil
	p.CommandLine, p.Script = evil+" "+evil, "/srv/"+evil+".py"
	p.Ancestors = []event.Ancestor{{ID: web.ID, Comm: evil}, {ID: event.ProcID{PID: 7, Start: 7}, Comm: evil, Script: evil}}
}
