package flight

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

const (
	segmentLayout  = "20060102T150405.000Z"
	incidentLayout = "20060102T150405Z"
	suffix         = ".ptrace"
	incidents      = "incidents" // the directory of those that were kept
)

var (
	segmentName  = regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z(-\d+)?\.ptrace$`)
	incidentName = regexp.MustCompile(`^\d{8}T\d{6}Z(-[a-z0-9_]+)+$`)
)

// segment is a file in the directory.
type segment struct {
	name  string
	file  *os.File // while it is written
	bytes int64
	// By the wall clock; the end is not known while it is written.
	begin, end time.Time
}

// Files returns the recordings of a directory, in the order of their names, which is that of time in
// one that a Recorder has filled.
func Files(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && IsRecording(e.Name()) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, nil
}

// IsRecording reports whether a file of that name in a directory is read with it.
func IsRecording(name string) bool { return filepath.Ext(name) == suffix }

// segmentsIn returns the segments that an earlier run has left, oldest first. The time of the last
// change is their end.
func segmentsIn(dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []*segment
	for _, e := range entries {
		info, err := e.Info()
		begin, is := segmentBegin(e.Name())
		if err == nil && is && info.Mode().IsRegular() {
			list = append(list, &segment{name: filepath.Join(dir, e.Name()), bytes: info.Size(), begin: begin, end: info.ModTime()})
		}
	}
	return list, nil
}

// segmentBegin returns when the segment of that name begins, if it is one.
func segmentBegin(name string) (begin time.Time, is bool) {
	if !segmentName.MatchString(name) {
		return time.Time{}, false
	}
	begin, err := time.Parse(segmentLayout, name[:len(segmentLayout)])
	return begin, err == nil
}

// incidentsIn returns the names of those that were kept, oldest first.
func incidentsIn(root *os.Root) []string {
	var list []string
	for _, e := range entriesOf(root, incidents) {
		if e.IsDir() && incidentName.MatchString(e.Name()) {
			list = append(list, e.Name())
		}
	}
	slices.Sort(list)
	return list
}

// NewestIncident returns the directory of the incident that was kept last, of a ring or of those of its
// incidents; empty if there is none.
func NewestIncident(dir string) (newest string) {
	if filepath.Base(dir) == incidents {
		dir = filepath.Dir(filepath.Clean(dir))
	}
	_ = within(dir, func(root *os.Root) error { // of a directory that cannot be read nothing is known
		if names := incidentsIn(root); len(names) > 0 {
			newest = filepath.Join(dir, incidents, names[len(names)-1])
		}
		return nil
	})
	return newest
}

// createSegment creates the file of a segment. It never overwrites one.
func createSegment(dir string, now time.Time) (*os.File, error) {
	stamp := now.UTC().Format(segmentLayout)
	for n := 1; ; n++ {
		name := filepath.Join(dir, stamp+suffix)
		if n > 1 {
			name = filepath.Join(dir, fmt.Sprintf("%s-%d%s", stamp, n, suffix))
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
		if err == nil || !os.IsExist(err) || n > 99 {
			return file, err
		}
	}
}

// entriesOf returns what is in a directory, nothing if there is none.
func entriesOf(root *os.Root, dir string) []os.DirEntry {
	file, err := root.Open(dir)
	if err != nil {
		return nil
	}
	defer file.Close()
	entries, _ := file.ReadDir(-1) // what could be read
	return entries
}
