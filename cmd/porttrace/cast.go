package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/record"
)

// cast is who and where a recording speaks of.
type cast struct {
	children map[uint32][]uint32 // of a pid
	netns    map[string][]uint32 // the inodes that have had a name
}

// listen reads the whole recording for its cast, and rewinds it.
func listen(ctx context.Context, from *record.Reader) (*cast, error) {
	c := &cast{children: map[uint32][]uint32{}, netns: map[string][]uint32{}}
	for {
		batch, err := from.Read(ctx)
		for i := range batch.Events {
			c.note(&batch.Events[i])
		}
		if errors.Is(err, io.EOF) {
			return c, from.Rewind()
		}
		if err != nil {
			return nil, err
		}
	}
}

func (c *cast) note(e *event.Event) {
	switch fact := e.Fact.(type) {
	case *event.Process:
		c.children[fact.PPID] = append(c.children[fact.PPID], fact.ID.PID)
	case *event.Netns:
		c.netns[fact.Name] = append(c.netns[fact.Name], fact.Inode)
	}
}

// withDescendants are the processes and those that descend from them, as far as the
// recording knows who lies between.
func (c *cast) withDescendants(pids []uint32) []uint32 {
	all := slices.Clone(pids)
	for i := 0; i < len(all); i++ {
		for _, child := range c.children[all[i]] {
			if !slices.Contains(all, child) {
				all = append(all, child)
			}
		}
	}
	return all
}

// namespaces are those of a name, or the one of an inode.
func (c *cast) namespaces(name string) ([]uint32, error) {
	if inodes := c.netns[name]; name != "" && len(inodes) > 0 {
		return inodes, nil
	}
	inode, err := strconv.ParseUint(name, 10, 32)
	if err != nil || inode == 0 {
		return nil, fmt.Errorf("--netns %s: the recording has no such network namespace; give a name that it shows, or an inode", name)
	}
	return []uint32{uint32(inode)}, nil
}
