package filter

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

func checkPIDs(spec Spec) error {
	if slices.Contains(spec.PIDs, 0) {
		return errors.New("--pid 0: not a process")
	}
	if spec.Children && len(spec.PIDs) == 0 {
		return errors.New("--children: say whose with --pid")
	}
	return nil
}

// property is a flag that selects by something a process has.
type property struct {
	flag   string
	values []string
	check  func(value string) error
	match  func(value string, p *event.Process) bool
}

// parseProcess returns a test for each flag that is used.
func parseProcess(spec Spec) ([]func(*event.Process) bool, error) {
	properties := []property{
		{"--comm", spec.Comm, checkGlob, matchComm},
		{"--exe", spec.Exe, checkGlob, matchExe},
		{"--container", spec.Container, checkContainer, matchContainer},
		{"--unit", spec.Unit, checkGlob, matchUnit},
		{"--cgroup", spec.Cgroup, checkCgroup, matchCgroup},
	}
	var tests []func(*event.Process) bool
	for _, q := range properties {
		for _, value := range q.values {
			if value == "" {
				return nil, fmt.Errorf("%s: must not be empty", q.flag)
			}
			if err := q.check(value); err != nil {
				return nil, fmt.Errorf("%s %s: %w", q.flag, value, err)
			}
		}
		if len(q.values) > 0 {
			tests = append(tests, func(p *event.Process) bool {
				return slices.ContainsFunc(q.values, func(value string) bool { return q.match(value, p) })
			})
		}
	}
	return tests, nil
}

func checkGlob(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return errors.New("not a pattern: a [ needs its ], and a \\ a character after it")
	}
	return nil
}

// glob reports whether s is the pattern, or is of its form.
func glob(pattern, s string) bool {
	matched, _ := path.Match(pattern, s) // a bad pattern is refused before
	return matched || pattern == s
}

// matchComm lets * stand for a slash too, which a name such as kworker/0:1 may
// hold: it is not a path.
func matchComm(pattern string, p *event.Process) bool {
	return glob(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(p.Comm, "/", "\x00"))
}

// matchExe compares the whole path, or the name alone if that is all that is given.
func matchExe(pattern string, p *event.Process) bool {
	if !strings.Contains(pattern, "/") {
		return p.Exe != "" && glob(pattern, path.Base(p.Exe))
	}
	return glob(pattern, p.Exe)
}

// checkContainer refuses names, which are not known here and would select nothing.
func checkContainer(id string) error {
	if len(id) > 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return errors.New("not a container id or the beginning of one (hexadecimal, up to 64 digits)")
	}
	return nil
}

func matchContainer(id string, p *event.Process) bool {
	return strings.HasPrefix(p.Container, id)
}

// matchUnit knows as systemctl(1) does that a unit without a suffix is a service.
func matchUnit(pattern string, p *event.Process) bool {
	return p.Unit != "" && (glob(pattern, p.Unit) || glob(pattern+".service", p.Unit))
}

func checkCgroup(pattern string) error {
	if !strings.HasPrefix(pattern, "/") {
		return errors.New("not a path from the root of the cgroups, such as /system.slice")
	}
	return checkGlob(pattern)
}

// matchCgroup selects what is in the cgroup or below it.
func matchCgroup(pattern string, p *event.Process) bool {
	for cgroup := p.Cgroup; strings.HasPrefix(cgroup, "/"); cgroup = path.Dir(cgroup) {
		if glob(pattern, cgroup) {
			return true
		}
		if cgroup == "/" {
			break
		}
	}
	return false
}
