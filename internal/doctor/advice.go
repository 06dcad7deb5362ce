package doctor

import "github.com/porttrace/porttrace/internal/snapshot"

// advise adds what to change, by the cause.
func advise(_ *snapshot.Snapshot, f *Finding) {
	switch f.Cause {
	default:
		f.Advice = nil
	}
}
