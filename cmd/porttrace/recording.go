package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

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
	// What is typed wrong is said whatever the file is.
	if _, err := filter.Parse(f.filter); err != nil {
		return nil, usageError{err}
	}
	reader, file, err := record.OpenFile(name)
	if err != nil {
		return nil, err
	}
	r := &recording{Reader: reader, name: name, file: file}
	if r.filter, err = f.resolveIn(ctx, reader); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// resolveIn makes the filter. What --children and --netns mean is found by a look at all
// that the recording says of processes and namespaces.
func (f *filterFlags) resolveIn(ctx context.Context, from *record.Reader) (*filter.Filter, error) {
	if !f.filter.Children && len(f.netns) == 0 {
		return filter.Parse(f.filter)
	}
	known, err := listen(ctx, from)
	if err != nil {
		return nil, err
	}
	if f.filter.Children {
		f.filter.PIDs, f.filter.Children = known.withDescendants(f.filter.PIDs), false
	}
	for _, name := range f.netns {
		inodes, err := known.namespaces(name)
		if err != nil {
			return nil, err
		}
		f.filter.Netns = append(f.filter.Netns, inodes...)
	}
	return filter.Parse(f.filter)
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
		if gap.Truncated {
			fmt.Fprintf(os.Stderr, "truncated: %s ends at %s without its end mark: it was cut short, or is being written still\n",
				r.name, r.timeOf(gap.Begin))
			continue
		}
		if damaged++; damaged <= maxGapsSaid {
			fmt.Fprintf(os.Stderr, "damaged: %s: %s\n", r.name, r.damage(gap))
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

// damage says what is missing. When it began nobody knows where it is the beginning, nor
// when anything was where no clock is left.
func (r *recording) damage(gap event.Gap) string {
	switch {
	case r.Clock() == (event.Clock{}):
		return "nothing of it can be read"
	case gap.Begin == gap.End:
		return "what came before " + r.timeOf(gap.End) + " cannot be read; the rest is whole"
	}
	return "from " + r.timeOf(gap.Begin) + " to " + r.timeOf(gap.End) + " cannot be read; the rest is whole"
}

func (r *recording) timeOf(t event.Time) string {
	return r.Clock().WallTime(t).Format("2006-01-02 15:04:05.000Z")
}
