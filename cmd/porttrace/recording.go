package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/porttrace/porttrace/internal/anonymize"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// recording is an open recording, of one file or several, with the filter of the flags.
type recording struct {
	*record.Reader
	name   string
	files  []io.Closer
	filter *filter.Filter
	hides  *anonymize.Anonymizer // what is run or judged; nil: nothing
}

// openRecording opens a file, several, or the files of a directory, as one recording. The caller must
// close it. Usage errors come first, whatever the files are.
func (f *filterFlags) openRecording(ctx context.Context, names []string) (*recording, error) {
	if err := f.check(f.request); err != nil {
		return nil, err
	}
	if err := f.anonymous.checkKey(); err != nil {
		return nil, err
	}
	r, err := openFiles(names)
	if err != nil {
		return nil, err
	}
	r.hides = f.anonymous.anonymizer
	if r.filter, err = resolveIn(ctx, f.request, r.Reader); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// resolveIn returns the filter of a request to a recording, which is read as a whole if the
// request refers to its processes or namespaces.
func resolveIn(ctx context.Context, request filter.Request, reader *record.Reader) (*filter.Filter, error) {
	var facts filter.Facts
	if request.NeedsFacts() {
		subjects, err := record.ReadSubjects(ctx, reader)
		if err != nil {
			return nil, err
		}
		facts = filter.Facts{Netns: subjects.Netns, Descendants: subjects.Descendants}
	}
	resolved, err := filter.Resolve(request, facts)
	return resolved.Filter, err
}

func (r *recording) close() {
	for _, file := range r.files {
		file.Close()
	}
}

// run moves the recording through a pipeline.
func (r *recording) run(ctx context.Context, opts pipeline.Options) error {
	ahead := record.NewAhead(ctx, r.Reader)
	defer ahead.Close()
	stream := r.hide(ahead, &opts)
	return pipeline.Run(ctx, stream, opts)
}

// judge does the same and judges it.
func (r *recording) judge(ctx context.Context, opts pipeline.Options) (*judged, error) {
	ahead := record.NewAhead(ctx, r.Reader)
	defer ahead.Close()
	stream := r.hide(ahead, &opts)
	return judge(ctx, stream, opts)
}

// hide returns the stream that is shown, and sets the filter of it.
func (r *recording) hide(source pipeline.Source, opts *pipeline.Options) (stream pipeline.Source) {
	stream, opts.Filter = hide(r.hides, source, opts.Filter)
	return stream
}

// maxGaps bounds the lines about damage.
const maxGaps = 10

// errReported is the error of a failure that was printed already.
var errReported = errors.New("reported already")

// reportGaps prints what the recording lacks. A truncated file is normal; damage is an error.
func (r *recording) reportGaps() error {
	if n := r.Beyond(); n > 0 {
		fmt.Fprintf(os.Stderr, "ignored: %s has %s after its end; to join recordings: porttrace cat A B >FILE\n", r.name, phrase.Size(n))
	}
	var damaged, unrecorded int
	for _, gap := range r.Gaps() {
		if gap.Unrecorded {
			if unrecorded++; unrecorded <= maxGaps {
				fmt.Fprintf(os.Stderr, "not recorded: from %s to %s\n", r.timeOf(gap.Begin), r.timeOf(gap.End))
			}
			continue
		}
		if gap.Truncated {
			fmt.Fprintf(os.Stderr, "truncated: %s ends at %s without its end mark: the recording was interrupted, or is still being written\n",
				r.name, r.timeOf(gap.Begin))
			continue
		}
		if damaged++; damaged <= maxGaps {
			fmt.Fprintf(os.Stderr, "damaged: %s: %s\n", r.name, r.damage(gap))
		}
	}
	if unrecorded > maxGaps {
		fmt.Fprintf(os.Stderr, "not recorded: %s: and at %s\n", r.name, phrase.Plural(unrecorded-maxGaps, "more time"))
	}
	if damaged > maxGaps {
		fmt.Fprintf(os.Stderr, "damaged: %s: and in %s\n", r.name, phrase.Plural(damaged-maxGaps, "more place"))
	}
	if damaged > 0 {
		return errReported
	}
	return nil
}

// damage returns what a gap is to the user. A gap at the beginning has no known begin, and
// without a clock no time is known.
func (r *recording) damage(gap event.Gap) string {
	switch {
	case r.Clock() == (event.Clock{}):
		return "nothing can be read"
	case gap.Begin == gap.End:
		return "what came before " + r.timeOf(gap.End) + " cannot be read; the rest is complete"
	}
	return "from " + r.timeOf(gap.Begin) + " to " + r.timeOf(gap.End) + " cannot be read; the rest is complete"
}

func (r *recording) timeOf(t event.Time) string {
	return r.Clock().WallTime(t).Format("2006-01-02 15:04:05.000Z")
}
