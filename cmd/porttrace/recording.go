package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/record"
)

// recording is an open file and what the flags ask for of it.
type recording struct {
	*record.Reader
	name   string
	file   io.Closer
	filter *filter.Filter
}

// openRecording opens the file. The caller closes it.
func (f *filterFlags) openRecording(ctx context.Context, name string) (*recording, error) {
	if err := f.checkPIDs(); err != nil {
		return nil, err
	}
	reader, file, err := record.OpenFile(name)
	if err != nil {
		return nil, err
	}
	r := &recording{Reader: reader, name: name, file: file}
	if err := f.resolveIn(ctx, r); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if r.filter, err = filter.Parse(f.filter); err != nil {
		return nil, errors.Join(usageError{err}, file.Close())
	}
	return r, nil
}

// resolveIn finds what --children and --netns mean in the recording, by a look at all
// that it says of processes and namespaces.
func (f *filterFlags) resolveIn(ctx context.Context, r *recording) error {
	if !f.filter.Children && len(f.netns) == 0 {
		return nil
	}
	names := map[string]uint32{}
	parents := map[uint32][]uint32{}
	for {
		batch, err := r.Read(ctx)
		for i := range batch.Events {
			switch fact := batch.Events[i].Fact.(type) {
			case *event.Process:
				parents[fact.PPID] = append(parents[fact.PPID], fact.ID.PID)
			case *event.Netns:
				names[fact.Name] = fact.Inode
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if f.filter.Children {
		f.filter.PIDs, f.filter.Children = withDescendants(f.filter.PIDs, parents), false
	}
	if err := f.resolveNetns(names); err != nil {
		return err
	}
	return r.Rewind()
}

// withDescendants are the processes and those that descend from them, as far as the
// recording knows who lies between.
func withDescendants(pids []uint32, children map[uint32][]uint32) []uint32 {
	all := slices.Clone(pids)
	for i := 0; i < len(all); i++ {
		for _, child := range children[all[i]] {
			if !slices.Contains(all, child) {
				all = append(all, child)
			}
		}
	}
	return all
}

func (f *filterFlags) resolveNetns(names map[string]uint32) error {
	for _, name := range f.netns {
		inode, ok := names[name]
		if !ok {
			n, err := strconv.ParseUint(name, 10, 32)
			if err != nil || n == 0 {
				return fmt.Errorf("--netns %s: the recording has no such network namespace; give a name that it shows, or an inode", name)
			}
			inode = uint32(n)
		}
		f.filter.Netns = append(f.filter.Netns, inode)
	}
	return nil
}

func (r *recording) close() { r.file.Close() }

// maxGapsSaid bounds the lines about damage.
const maxGapsSaid = 10

// errSaid is an error of which the user has been told.
var errSaid = errors.New("said already")

// judge tells what the recording lacks. A file that was cut short is normal; damage is
// an error.
func (r *recording) judge() error {
	var damaged int
	for _, gap := range r.Gaps() {
		begin := r.timeOf(gap.Begin)
		if gap.Truncated {
			fmt.Fprintf(os.Stderr, "truncated: %s ends at %s without its end mark: it was cut short, or is being written still\n", r.name, begin)
			continue
		}
		if damaged++; damaged <= maxGapsSaid {
			fmt.Fprintf(os.Stderr, "damaged: %s: from %s to %s cannot be read; the rest is whole\n", r.name, begin, r.timeOf(gap.End))
		}
	}
	if damaged > maxGapsSaid {
		fmt.Fprintf(os.Stderr, "damaged: %s: and in %d more places\n", r.name, damaged-maxGapsSaid)
	}
	if damaged > 0 {
		return errSaid
	}
	return nil
}

func (r *recording) timeOf(t event.Time) string {
	return r.Clock().WallTime(t).Format("2006-01-02 15:04:05.000Z")
}
