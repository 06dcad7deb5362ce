package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/porttrace/porttrace/internal/report"
)

// baselineOf returns what the report of a recording is compared with: another recording, or a part of
// this one, FROM..TO. It is nil without --baseline.
func (f *reportFlags) baselineOf(ctx context.Context, names []string) (*report.Baseline, error) {
	if f.baseline == "" {
		return nil, nil
	}
	of, part, name := []string{f.baseline}, windowFlags{}, f.anonymous.recordingName(f.baseline)
	if from, to, is := strings.Cut(f.baseline, ".."); is && !isThere(f.baseline) {
		of, part, name = names, windowFlags{from: from, to: to, typed: "--baseline " + f.baseline}, f.baseline
	}
	recording, err := f.openRecording(ctx, of)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usagef("--baseline %s: there is no such file; a part of the recording is FROM..TO, as in 03:00..03:10", f.baseline)
	}
	if err != nil {
		return nil, err
	}
	defer recording.close()
	window := *f
	window.windowFlags = part
	opts, err := window.window(recording)
	if err != nil {
		return nil, err
	}
	result, err := recording.judge(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &report.Baseline{Name: name, Snapshot: result.last}, recording.reportGaps()
}

func isThere(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
