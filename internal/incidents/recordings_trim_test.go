package incidents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	ptrace "github.com/porttrace/porttrace/internal/record"
)

// trimmer copies what a recording of the whole host has of one namespace, so that nothing of the
// host's other programs gets into the repository.
type trimmer struct {
	netns     uint32
	root      uint32        // the pid of this test, which is no part of the scene
	length    time.Duration // of the copy
	owners    map[event.ProcID]bool
	processes map[uint32]*event.Process
}

// errCopied ends the reading of what is not copied.
var errCopied = errors.New("the copy has its length")

// trim copies the part of the client's namespace from one file to another, up to a length.
func trim(from, to string, s *site, length time.Duration) error {
	reader, file, err := ptrace.OpenFile(from)
	if err != nil {
		return err
	}
	defer file.Close()
	tr := &trimmer{
		netns: s.client.Inode(), root: uint32(os.Getpid()), length: length,
		owners: map[event.ProcID]bool{}, processes: map[uint32]*event.Process{},
	}
	if err := eachBatch(reader, func(b event.Batch) error { tr.survey(b.Events); return nil }); err != nil {
		return err
	}
	tr.addParents()
	if err := reader.Rewind(); err != nil {
		return err
	}
	return tr.copy(reader, to)
}

// eachBatch calls do with all batches.
func eachBatch(reader *ptrace.Reader, do func(event.Batch) error) error {
	for {
		batch, err := reader.Read(context.Background())
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if failed := do(batch); failed != nil || err != nil {
			return failed
		}
	}
}

// survey notes which processes the namespace's events name, and what is known of all.
func (tr *trimmer) survey(events []event.Event) {
	for i := range events {
		e := &events[i]
		if known, ok := e.Fact.(*event.Process); ok {
			tr.processes[known.ID.PID] = known
		}
		if use, ok := e.Fact.(*event.UDPUse); ok && e.Netns == tr.netns {
			for _, holder := range use.Holders {
				tr.owners[holder.Proc] = true
			}
		}
		if e.Netns == tr.netns {
			tr.owners[e.Proc], tr.owners[e.Listener] = true, true
		}
	}
	delete(tr.owners, event.ProcID{})
}

// addParents adds the parents of the owners, up to this test.
func (tr *trimmer) addParents() {
	for id := range tr.owners {
		process := tr.processes[id.PID]
		for range 16 { // a chain of pids that were used again could be a circle
			if process == nil || process.PPID == tr.root {
				break
			}
			if process = tr.processes[process.PPID]; process != nil && tr.descends(process) {
				tr.owners[process.ID] = true
			}
		}
	}
}

// descends reports whether a process was started by this test, at any distance.
func (tr *trimmer) descends(process *event.Process) bool {
	for range 16 {
		if process == nil {
			return false
		}
		if process.PPID == tr.root {
			return true
		}
		process = tr.processes[process.PPID]
	}
	return false
}

// keeps reports whether an event belongs to the namespace, or to no namespace at all.
func (tr *trimmer) keeps(e *event.Event) bool {
	switch fact := e.Fact.(type) {
	case *event.Process:
		return tr.owners[fact.ID]
	case *event.FileUse:
		return tr.owners[e.Proc]
	case *event.Netns:
		return fact.Inode == tr.netns
	case *event.NetnsCounts:
		return fact.Netns == tr.netns
	case *event.Census:
		return fact.Netns == tr.netns
	case *event.Host, event.Signals, event.Clock, *event.Health, event.Text, *event.Gap:
		return true
	}
	return e.Netns == tr.netns
}

// ofScene returns a process without the ancestors that are no part of the scene: this test, and
// what it runs under.
func (tr *trimmer) ofScene(process *event.Process) *event.Process {
	own := *process
	isTest := func(a event.Ancestor) bool { return a.ID.PID == tr.root }
	if i := slices.IndexFunc(own.Ancestors, isTest); i >= 0 {
		own.Ancestors = own.Ancestors[:i]
	}
	return &own
}

// copy writes what is kept.
func (tr *trimmer) copy(reader *ptrace.Reader, to string) error {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	writer, err := ptrace.NewWriter(file, 0)
	if err != nil {
		return err
	}
	var world event.World
	begin, _ := reader.Span()
	err = eachBatch(reader, func(b event.Batch) error {
		if b.Now > begin.Add(tr.length) {
			return errCopied
		}
		for i := range b.Events {
			if e := &b.Events[i]; tr.keeps(e) {
				if process, ok := e.Fact.(*event.Process); ok {
					e.Fact = tr.ofScene(process)
				}
				world.Apply(e)
				if err := writer.Add(e, &world); err != nil {
					return err
				}
			}
		}
		return writer.EndBatch(b.Now)
	})
	if errors.Is(err, errCopied) {
		err = nil
	}
	if err := errors.Join(err, writer.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", to, err)
	}
	return nil
}
