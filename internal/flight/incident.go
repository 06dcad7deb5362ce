package flight

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// incident is one that is being kept.
type incident struct {
	ring  string    // the directory of the recorder
	dir   string    // of the incident, within it
	from  time.Time // by the wall clock
	until event.Time
	last  *segment // the last one that is kept, once its time is over
	err   error    // of the first file that could not be kept
}

// Keeping reports whether an incident is being kept. It must be called between batches.
func (r *Recorder) Keeping() bool { return r.incident != nil }

// Keep has the time before and after a moment kept. cause is a word for its name, why a sentence for
// the user. While an incident is being kept nothing else is. It must be called between batches.
func (r *Recorder) Keep(now event.Time, cause, why string) {
	if r.incident != nil {
		return
	}
	at := r.wall(now)
	dir, err := makeIncident(r.opts.Dir, at.UTC().Format(incidentLayout)+"-"+cause)
	if err != nil {
		r.opts.Say(fmt.Sprintf("%s: %s, but what was before cannot be kept: %v", cause, why, err))
		return
	}
	r.opts.Say(fmt.Sprintf("%s UTC %s: %s; keeping %s before and %s after in %s",
		at.UTC().Format(time.TimeOnly), cause, why, r.opts.Before, r.opts.After, filepath.Join(r.opts.Dir, dir)))
	r.incident = &incident{ring: r.opts.Dir, dir: dir, from: at.Add(-r.opts.Before), until: now.Add(r.opts.After)}
	for _, one := range r.list {
		r.incident.keep(one)
	}
	if r.current != nil && r.began < now {
		r.next(now) // so that what is there by now is kept at once
	}
}

// Worsen adds what an incident has become to its name, while it is being kept: TIME-high-full. It must be called
// between batches.
func (r *Recorder) Worsen(now event.Time, cause, why string) {
	i := r.incident
	if i == nil {
		return
	}
	from, to := i.dir, i.dir+"-"+cause
	if err := within(i.ring, func(root *os.Root) error { return root.Rename(from, to) }); err != nil {
		r.opts.Say(fmt.Sprintf("%s: %s, in the time that %s keeps, which cannot be named so: %v", cause, why, filepath.Join(i.ring, from), err))
		return
	}
	i.dir = to
	r.opts.Say(fmt.Sprintf("%s UTC %s: %s; %s is now %s",
		r.wall(now).UTC().Format(time.TimeOnly), cause, why, filepath.Join(i.ring, from), filepath.Base(to)))
}

// takeUp gives the newest incident the segments of its time that it lacks: a run that was killed has given it
// only those that were closed by then. One that is complete has them all.
func (r *Recorder) takeUp() {
	name := filepath.Base(NewestIncident(r.opts.Dir))
	if !incidentName.MatchString(name) {
		return
	}
	at, err := time.Parse(incidentLayout, name[:len(incidentLayout)])
	if err != nil {
		return
	}
	i := &incident{ring: r.opts.Dir, dir: filepath.Join(incidents, name), from: at.Add(-r.opts.Before)}
	for _, one := range r.list {
		if one.begin.Before(at.Add(r.opts.After)) {
			i.keep(one)
		}
	}
	r.sayLack(i)
}

// sayLack says what could not be kept.
func (r *Recorder) sayLack(i *incident) {
	if i.err != nil {
		r.opts.Say(fmt.Sprintf("%s lacks a part: %v", filepath.Join(i.ring, i.dir), i.err))
	}
}

// within calls a function with the directory of a recorder, out of which no symbolic link leads: it can be
// another user's. It is opened each time, since users delete a directory and make it again.
func within(ring string, f func(*os.Root) error) error {
	root, err := os.OpenRoot(ring)
	if err != nil {
		return err
	}
	return errors.Join(f(root), root.Close())
}

// makeIncident makes the directory of an incident, and returns its path within that of the recorder.
func makeIncident(ring, name string) (dir string, err error) {
	err = within(ring, func(root *os.Root) error {
		if err := root.MkdirAll(incidents, 0o700); err != nil {
			return err
		}
		dir = filepath.Join(incidents, name)
		for n := 2; ; n++ {
			err := root.Mkdir(dir, 0o700)
			if !errors.Is(err, os.ErrExist) || n > 99 {
				return err
			}
			dir = filepath.Join(incidents, fmt.Sprintf("%s-%d", name, n))
		}
	})
	return dir, err
}

// keep keeps a segment of the incident, if there is one.
func (r *Recorder) keep(one *segment) {
	if r.incident == nil {
		return
	}
	r.incident.keep(one)
	if r.incident.last == one {
		r.endIncident()
	}
}

// keep gives a segment a second name, if its time is one that is kept and it has none yet.
func (i *incident) keep(one *segment) {
	if one.end.Before(i.from) {
		return
	}
	err := within(i.ring, func(root *os.Root) error {
		from := filepath.Base(one.name)
		to := filepath.Join(i.dir, from)
		if err := root.Link(from, to); err == nil || errors.Is(err, fs.ErrExist) {
			return nil
		}
		return copyFile(root, from, to) // some file systems have no links
	})
	i.err = cmp.Or(i.err, err)
}

func copyFile(root *os.Root, from, to string) (err error) {
	source, err := root.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Sync(), target.Close())
}

// followIncident ends the segment when the time of the incident is over, and the incident when that
// segment is closed.
func (r *Recorder) followIncident(now event.Time) {
	i := r.incident
	switch {
	case i == nil || now < i.until:
	case i.last == nil && r.current != nil && r.began < i.until:
		i.last = r.file
		r.next(now)
	case i.last == nil: // of a full disk
		r.endIncident()
	}
}

// endIncident ends what is being kept, and deletes the oldest ones that are too many.
func (r *Recorder) endIncident() {
	i := r.incident
	if i == nil {
		return
	}
	r.incident = nil
	r.sayLack(i)
	_ = within(r.opts.Dir, func(root *os.Root) error { // gone already
		names := incidentsIn(root)
		for _, name := range names[:max(len(names)-r.opts.Incidents, 0)] {
			deleteIncident(root, filepath.Join(incidents, name))
		}
		return nil
	})
}

// deleteIncident deletes the recordings of one. What else is there is the user's, and stays.
func deleteIncident(root *os.Root, dir string) {
	for _, e := range entriesOf(root, dir) {
		if e.Type().IsRegular() && IsRecording(e.Name()) {
			_ = root.Remove(filepath.Join(dir, e.Name()))
		}
	}
	_ = root.Remove(dir)
}
