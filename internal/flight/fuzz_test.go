package flight

import (
	"path/filepath"
	"testing"
	"time"
)

// FuzzNames has any name of a file or directory in the one of a ring: what is taken for a segment or
// an incident is what a Recorder could have made, and is itself in that directory.
func FuzzNames(f *testing.F) {
	f.Add("20261128T031207.250Z.ptrace")
	f.Add("20261128T031207.250Z-2.ptrace")
	f.Add("20261128T031207Z-full-2")
	f.Add("20261128T031207Z-high-2-full")
	f.Add("../20261128T031207.250Z.ptrace")
	f.Fuzz(func(t *testing.T, name string) {
		if begin, is := segmentBegin(name); is {
			stamp := begin.Format(segmentLayout)
			if name[:len(stamp)] != stamp || !IsRecording(name) || filepath.Base(name) != name {
				t.Errorf("%q is a segment from %s on", name, stamp)
			}
		}
		if incidentName.MatchString(name) {
			_, err := time.Parse(incidentLayout, name[:len(incidentLayout)])
			if IsRecording(name) || filepath.Base(name) != name || err != nil && name[8] != 'T' {
				t.Errorf("%q is an incident", name)
			}
		}
	})
}
