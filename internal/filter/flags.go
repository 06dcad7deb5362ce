package filter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// Request is what the user typed: the values of each flag in Flags.
type Request struct {
	PID, Comm, Exe, Container, Pod, Unit, Cgroup, Dest, Port, Netns []string

	Children bool // with PID: and the descendants of these processes
}

// Flags are the filters, in the order of the help.
var Flags = []Flag{
	newFlag("pid", "only the process with this `PID`; several: \"812 813\", 812,813, or repeated",
		func(r *Request) *[]string { return &r.PID }, parsePID, matchPID),
	newFlag("comm", "only processes or scripts with this `NAME`, or a pattern with * and ?, which is also looked for in command lines",
		func(r *Request) *[]string { return &r.Comm }, parseGlob, known(matchComm)),
	newFlag("exe", "only this executable: its `PATH`, its name, or a pattern",
		func(r *Request) *[]string { return &r.Exe }, parseGlob, known(matchExe)),
	newFlag("container", "only the container with this `ID` or beginning of an id",
		func(r *Request) *[]string { return &r.Container }, parseContainer, known(matchContainer)),
	newFlag("pod", "only this `POD` of Kubernetes, NAMESPACE/POD or NAMESPACE/POD/CONTAINER, or a pattern: 'shop/web-*'",
		func(r *Request) *[]string { return &r.Pod }, parsePod, known(matchPod)),
	newFlag("unit", "only this systemd `UNIT`",
		func(r *Request) *[]string { return &r.Unit }, parseGlob, known(matchUnit)),
	newFlag("cgroup", "only this `CGROUP` and those below it",
		func(r *Request) *[]string { return &r.Cgroup }, parseCgroup, known(matchCgroup)),
	newFlag("dest", "only towards `CIDR[:PORT]`, as in 10.0.0.0/8:443 or '[fd00::/8]:443'",
		func(r *Request) *[]string { return &r.Dest }, parseDest, matchDest),
	newFlag("port", "only this remote `PORT` (of binds and accepted connections: local port)",
		func(r *Request) *[]string { return &r.Port }, parsePort, matchPort),
	newFlag("netns", "only this network namespace: `NAME|PATH|INODE`",
		func(r *Request) *[]string { return &r.Netns }, parseInode, matchNetns),
}

// Flag is one filter: its flag on the command line, and its rule.
type Flag struct {
	Name, Help string
	Values     func(*Request) *[]string
	parse      func(values []string) (rule, error)
}

// newFlag returns a filter that selects an event if one of its values matches.
func newFlag[T any](name, help string, values func(*Request) *[]string, parse func(value string) (T, error),
	match func(value T, e *event.Event, p *event.Process) bool,
) Flag {
	return Flag{Name: name, Help: help, Values: values, parse: func(values []string) (rule, error) {
		var parsed []T
		for _, value := range values {
			v, err := parse(value)
			switch {
			case errors.Is(err, errEmpty):
				return nil, fmt.Errorf("--%s: %w", name, err)
			case err != nil:
				return nil, fmt.Errorf("--%s %s: %w", name, value, err)
			}
			parsed = append(parsed, v)
		}
		return func(e *event.Event, p *event.Process) bool {
			return slices.ContainsFunc(parsed, func(v T) bool { return match(v, e, p) })
		}, nil
	}}
}

// Empty reports whether the request selects everything.
func (r Request) Empty() bool {
	return !r.Children && !slices.ContainsFunc(Flags, func(f Flag) bool { return len(*f.Values(&r)) > 0 })
}

// Check returns what is wrong with the request itself, whatever exists on the host or in
// the recording.
func (r Request) Check() error {
	r.Netns = nil // names are resolved
	_, err := Parse(r)
	return err
}

// contradiction returns why the flags, each valid by itself, select nothing together.
func (r Request) contradiction() error {
	if r.Children && len(r.PID) == 0 {
		return errors.New("--children: --pid is missing")
	}
	return checkPorts(r.Dest, r.Port)
}
