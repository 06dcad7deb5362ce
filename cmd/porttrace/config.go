package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/porttrace/porttrace/internal/config"
)

// configKey is the annotation of a command that reads settings from a file.
const configKey = "porttrace_config"

// notSettings are flags that a file cannot have.
var notSettings = []string{"config", "check-config", "help", "version"}

// configFlags let a command take its flags from a file. Those of the command line win.
type configFlags struct {
	file  string
	check bool
	lines map[string]int // in which line of the file a flag was set
}

// register must come after the other flags and after Args and RunE of the command: a file is read
// before these see the flags.
func (f *configFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "config", "", "take flags from this `FILE`, of its section ["+cmd.Name()+"], as in ring = 10m; those of the command line win")
	cmd.Flags().BoolVar(&f.check, "check-config", false, "only check the flags and the file of --config")
	inGroup(cmd.Flags(), groupAdvanced, "config", "check-config")
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[configKey] = ""
	check, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := f.read(cmd); err != nil {
			return err
		}
		return f.locate(check(cmd, args))
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return f.locate(run(cmd, args)) }
}

// checked reports whether the command ends now, as only its flags were to be checked, and says so.
func (f *configFlags) checked() bool {
	if f.check {
		fmt.Fprintf(os.Stdout, "%s: no mistakes found\n", f.file)
	}
	return f.check
}

// read sets the flags of the file that were not typed.
func (f *configFlags) read(cmd *cobra.Command) error {
	switch {
	case f.check && f.file == "":
		return usagef("--check-config is for a file: add --config FILE")
	case f.file == "" && cmd.Flags().Changed("config"):
		return usagef("--config: must not be empty")
	case f.file == "":
		return nil
	}
	settings, err := config.Read(f.file)
	if err != nil {
		return usageError{err}
	}
	typed := typedFlags(cmd)
	f.lines = map[string]int{}
	for _, s := range settings {
		flag, err := settingOf(cmd.Root(), s)
		if err == nil && s.Command == cmd.Name() {
			err = f.set(cmd, flag, s, typed)
		}
		if err != nil {
			return f.at(s.Line, err)
		}
	}
	return nil
}

func typedFlags(cmd *cobra.Command) (typed []string) {
	cmd.Flags().Visit(func(flag *pflag.Flag) { typed = append(typed, flag.Name) })
	return typed
}

// set gives a flag the value of the file, unless it was typed. Only lists take several values.
func (f *configFlags) set(cmd *cobra.Command, flag *pflag.Flag, s config.Setting, typed []string) error {
	_, isList := flag.Value.(*listValue)
	if line, again := f.lines[s.Flag]; again && !isList {
		return usagef("%s: it is in line %d already", s.Flag, line)
	}
	if slices.Contains(typed, s.Flag) {
		return nil
	}
	f.lines[s.Flag] = s.Line
	err := cmd.Flags().Set(s.Flag, s.Value)
	switch {
	case err != nil && flag.Value.Type() == "bool":
		return usagef("--%s %s: must be true or false", s.Flag, s.Value)
	case err != nil:
		return flagError(cmd, err)
	}
	return nil
}

// settingOf returns the flag that a line sets, or what is wrong with its names.
func settingOf(root *cobra.Command, s config.Setting) (*pflag.Flag, error) {
	var sections []string
	for _, c := range root.Commands() {
		if _, ok := c.Annotations[configKey]; ok {
			sections = append(sections, c.Name())
		}
	}
	if !slices.Contains(sections, s.Command) {
		return nil, usagef("unknown section [%s]%s", printableName(s.Command), orList(didYouMean("", s.Command, sections), sections))
	}
	cmd := commandNamed(root, s.Command)
	flag := cmd.Flags().Lookup(s.Flag)
	if flag == nil || slices.Contains(notSettings, s.Flag) {
		names := slices.DeleteFunc(flagNames(cmd), func(name string) bool { return slices.Contains(notSettings, name) })
		return nil, usagef("unknown setting %q of [%s]%s", s.Flag, s.Command, didYouMean("", s.Flag, names))
	}
	return flag, nil
}

// orList returns a hint, or without one all that there is.
func orList(hint string, names []string) string {
	if hint != "" {
		return hint
	}
	return "; there are " + strings.Join(names, ", ")
}

func printableName(name string) string {
	quoted := fmt.Sprintf("%q", name)
	return quoted[1 : len(quoted)-1]
}

// locate adds the line of the file to the usage error of a flag that was set there.
func (f *configFlags) locate(err error) error {
	var usage usageError
	if !errors.As(err, &usage) {
		return err
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(usage.Error(), "--"), " ")
	if line, ok := f.lines[strings.TrimSuffix(name, ":")]; ok {
		return f.at(line, err)
	}
	return err
}

func (f *configFlags) at(line int, err error) error {
	return usageError{fmt.Errorf("%s:%d: %w", f.file, line, err)}
}
