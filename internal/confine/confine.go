package confine

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Options say what a run still needs.
type Options struct {
	Mode     Mode
	User     *User    // goes on as this one, nil: as the one that it is; not with Keep
	Child    bool     // a command waits for its release, and is ended with the run
	Programs bool     // it starts other programs
	Dirs     []string // in which it will make files
}

// State is what a run goes on with.
type State struct {
	User       string // empty: as before
	Kept       []string
	Unfiltered error // why no system calls are refused, nil: they are
}

// Apply gives up the rest, on all threads, for good; with Keep it does nothing, and the state is nil. After an error a part may have been given up: the
// run must end. It must be called when all is attached and opened.
func Apply(o Options) (*State, error) {
	if o.Mode == Keep {
		return nil, nil
	}
	state := &State{}
	kept := keeps(&o)
	if o.User != nil {
		if err := o.User.become(); err != nil {
			return nil, fmt.Errorf("going on as user %s: %w (this takes root, or CAP_SETUID and CAP_SETGID)", o.User.Name, err)
		}
		state.User = o.User.Name
	}
	if err := emptyBounds(); err != nil {
		return nil, fmt.Errorf("emptying the bounding set: %w", err)
	}
	if err := dropCapabilities(kept); err != nil {
		return nil, fmt.Errorf("dropping capabilities: %w", err)
	}
	for _, v := range kept {
		state.Kept = append(state.Kept, name(v))
	}
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return nil, fmt.Errorf("refusing new privileges: %w", err)
	}
	state.Unfiltered = refuseCalls(&o)
	if o.User == nil {
		return state, nil
	}
	var err error
	for _, dir := range o.Dirs {
		err = errors.Join(err, checkDir(dir, o.User.Name))
	}
	return state, err
}

// String is a line for the user.
func (s *State) String() string {
	if s == nil {
		return "privileges: all are kept"
	}
	kept := "no capability"
	if len(s.Kept) > 0 {
		kept = strings.Join(s.Kept, ", ")
	}
	if s.User != "" {
		kept = "user " + s.User + ", " + kept
	}
	if s.Unfiltered != nil {
		return "privileges: " + kept + "; system calls are not filtered: " + s.Unfiltered.Error()
	}
	return "privileges: " + kept + "; no new ones, system calls filtered"
}
