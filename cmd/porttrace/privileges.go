package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/confine"
)

// privilegeFlags say what a run gives up once it has attached.
type privilegeFlags struct {
	mode string
	name string

	user *confine.User // of the name, nil: the run stays who it is
	dirs []string      // in which the run makes files later on
}

func (f *privilegeFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.mode, "privileges", string(confine.Drop), "once attached, `WHAT` becomes of privileges: "+
		"drop those not needed any more; least: other network namespaces are not entered either; keep all")
	cmd.Flags().StringVar(&f.name, "user", "", "once attached, go on as this `USER`, a name or number")
	offer(cmd, "privileges", names(confine.Modes)...)
	inGroup(cmd.Flags(), groupAdvanced, "privileges", "user")
}

// check returns the usage error of the flags, and finds the user.
func (f *privilegeFlags) check() (err error) {
	if !slices.Contains(confine.Modes, confine.Mode(f.mode)) {
		return usagef("--privileges %s: must be one of %s", f.mode, strings.Join(names(confine.Modes), ", "))
	}
	switch {
	case f.name == "":
		return nil
	case confine.Mode(f.mode) == confine.Keep:
		return usagef("--privileges keep and --user exclude each other: another user has no privileges of root")
	}
	if f.user, err = confine.LookUp(f.name); err != nil {
		return usagef("--user %s: %w", f.name, err)
	}
	return nil
}

// confine gives up the privileges that the session does not need any more.
func (s *session) confine() error {
	state, err := confine.Apply(confine.Options{
		Mode: confine.Mode(s.privileges.mode), User: s.privileges.user, Dirs: s.privileges.dirs,
		Child: s.child != nil, Programs: s.startsPrograms,
	})
	if err == nil && s.verbose {
		fmt.Fprintln(os.Stderr, state)
	}
	return err
}

// ownDir gives a directory that this run has made to the user that it goes on as.
func (f *privilegeFlags) ownDir(name string) error {
	if f.user == nil {
		return nil
	}
	dir, err := os.OpenFile(name, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.user.Own(dir), dir.Close())
}

// ownProcess marks the context of a command that has the process to itself, which it may confine. In
// tests it has not.
type ownProcess struct{}

// confineReader confines a command that reads a recording, which can be a stranger's, and writes nothing
// but this file, if there is one. What cannot be confined is said: the recording is read all the same.
func confineReader(ctx context.Context, output string) {
	if ctx.Value(ownProcess{}) == nil {
		return
	}
	var dirs []string
	if output != "" && output != "-" {
		dirs = append(dirs, filepath.Dir(output))
		if target, err := filepath.EvalSymlinks(output); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	if err := confine.Reader(dirs...); err != nil {
		fmt.Fprintf(os.Stderr, "not confined: %v\n", err)
	}
}
